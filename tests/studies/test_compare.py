from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.studies.review_data import CLASSES, judged_dataset
from tests.studies.stored_runs import SURE, write_run
from workbench import reports
from workbench.data.datasets import Dataset
from workbench.errors import SpecError
from workbench.specs.ladder import CompareSpec
from workbench.store import Store
from workbench.studies.compare import compare_runs, open_comparison

COUNT = 300


@pytest.fixture
def dataset(store: Store, tmp_path: Path) -> Dataset:
    return judged_dataset(store, tmp_path, COUNT)


def answers(dataset: Dataset, wrong: np.ndarray) -> list[str]:
    """The labels, and the next class where ``wrong``."""
    following = dict(zip(CLASSES, [*CLASSES[1:], CLASSES[0]], strict=True))
    return [following[label] if bad else label for label, bad in zip(dataset.labels.tolist(), wrong, strict=True)]


def pair(store: Store, dataset: Dataset) -> tuple[str, str]:
    """A run that gets every second "sad" wrong, and one that gets every tenth image wrong."""
    place = np.arange(COUNT)
    first = write_run(store, dataset, answers(dataset, (dataset.labels == "sad") & (place % 2 == 0)), CLASSES, "one")
    second = write_run(store, dataset, answers(dataset, place % 10 == 0), CLASSES, "two")
    return first.artifact.name, second.artifact.name


def test_a_comparison_counts_what_the_answers_say(store: Store, dataset: Dataset) -> None:
    found = compare_runs(CompareSpec(*pair(store, dataset), split="all"), store)
    place = np.arange(COUNT)
    wrong = (dataset.labels == "sad") & (place % 2 == 0), place % 10 == 0
    assert found.counts == {
        "both": int((~wrong[0] & ~wrong[1]).sum()),
        "first": int((~wrong[0] & wrong[1]).sum()),
        "second": int((wrong[0] & ~wrong[1]).sum()),
        "neither": int((wrong[0] & wrong[1]).sum()),
        "disagree": int((wrong[0] != wrong[1]).sum()),
    }
    assert found.comparison.changes["accuracy"].before.value == pytest.approx(1 - wrong[0].mean())
    assert found.comparison.changes["accuracy"].after.value == pytest.approx(1 - wrong[1].mean())
    assert {test.name: test.q < 0.05 for test in found.tests} == {"angry": True, "happy": True, "sad": True}
    assert found.better == "second"
    assert found.sentence.startswith("two is more accurate than one on all (+6.67 points")
    assert found.notes == ()
    assert open_comparison(found.artifact).models == ("one", "two")


def test_only_the_images_they_disagree_on_are_kept_with_who_is_right(store: Store, dataset: Dataset) -> None:
    found = compare_runs(CompareSpec(*pair(store, dataset)), store)
    table = found.disagreements.to_pylist()
    rows = dataset.rows("test")
    place = np.arange(COUNT)
    wrong = (dataset.labels == "sad") & (place % 2 == 0), place % 10 == 0
    assert [each["row"] for each in table] == [row for row in rows if wrong[0][row] != wrong[1][row]]
    for each in table:
        assert each["id"] == dataset.ids[each["row"]]
        assert each["first"] != each["second"]
        assert each[each["right"]] == each["label"] == dataset.labels[each["row"]]
        assert each["first_probability"] == pytest.approx(SURE)
    second = found.rows("second", "sad")
    assert second.tolist() == [each["row"] for each in table if each["right"] == "second" and each["label"] == "sad"]
    assert len(found.rows("neither")) == 0


def test_the_report_tells_who_is_right_of_all_images(store: Store, dataset: Dataset) -> None:
    found = compare_runs(CompareSpec(*pair(store, dataset)), store)
    report = reports.of_artifact(found.artifact)
    scores, tests, right = (part for part in report.parts if isinstance(part, reports.Table))
    assert "Wilson's for accuracy and Newcombe's for its difference, a bootstrap's for all else" in scores.title
    counts = found.counts
    assert list(right.rows) == [
        ("both right", counts["both"]),
        ("only the first right", counts["first"]),
        ("only the second right", counts["second"]),
        ("neither right", counts["neither"]),
        ("all images", sum(int(str(row[1])) for row in right.rows[:-1])),
    ]
    assert right.rows[-1][1] == found.comparison.images
    assert tests.rows[0][:4] == ["all", found.comparison.images, counts["first"], counts["second"]]
    assert tests.rows[0][1] == sum(int(str(row[1])) for row in tests.rows[1:])


def test_the_order_of_the_runs_turns_the_difference_round(store: Store, dataset: Dataset) -> None:
    one, two = pair(store, dataset)
    there, back = (compare_runs(CompareSpec(*each, split="all"), store) for each in ((one, two), (two, one)))
    assert (there.better, back.better) == ("second", "first")
    assert back.sentence.startswith("two is more accurate than one on all (+6.67 points")
    assert [test.only_first for test in there.tests] == [test.only_second for test in back.tests]


def test_runs_that_answer_alike_cannot_be_told_apart(store: Store, dataset: Dataset) -> None:
    right = dataset.labels.tolist()
    one, two = (write_run(store, dataset, right, classes).artifact.name for classes in (CLASSES, CLASSES[::-1]))
    found = compare_runs(CompareSpec(one, two), store)
    assert found.better == ""
    assert "cannot be told apart on test (the second 0.00 points" in found.sentence
    assert len(found.disagreements) == len(found.rows()) == 0
    first, second = found.models
    assert first != second
    assert first.startswith("a network ")


def test_images_of_a_class_that_only_one_run_has_are_not_counted_but_listed(store: Store, dataset: Dataset) -> None:
    right = dataset.labels.tolist()
    whole = write_run(store, dataset, right, CLASSES, "whole")
    part = write_run(store, dataset, ["happy" if each == "sad" else each for each in right], CLASSES[:2], "part")
    found = compare_runs(CompareSpec(whole.artifact.name, part.artifact.name, split="all"), store)
    sad = int((dataset.labels == "sad").sum())
    assert found.comparison.images == COUNT - sad
    assert found.counts["disagree"] == 0
    assert set(found.disagreements["right"].to_pylist()) == {""}
    assert len(found.rows(label="sad")) == sad
    assert any("only whole has the classes sad" in note for note in found.notes)
    assert any(note.startswith(f"{sad} images of 'all' of faces are not counted") for note in found.notes)


def test_a_run_that_was_trained_on_the_images_is_said(store: Store, dataset: Dataset) -> None:
    right = dataset.labels.tolist()
    seen = dataset.splits == "test"
    trained = write_run(store, dataset, right, CLASSES, "trained", trained_on=np.asarray(seen, dtype=bool))
    fresh = write_run(store, dataset, answers(dataset, np.arange(COUNT) % 7 == 0), CLASSES, "fresh")
    count = int(seen.sum())
    notes = compare_runs(CompareSpec(trained.artifact.name, fresh.artifact.name), store).notes
    assert notes == (
        f"trained was trained on {count} of the {count} images of 'test': its figures there are not held out, and the "
        "other has seen none of them",
    )
    assert compare_runs(CompareSpec(trained.artifact.name, fresh.artifact.name, "train"), store).notes == ()


def test_each_field_changes_the_result_and_a_shortened_name_does_not(store: Store, dataset: Dataset) -> None:
    one, two = pair(store, dataset)
    full = compare_runs(CompareSpec(one, two), store)
    assert compare_runs(CompareSpec("faces-one", "faces-two"), store).artifact.name == full.artifact.name
    assert full.spec == CompareSpec(one, two)
    others = [CompareSpec(one, two, "train"), CompareSpec(one, two, resamples=300), CompareSpec(one, two, seed=1)]
    names = {full.artifact.name, *(compare_runs(spec, store).artifact.name for spec in others)}
    assert len(names) == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"second": "faces-one"}, "both runs are faces-one"),
        ({"second": "faces-three"}, "unknown classification 'faces-three'"),
        ({"second": "faces"}, "'faces' fits 2 results"),
        ({"split": "tset"}, "did you mean 'test'"),
        ({"second": ""}, "needs two stored classifications"),
        ({"resamples": 5}, "resamples is 5"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(
    store: Store, dataset: Dataset, change: dict[str, object], words: str
) -> None:
    pair(store, dataset)
    with pytest.raises(SpecError, match=words) as caught:
        compare_runs(CompareSpec(**{"first": "faces-one", "second": "faces-two", **change}), store)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_runs_of_two_datasets_are_refused(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    other = judged_dataset(store, tmp_path, 60, name="others")
    mine = write_run(store, dataset, dataset.labels.tolist(), CLASSES)
    theirs = write_run(store, other, other.labels.tolist(), CLASSES)
    with pytest.raises(SpecError, match=r"is of dataset 'faces', .* of 'others'"):
        compare_runs(CompareSpec(mine.artifact.name, theirs.artifact.name), store)


def test_a_run_of_an_older_version_of_the_dataset_is_named(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    old, _ = pair(store, dataset)
    shutil.rmtree(dataset.path)
    newer = judged_dataset(store, tmp_path, COUNT, flipped=[0])
    fresh = write_run(store, newer, newer.labels.tolist(), CLASSES, "fresh")
    with pytest.raises(SpecError, match=f"has changed since {old} was made; classify it again"):
        compare_runs(CompareSpec(fresh.artifact.name, old), store)


def test_a_split_without_a_label_of_both_is_refused(store: Store, dataset: Dataset) -> None:
    count = len(dataset)
    one, two = (write_run(store, dataset, [each] * count, (each,)).artifact.name for each in ("sad", "happy"))
    with pytest.raises(SpecError, match="no image of 'test' of faces is labelled with a class of both runs"):
        compare_runs(CompareSpec(one, two), store)


def test_another_kind_of_result_is_not_opened_as_a_comparison(store: Store, dataset: Dataset) -> None:
    run = write_run(store, dataset, dataset.labels.tolist(), CLASSES)
    with pytest.raises(SpecError, match="is not a comparison"):
        open_comparison(run.artifact)
