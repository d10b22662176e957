"""The Prompts page without a browser: edits and their figures, what cannot be used, and what is done with them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import HOSTILE
from tests.app.test_pages import open_page
from workbench.app import prompt_labs
from workbench.app.prompt_text import draft_of, encode
from workbench.app.text import percent
from workbench.data.concepts import ConceptSet, load_attributes, load_concept_set
from workbench.data.datasets import open_dataset
from workbench.specs import ClassifySpec, CompareSpec, EmbedSpec, PromptsSpec
from workbench.store import Store
from workbench.studies.prompt_lab import PromptLab, open_lab

FER7 = load_concept_set("fer7")


@pytest.fixture(scope="session")
def prompted(workspace: Store, tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> Store:
    """The app's small workspace with a study of prompts and a comparison of its two runs."""
    from workbench.studies.compare import compare_runs
    from workbench.studies.prompts import prompts

    root = tmp_path_factory.mktemp("prompted") / "workspace"
    shutil.copytree(workspace.root, root)
    store, clip = Store(root), f"local-dir:{tiny_clip_folder}"
    prompts(PromptsSpec("faces", clip, sizes="1,2", draws=2, most_steps=2), store)
    first, second = (run.name for run in store.artifacts("classification") if run.spec["dataset"] == "faces")
    compare_runs(CompareSpec(first, second, resamples=100), store)
    return store


@pytest.fixture
def at_home(prompted: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("WORKBENCH_HOME", str(prompted.root))
    return prompted


@pytest.fixture
def own_home(prompted: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A copy that a test may write to."""
    shutil.copytree(prompted.root, tmp_path / "workspace")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "workspace"))
    return Store(tmp_path / "workspace")


@pytest.fixture(scope="session")
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


@pytest.fixture(scope="session")
def bench(prompted: Store, clip: str) -> PromptLab:
    """The lab that the page shows, opened beside it."""
    return open_lab("faces", clip, prompted)


def open_lab_page(clip: str, **parameters: str) -> AppTest:
    return open_page("prompts", **{"dataset": "faces", "clip": clip, "concepts": "fer7", **parameters})


def box(app: AppTest, label: str) -> Any:
    return next(each for each in app.text_area if each.label == label)


def button(app: AppTest, label: str) -> Any:
    return next(each for each in app.button if each.label == label)


def choice(app: AppTest, label: str) -> Any:
    return next(each for each in app.selectbox if each.label == label)


def numbers(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def figures(bench: PromptLab, concept_set: ConceptSet, rule: str = "") -> dict[str, str]:
    found = bench.evaluate(concept_set, rule).measured
    shares = {"Accuracy": found.accuracy, "Macro F1": found.macro_f1, "Top-3 accuracy": found.top_k}
    return {name: percent(value.value) for name, value in shares.items()}


def edited(*templates: str, **words: str) -> str:
    begin = draft_of(FER7)
    lines = "\n".join(templates) if templates else begin.templates
    return encode(replace(begin, templates=lines, words={**begin.words, **words}), begin)


def fine(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error
    return app


def test_the_lab_opens_on_validation_with_the_figures_of_the_starting_set(
    at_home: Store, clip: str, bench: PromptLab
) -> None:
    app = fine(open_lab_page(clip))
    assert choice(app, "Images").value == "validation"
    assert numbers(app) == figures(bench, FER7)
    assert box(app, "Templates").value == "\n".join(FER7.templates)
    assert any(each.value.startswith("Nothing is edited yet") for each in app.caption)
    assert button(app, "Undo").disabled
    assert button(app, "Evaluate once on test").disabled


def test_every_edit_is_answered_and_stands_in_the_address(at_home: Store, clip: str, bench: PromptLab) -> None:
    app = open_lab_page(clip)
    fine(box(app, "Templates").set_value("{}\nsurely {}").run())
    first = replace(FER7, templates=("{}", "surely {}"))
    assert numbers(app) == figures(bench, first)
    fine(box(app, "sad").set_value("sad, blue").run())
    second = fine(choice(app, "Rule").set_value("max").run())
    (concepts,) = {each.value for each in second.text_area if each.label == "sad"}
    assert concepts == "sad, blue"
    assert second.query_params["rule"] == "max"
    assert second.query_params["edit"] == edited("{}", "surely {}", sad="sad, blue")
    anew = fine(open_lab_page(clip, rule="max", edit=edited("{}", "surely {}", sad="sad, blue")))
    assert numbers(anew) == numbers(second)
    assert box(anew, "sad").value == "sad, blue"
    changes = bench.compare(bench.evaluate(FER7), bench.evaluate(first)).changes["accuracy"].difference
    app = fine(open_lab_page(clip, edit=edited("{}", "surely {}")))
    told = next(each.value for each in app.caption if each.value.startswith("since the start"))
    assert f"{changes.value * 100:+.2f}".replace("+0.00", "0.00") in told.replace("**", "")


@pytest.mark.parametrize(
    ("label", "text", "words"),
    [
        ("Templates", "a face", "has no placeholder"),
        ("Templates", "", "There is no template"),
        ("Templates", "a {}\nA {}", "Duplicate template"),
        ("angry", "", "No words for angry"),
        ("angry", "cross, Cross", "Duplicate concept"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_loses_nothing(
    at_home: Store, clip: str, bench: PromptLab, label: str, text: str, words: str
) -> None:
    app = open_lab_page(clip, edit=edited("{}", "surely {}"))
    box(app, "sad").set_value("sad, blue").run()
    box(app, label).set_value(text).run()
    assert not app.exception
    (error,) = app.error
    assert words in error.value
    assert "\n" not in error.value
    assert box(app, label).value == text
    assert box(app, "sad").value == "sad, blue"
    assert any("last prompts that could be used" in each.value for each in app.caption)
    kept = prompt_labs.Prompted(*_last_good("sad, blue"))
    assert numbers(app) == figures(bench, kept.concept_set)
    fine(button(app, "Undo").click().run())
    assert box(app, label).value == ("{}\nsurely {}" if label == "Templates" else draft_of(FER7).words["angry"])


def _last_good(sad: str) -> tuple[ConceptSet, str]:
    from workbench.app.prompt_text import read

    begin = draft_of(FER7)
    found, _ = read(replace(begin, templates="{}\nsurely {}", words={**begin.words, "sad": sad}), FER7)
    assert found is not None
    return found, "sum"


def test_undo_and_reset_lead_back_and_reset_can_be_undone(at_home: Store, clip: str, bench: PromptLab) -> None:
    app = open_lab_page(clip)
    box(app, "Templates").set_value("{}").run()
    box(app, "Templates").set_value("{} {}").run()
    button(app, "Undo").click().run()
    assert box(app, "Templates").value == "{}"
    assert numbers(app) == figures(bench, replace(FER7, templates=("{}",)))
    button(app, "Reset").click().run()
    assert box(app, "Templates").value == "\n".join(FER7.templates)
    fine(button(app, "Undo").click().run())
    assert box(app, "Templates").value == "{}"
    fine(button(app, "Undo").click().run())
    assert "edit" not in app.query_params
    assert button(app, "Undo").disabled


def test_choosing_on_test_is_warned_of_and_cannot_be_evaluated_there(at_home: Store, clip: str) -> None:
    app = fine(open_lab_page(clip, split="test", edit=edited("{}")))
    assert any("to edit prompts by" in each.value for each in app.warning)
    assert button(app, "Evaluate once on test").disabled


def test_words_the_clip_never_saw_are_warned_of(at_home: Store, clip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.models.clip import Clip

    monkeypatch.setattr(
        Clip, "unseen_words", lambda _, texts: ["glum"] if any("glum" in each for each in texts) else []
    )
    app = open_lab_page(clip)
    assert not app.warning
    fine(box(app, "sad").set_value("glum").run())
    assert any("never saw these words" in each.value and "glum" in each.value for each in app.warning)
    fine(button(app, "Evaluate once on test").click().run())
    assert any("never saw these words" in each.value for each in app.caption)


def test_an_attribute_without_labels_shows_what_is_answered(at_home: Store, clip: str, bench: PromptLab) -> None:
    app = fine(open_lab_page(clip, concepts="sentence-ensembles", attribute="gender"))
    assert any("has no labels of gender" in each.value for each in app.info)
    assert numbers(app) == {"Answered as at the start": "100.0 %", "As before the last edit": "100.0 %"}
    assert not [each for each in app.button if each.label.startswith("Evaluate")]
    fine(box(app, "female").set_value("queen").run())
    gender = load_concept_set("sentence-ensembles#gender")
    found, start = bench.guess(_with_words(gender, "female", "queen")), bench.guess(gender)
    assert numbers(app)["Answered as at the start"] == percent(float((found.answers == start.answers).mean()))


def _with_words(start: ConceptSet, name: str, words: str) -> ConceptSet:
    from workbench.app.prompt_text import read

    begin = draft_of(start)
    found, _ = read(replace(begin, words={**begin.words, name: words}), start)
    assert found is not None
    return found


def test_a_cell_opens_its_faces_and_a_face_its_card(at_home: Store, clip: str, bench: PromptLab) -> None:
    tried = bench.evaluate(FER7)
    label, answer = np.argwhere(tried.confusion > 0)[0]
    count = int(tried.confusion[label, answer])
    cell = {"label": FER7.classes[label], "predicted": FER7.classes[answer]}
    app = fine(open_lab_page(clip, **cell))
    assert any(text.value == f"**{count}** {'face' if count == 1 else 'faces'}" for text in app.markdown)
    row = int(tried.rows[(tried.labels == label) & (tried.answers == answer)][0])
    fine(open_lab_page(clip, **cell, face=str(row)))


def test_saving_gives_a_set_that_forms_and_studies_take(
    own_home: Store, clip: str, submitted: list[Any], bench: PromptLab
) -> None:
    app = open_lab_page(clip, concepts="sentence-ensembles")
    box(app, "sad").set_value("blue").run()
    name = next(each for each in app.text_input if each.label == "Name")
    name.set_value("../mine")
    button(app, "Save the set").click().run()
    assert "cannot be a concept set" in app.error[0].value
    next(each for each in app.text_input if each.label == "Name").set_value("mine")
    fine(button(app, "Save the set").click().run())
    saved = load_attributes(str(own_home.root / "concept_sets" / "mine.yaml"))
    assert list(saved) == ["emotion", "gender"]
    assert [each.text for each in saved["emotion"].concepts if each.classes == ("sad",)] == ["blue"]
    assert any("mine.yaml#emotion" in each.value for each in app.code)
    fine(button(app, "Classify with it").click().run())
    (spec,) = submitted
    assert isinstance(spec, ClassifySpec)
    assert spec.concepts == f"{own_home.root / 'concept_sets' / 'mine.yaml'}#emotion"
    assert spec.aggregate == "vote"
    next(each for each in app.text_input if each.label == "Name").set_value("mine")
    button(app, "Save the set").click().run()
    assert "already" in app.error[0].value
    form = fine(open_page("confusions", dataset="faces"))
    choice(form, "Concept set").set_value(str(own_home.root / "concept_sets" / "mine.yaml"))
    fine(button(form, "Start the run").click().run())
    assert submitted[-1].concepts == str(own_home.root / "concept_sets" / "mine.yaml")
    anew = fine(open_lab_page(clip, concepts="saved:mine"))
    assert box(anew, "sad").value == "blue"


def test_unsaved_edits_are_saved_to_classify_with_and_the_start_is_taken_by_its_name(
    own_home: Store, clip: str, submitted: list[Any]
) -> None:
    app = open_lab_page(clip)
    fine(button(app, "Classify with it").click().run())
    box(app, "sad").set_value("blue").run()
    fine(button(app, "Classify with it").click().run())
    assert (submitted[0].concepts, submitted[0].aggregate) == ("fer7", "sum")
    assert [each.text for each in load_concept_set(submitted[1].concepts).concepts if each.classes == ("sad",)] == [
        "blue"
    ]


def test_evaluating_on_test_compares_with_the_start_and_counts_the_looks(
    at_home: Store, clip: str, bench: PromptLab
) -> None:
    app = open_lab_page(clip, edit=edited("{}"))
    fine(button(app, "Evaluate once on test").click().run())
    there = bench.on("test")
    found = there.compare(there.evaluate(FER7), there.evaluate(replace(FER7, templates=("{}",))))
    told = next(each.value for each in app.markdown if each.value.startswith("On **test**"))
    assert percent(found.changes["accuracy"].after.value, 2) in told
    assert button(app.run(), "Evaluate once on test").disabled
    box(app, "Templates").set_value("surely {}").run()
    assert not [each for each in app.markdown if each.value.startswith("On **test**")]
    fine(button(app, "Evaluate once on test").click().run())
    assert any("looked at 2 times" in each.value for each in app.caption)


def test_images_that_are_not_encoded_are_offered_as_a_job(at_home: Store, submitted: list[Any]) -> None:
    app = fine(open_page("prompts", dataset="faces"))
    assert any("have not been encoded by face" in each.value for each in app.info)
    fine(button(app, "Encode the images").click().run())
    assert submitted == [EmbedSpec("faces", "face-clip")]


@pytest.mark.parametrize(
    "parameters",
    [
        {"dataset": "nowhere"},
        {"tab": "none"},
        {"split": "none"},
        {"concepts": "none"},
        {"concepts": "saved:none"},
        {"concepts": "saved:../../secret"},
        {"attribute": "none"},
        {"rule": "none"},
        {"edit": "<b>"},
        {"label": "none"},
        {"predicted": "<b>"},
        {"label": "sad", "face": "-1"},
        {"clip": " "},
        {"tab": "studies", "study": "none"},
        {"tab": "studies", "metric": "none"},
        {"tab": "compare", "first": "none"},
        {"tab": "compare", "comparison": "../none"},
        {"tab": "compare", "against": "none"},
        {"tab": "compare", "right": "none"},
        {"tab": "compare", "label": "<b>"},
        {"tab": "compare", "face": "99999999"},
    ],
)
def test_what_is_not_there_gets_one_line(at_home: Store, clip: str, parameters: dict[str, str]) -> None:
    app = open_lab_page(**{"clip": clip, **parameters})
    assert not app.exception
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value


def test_an_empty_workspace_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "workspace"))
    assert "no dataset yet" in open_page("prompts").info[0].value


def test_labels_that_attack_are_text(at_home: Store, clip: str, workspace: Store) -> None:
    words = str(workspace.root.parent / "hostile.yaml")
    app = fine(open_lab_page(clip, dataset="hostile", split="train", concepts=words))
    assert len(app.text_area) == 1 + len(HOSTILE)
    assert open_dataset(at_home, "hostile").classes
    assert not any("<img src" in each.value for each in app.markdown if each.allow_html)
