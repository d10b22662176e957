"""The Review page without a browser: queues, names, links to what is not there, and the form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.review_workspace import write_suspects
from tests.app.test_pages import open_page
from tests.conftest import write_source
from workbench.app import review
from workbench.app.review import IMAGES, NOBODY, RUN, SELECTION, SUSPECTS, Ask
from workbench.data.datasets import Dataset, open_dataset
from workbench.data.verdicts import Entry, Verdicts
from workbench.errors import SpecError, StoreError
from workbench.specs import ClassifySpec, CleanSpec, ImportSpec
from workbench.store import Store
from workbench.studies.classify import classify
from workbench.studies.clean import clean
from workbench.studies.importing import import_dataset


@pytest.fixture
def dataset(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("WORKBENCH_HOME", str(store.root))
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 60)), "faces"), store)
    return open_dataset(store, "faces")


@pytest.fixture
def searched(store: Store, dataset: Dataset) -> str:
    return write_suspects(store, "faces").artifact.reference


def rows(dataset: Dataset, reference: str, **asked: str) -> list[int]:
    ask = Ask(**{"source": SUSPECTS, **asked})
    return review.matching(dataset, ask, review.opinions(dataset, reference)).tolist()


def test_any_doubt_is_every_bin_most_doubtful_first(dataset: Dataset, searched: str) -> None:
    found = rows(dataset, searched)
    assert found == list(range(0, 60, 3))
    assert rows(dataset, searched, bin="wrong label") == list(range(0, 60, 9))
    assert set(rows(dataset, searched, bin="ambiguous")) == set(range(3, 60, 9))
    assert len(rows(dataset, searched, bin="all")) == 60


def test_filters_narrow_a_queue_together(dataset: Dataset, searched: str) -> None:
    found = rows(dataset, searched, bin="wrong label", split="train", label="angry", proposed="disgust")
    assert found
    expected = [
        row for row in range(0, 60, 9) if dataset.splits[row] == "train" and dataset.labels[row] == "angry"
    ]  # the proposal is the class after the label
    assert found == expected
    assert rows(dataset, searched, bin="wrong label", label="angry", proposed="sad") == []


def test_orders(dataset: Dataset, searched: str) -> None:
    stored = rows(dataset, NOBODY, source=IMAGES, order="stored")
    assert stored == list(range(60))
    mixed = rows(dataset, NOBODY, source=IMAGES, order="random")
    assert mixed != stored
    assert sorted(mixed) == stored
    assert mixed == rows(dataset, NOBODY, source=IMAGES, order="random")


@pytest.mark.parametrize("asked", [{"label": "<b>"}, {"proposed": "none"}, {"split": "none"}])
def test_filters_that_name_nothing_are_refused(dataset: Dataset, searched: str, asked: dict[str, str]) -> None:
    with pytest.raises(SpecError, match=r"none|<b>"):
        rows(dataset, searched, **asked)


def test_a_runs_queue_is_its_errors_with_the_prediction_proposed(
    store: Store, dataset: Dataset, tiny_clip_folder: Path
) -> None:
    run = classify(ClassifySpec("faces", f"local-dir:{tiny_clip_folder}"), store)
    found = review.opinions(dataset, run.artifact.reference)
    queue = review.matching(dataset, Ask(RUN), found)
    wrong = np.flatnonzero(run.labels != run.predicted)
    assert set(queue.tolist()) == set(wrong.tolist())
    assert (np.diff(run.margins[queue]) >= 0).all()
    assert found.proposed[queue[0]] == run.predicted[queue[0]]
    assert found.actions[queue[0]] == "relabel"


def test_a_selection_keeps_its_order_and_forgets_what_is_not_there(dataset: Dataset) -> None:
    found = review.matching(dataset, Ask(SELECTION), review.opinions(dataset, NOBODY), [7, 3, 99, -1, 5])
    assert found.tolist() == [7, 3, 5]


def test_what_is_shown_depends_on_who_asks(store: Store, dataset: Dataset) -> None:
    entries = [Entry("face-0000", "ann", "keep"), Entry("face-0001", "ann", "skip"), Entry("face-0002", "bob", "keep")]
    Verdicts(store).add(dataset, [*entries, Entry("face-0000", "bob", "relabel", "fear")])
    settled = review.standing(dataset)[1]
    every = np.arange(5)

    def shown(show: str, who: str) -> list[int]:
        return review.shown(every, Ask(IMAGES, show), settled, who).tolist()

    assert shown("unjudged", "ann") == [2, 3, 4]
    assert shown("unjudged", "bob") == [1, 3, 4]
    assert shown("skipped", "ann") == [1]
    assert shown("disputed", "ann") == [0]
    assert shown("all", "ann") == [0, 1, 2, 3, 4]


def test_new_verdicts_are_seen_at_once(store: Store, dataset: Dataset) -> None:
    assert review.standing(dataset)[1].judged == {}
    Verdicts(store).add(dataset, [Entry("face-0000", "ann", "keep")])
    assert set(review.standing(dataset)[1].judged) == {0}


def test_a_search_of_another_dataset_is_no_opinion(
    store: Store, dataset: Dataset, searched: str, tmp_path: Path
) -> None:
    import_dataset(ImportSpec(str(write_source(tmp_path / "more.parquet", 10, seed=2)), "more"), store)
    with pytest.raises(StoreError, match="is not about more"):
        review.opinions(open_dataset(store, "more"), searched)


def test_the_mark_tells_workspaces_apart(tmp_path: Path) -> None:
    assert review.workspace_mark(tmp_path / "a") != review.workspace_mark(tmp_path / "b")


@pytest.mark.parametrize(
    "asked",
    [
        {"dataset": "nowhere"},
        {"tab": "none"},
        {"queue": "none"},
        {"queue": "selection"},
        {"queue": "suspects", "run": "../../datasets"},
        {"queue": "suspects", "bin": "none"},
        {"tab": "suspects", "run": "none"},
        {"queue": "images", "show": "none"},
        {"queue": "images", "order": "none"},
    ],
)
def test_a_link_to_what_is_not_there_gets_one_line(dataset: Dataset, searched: str, asked: dict[str, str]) -> None:
    app = open_page("review", **asked)
    assert not app.exception
    assert len(app.error) == 1


@pytest.mark.parametrize("tab", ["queue", "suspects", "people", "loop"])
def test_every_section_opens(dataset: Dataset, searched: str, store: Store, tab: str) -> None:
    Verdicts(store).add(dataset, [Entry("face-0000", "<b>ann</b>", "keep"), Entry("face-0000", "bob", "skip")])
    app = open_page("review", dataset="faces", tab=tab)
    assert not app.exception
    assert not app.error


def test_a_cleaned_dataset_tells_what_was_judged_from_what_was_only_proposed(dataset: Dataset, store: Store) -> None:
    run = write_suspects(store, "faces").artifact
    Verdicts(store).add(dataset, [Entry("face-0000", "ann", "relabel", "sad")])
    found = clean(CleanSpec("faces", "first", suspects=run.name, above=0.8, not_a_face="keep"), store)
    changed = int((found.labels != dataset.labels).sum())
    app = open_page("review", dataset="first", tab="loop")
    assert changed > 1
    told = app.info[0].value.replace("\\", "")
    assert f"{changed} labels changed, 0 images left out, judged by ann; {changed - 1} of these were changed" in told
    assert "from a doubt of 0.8 on" in told


def test_a_form_without_anything_to_follow_says_where_to_begin(dataset: Dataset) -> None:
    app = open_page("review", dataset="faces", tab="loop")
    assert app.info[0].value.startswith(
        "Nobody has judged an image of this dataset yet. Judge some in the section Queue"
    )


def test_a_dataset_cleaned_meanwhile_is_the_one_on_show(dataset: Dataset, store: Store) -> None:
    Verdicts(store).add(dataset, [Entry("face-0000", "ann", "relabel", "sad")])
    clean(CleanSpec("faces", "first"), store)
    app = open_page("review", dataset="faces", tab="loop")
    box = next(box for box in app.selectbox if box.label == "Cleaned dataset")
    first = (box.value, box.key)
    clean(CleanSpec("faces", "second"), store)
    app.run()  # the browser sends what the boxes show: the older one
    box = next(box for box in app.selectbox if box.label == "Cleaned dataset")
    assert (first[0], box.value) == ("first", "second")
    assert box.key != first[1]  # what the browser says of the choices it had is not taken for one of these
    assert "cleaned" not in app.query_params


@pytest.mark.parametrize("queue", ["", "images"])
def test_without_any_run_all_images_can_be_judged(dataset: Dataset, queue: str) -> None:
    app = open_page("review", dataset="faces", queue=queue)
    assert not app.exception
    assert not app.error
    assert next(box for box in app.selectbox if box.label == "Queue").value == "images"


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def test_a_search_is_submitted_for_the_dataset_on_show(dataset: Dataset, submitted: list[Any]) -> None:
    app = open_page("review", dataset="faces", tab="suspects")
    assert "no search for suspects yet" in app.info[0].value
    press(app, "Search for suspects")
    spec = submitted[0]
    assert (spec.kind, spec.dataset, spec.clip, spec.network) == ("suspects", "faces", "face-clip", "face-cnn")
    assert (spec.encoder, spec.folds, spec.neighbours, spec.votes) == ("given", 5, 20, "")


def test_a_network_that_runs_code_is_refused(dataset: Dataset, submitted: list[Any]) -> None:
    app = open_page("review", dataset="faces", tab="suspects")
    next(box for box in app.text_input if box.label == "Network").input("python:evil:build")
    press(app, "Search for suspects")
    assert "which the browser may not start" in app.error[0].value
    assert submitted == []


def test_an_empty_workspace_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "nowhere"))
    app = open_page("review")
    assert not app.exception
    assert "no dataset yet" in app.info[0].value
