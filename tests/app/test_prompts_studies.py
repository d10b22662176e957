"""The Prompts page without a browser: stored studies of prompts, and two runs compared."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.app.test_pages import open_page
from tests.app.test_prompts_page import at_home, box, button, choice, clip, fine, numbers, prompted
from workbench.app.text import percent
from workbench.specs import CompareSpec
from workbench.store import Store
from workbench.studies.compare import RunComparison, open_comparison
from workbench.studies.prompting import Prompts, open_prompts

__all__ = ["at_home", "clip", "prompted"]


def study_of(store: Store) -> Prompts:
    return open_prompts(store.artifacts("prompts")[0])


def test_a_study_is_shown_and_its_winner_opens_in_the_lab(at_home: Store, clip: str) -> None:
    found = study_of(at_home)
    app = fine(open_page("prompts", tab="studies", dataset="faces"))
    assert any("The search found" in each.value for each in (*app.info, *app.success))
    assert numbers(app)["Winner, reported"] == percent(found.report["winner"].accuracy.value)
    fine(button(app, "Open the winner in the lab").click().run())
    assert box(app, "Templates").value == "\n".join(found.winner.templates)
    assert choice(app, "Starting set").value == "sentence-ensembles"
    assert app.query_params["clip"] == clip
    tuned = found.path[-1]["value"]
    assert numbers(app)["Accuracy"] == percent(tuned)


def test_a_study_is_shown_by_its_other_score_and_a_new_one_is_submitted(at_home: Store, submitted: list[Any]) -> None:
    app = fine(open_page("prompts", tab="studies", dataset="faces", metric="macro_f1"))
    next(each for each in app.text_input if each.label == "Sizes").set_value("1,x")
    button(app, "Study the prompts").click().run()
    assert "sizes" in app.error[0].value
    next(each for each in app.text_input if each.label == "Sizes").set_value("1,2")
    fine(button(app, "Study the prompts").click().run())
    (spec,) = submitted
    assert (spec.dataset, spec.concepts, spec.tune_on, spec.report_on) == (
        "faces", "sentence-ensembles", "validation", "test",
    )  # fmt: skip
    assert (spec.sizes, spec.least) == ("1,2", pytest.approx(0.001))


def test_a_dataset_without_a_study_is_offered_one(at_home: Store) -> None:
    app = fine(open_page("prompts", tab="studies", dataset="hostile"))
    assert any("No study of prompts" in each.value for each in app.info)
    assert button(app, "Study the prompts")


def comparison_of(store: Store) -> RunComparison:
    return open_comparison(store.artifacts("comparison")[0])


def test_a_comparison_shows_its_figures_and_the_faces_it_is_about(at_home: Store) -> None:
    found = comparison_of(at_home)
    app = fine(open_page("prompts", tab="compare", comparison=found.artifact.name))
    assert numbers(app)["Only one right"] == f"{found.counts['first']} / {found.counts['second']}"
    assert app.query_params["first"] == found.spec.first
    right, label = found.disagreements["right"][0].as_py(), found.disagreements["label"][0].as_py()
    fine(app.button_group[-1].set_value(right).run())
    fine(choice(app, "Label").set_value(label).run())
    rows = found.rows(right, label)
    assert len(rows)
    assert button(app, f"Review these {len(rows)}")
    link = {"tab": "compare", "dataset": "faces", "right": right, "label": label, "face": str(rows[0])}
    fine(open_page("prompts", **link))
    button(app, f"Review these {len(rows)}").click().run()
    assert app.session_state["kept:selection"][1].tolist() == rows.tolist()


def test_two_runs_not_compared_yet_are_offered_to_be(at_home: Store, submitted: list[Any]) -> None:
    found = comparison_of(at_home).spec
    app = fine(open_page("prompts", tab="compare", dataset="faces", against="validation"))
    fine(button(app, "Compare them").click().run())
    assert submitted == [CompareSpec(found.first, found.second, "validation")]
    app = fine(open_page("prompts", tab="compare", dataset="faces", first=found.first, second=found.first))
    assert any("same run" in each.value for each in app.info)
    app = fine(open_page("prompts", tab="compare", dataset="hostile"))
    assert any("classify the images with both" in each.value for each in app.info)


def test_stored_studies_and_comparisons_open_without_torch(at_home: Store) -> None:
    code = (
        "import sys; from tests.app.test_pages import open_page\n"
        "for tab in ('studies', 'compare'):\n"
        "    app = open_page('prompts', dataset='faces', tab=tab)\n"
        "    print(len(app.metric), len(app.error), 'torch' in sys.modules)"
    )
    environment = os.environ | {"WORKBENCH_HOME": str(at_home.root)}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=root
    )
    assert done.stdout.splitlines() == ["5 0 False"] * 2
