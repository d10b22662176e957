from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import StopAfter
from tests.studies.review_data import CLASSES, judge, judged_dataset
from workbench.data import dataset_writer
from workbench.data.datasets import Dataset, open_dataset
from workbench.data.verdicts import Verdicts
from workbench.errors import Cancelled, SpecError
from workbench.progress import Silent
from workbench.specs import CleanSpec
from workbench.store import ArtifactKey, Store
from workbench.studies.clean import SOFT_LABELS, children, clean, cleaned, open_parent, parent_rows
from workbench.studies.clean_plan import plan
from workbench.studies.health import load_health


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def dataset(store: Store, tmp_path: Path) -> Dataset:
    """Row i shows angry, happy, sad in turn."""
    return judged_dataset(store, tmp_path, 60)


def labels(dataset: Dataset) -> dict[str, str]:
    return dict(zip(dataset.ids.tolist(), dataset.labels.tolist(), strict=True))


def test_verdicts_become_labels_and_the_rest_stays(store: Store, dataset: Dataset) -> None:
    judge(store, dataset, (0, "happy", "ann"), (1, "keep", "ann"), (2, "not-a-face", "ann"), (4, "ambiguous", "ann"))
    found = clean(CleanSpec("faces", "better"), store)
    before, after = labels(dataset), labels(found)
    assert set(before) - set(after) == {"face-0002"}
    assert {name: after[name] for name in after if after[name] != before[name]} == {"face-0000": "happy"}
    kept = parent_rows(dataset, found)
    assert np.array_equal(found.digests, dataset.digests[kept])
    assert np.array_equal(found.splits, dataset.splits[kept])
    assert found.image_bytes([5]) == dataset.image_bytes([int(kept[5])])
    assert np.array_equal(found.hashes, dataset.hashes[kept])


def test_the_cleaned_dataset_remembers_where_it_comes_from(store: Store, dataset: Dataset) -> None:
    judge(store, dataset, (0, "happy", "ann"), (2, "not-a-face", "ben"), (3, "keep", "ben"), (3, "sad", "ann"))
    found = clean(CleanSpec("faces", "better"), store)
    origin = cleaned(found)
    assert origin is not None
    assert (origin.parent, origin.fingerprint) == ("faces", dataset.fingerprint)
    assert origin.changes["reviewers"] == ["ann", "ben"]
    assert origin.changes["relabelled"] == [["angry", "happy", 1]]
    assert origin.changes["dropped"] == {"not a face": 1}
    assert origin.changes["disputed"] == 1
    assert found.rejected.to_pydict() == {
        "source": ["faces face-0002"],
        "reason": ["left out by cleaning: not a face"],
    }
    assert any("1 disputed images keep their label" in note for note in found.manifest["notes"])
    assert found.manifest["source"] == "faces, cleaned: 1 relabelled, 1 left out"
    assert cleaned(dataset) is None
    assert [each.name for each in children(store, "faces")] == ["better"]
    assert load_health(store, "better").summary["images"] == 59
    found.verify()


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, "angry"),
        ({"disputed": "majority"}, "happy"),
        ({"disputed": "drop"}, None),
        ({"reviewers": "ann"}, "sad"),
        ({"reviewers": "ben, cid"}, "happy"),
    ],
)
def test_a_dispute_is_settled_as_asked(
    store: Store, dataset: Dataset, choice: dict[str, str], expected: str | None
) -> None:
    judge(store, dataset, (0, "sad", "ann"), (0, "happy", "ben"), (0, "happy", "cid"), (1, "keep", "ann"))
    found = clean(CleanSpec("faces", "better", **choice), store)  # type: ignore[arg-type]
    assert labels(found).get("face-0000") == expected


def test_a_tie_keeps_the_label(store: Store, dataset: Dataset) -> None:
    judge(store, dataset, (0, "sad", "ann"), (0, "happy", "ben"))
    assert labels(clean(CleanSpec("faces", "better", disputed="majority"), store))["face-0000"] == "angry"


def test_ambiguous_and_faceless_images_go_or_stay_as_asked(store: Store, dataset: Dataset) -> None:
    judge(store, dataset, (0, "ambiguous", "ann"), (1, "not-a-face", "ann"))
    found = clean(CleanSpec("faces", "better", ambiguous="drop", not_a_face="keep"), store)
    assert set(labels(dataset)) - set(labels(found)) == {"face-0000"}


def test_a_skip_is_no_opinion(store: Store, dataset: Dataset) -> None:
    judge(store, dataset, (0, "skip", "ann"), (1, "sad", "ann"))
    found = plan(CleanSpec("faces", "better"), dataset, Verdicts(store).current("faces"))
    assert list(found.decisions) == [1]


def test_soft_labels_are_plain_shares_with_the_given_label_as_one_vote(store: Store, dataset: Dataset) -> None:
    judge(store, dataset, (0, "happy", "ann"), (0, "happy", "ben"), (0, "ambiguous", "cid"), (1, "keep", "ann"))
    found = clean(CleanSpec("faces", "better", disputed="majority"), store)
    soft = {line["id"]: line for line in pq.read_table(found.path / SOFT_LABELS).to_pylist()}
    assert len(soft) == len(found)
    first = soft["face-0000"]
    assert (first["votes"], first["unclear"]) == (3, 1)
    assert (first["p_angry"], first["p_happy"]) == pytest.approx((1 / 3, 2 / 3))
    assert (soft["face-0001"]["votes"], soft["face-0001"]["p_happy"]) == (2, 1.0)
    for line in soft.values():
        assert sum(value for name, value in line.items() if name.startswith("p_")) == pytest.approx(1)


def digest_of(folder: Path) -> str:
    return hashlib.sha256(b"".join(p.name.encode() + p.read_bytes() for p in sorted(folder.iterdir()))).hexdigest()


def test_a_killed_cleaning_resumes_to_the_same_bytes(
    store: Store, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_writer, "SHARD_ROWS", 16)
    monkeypatch.setattr("workbench.studies.clean._CHUNK", 8)
    judge(store, dataset, (0, "happy", "ann"), (40, "not-a-face", "ann"))
    whole = digest_of(clean(CleanSpec("faces", "better"), store).path)
    shutil.rmtree(store.datasets_dir / "better")
    with pytest.raises(Cancelled):
        clean(CleanSpec("faces", "better"), store, StopAfter(5))
    assert "better" not in [path.name for path in store.datasets_dir.iterdir()]
    assert digest_of(clean(CleanSpec("faces", "better"), store).path) == whole


def test_the_same_cleaning_is_made_once_and_another_is_refused_the_name(store: Store, dataset: Dataset) -> None:
    judge(store, dataset, (0, "happy", "ann"))
    first = clean(CleanSpec("faces", "better"), store)
    assert clean(CleanSpec("faces", "better"), store).created == first.created
    judge(store, dataset, (3, "happy", "ann"))
    with pytest.raises(SpecError, match="there is a dataset 'better' already"):
        clean(CleanSpec("faces", "better"), store)


def test_a_verdict_on_an_image_that_is_gone_is_counted(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    judge(store, dataset, (0, "happy", "ann"), (59, "happy", "ann"))
    shutil.rmtree(dataset.path)
    smaller = judged_dataset(store, tmp_path, 57)
    found = clean(CleanSpec("faces", "better"), store)
    assert labels(found)["face-0000"] == "happy"
    assert "1 judged images are gone from faces and were passed over" in found.manifest["notes"]
    assert len(smaller) == len(found)


def test_nothing_to_follow_and_nothing_left_are_refused(store: Store, dataset: Dataset) -> None:
    with pytest.raises(SpecError, match="there are no verdicts on 'faces'"):
        clean(CleanSpec("faces", "better"), store)
    judge(store, dataset, *((row, "not-a-face", "ann") for row in range(len(dataset))))
    with pytest.raises(SpecError, match="would leave no image of 60"):
        clean(CleanSpec("faces", "better"), store)
    with pytest.raises(SpecError, match="unknown reviewer of faces 'anne'; did you mean 'ann'"):
        clean(CleanSpec("faces", "better", reviewers="anne"), store)
    with pytest.raises(SpecError, match="unknown suspects 'none'"):
        clean(CleanSpec("faces", "better", suspects="none"), store)


def test_a_class_emptied_by_cleaning_is_told(store: Store, dataset: Dataset) -> None:
    judge(store, dataset, *((row, "sad", "ann") for row in range(0, 60, 3)))
    found = clean(CleanSpec("faces", "better"), store)
    assert found.classes == ("happy", "sad")
    assert "no image is labelled angry any more" in found.manifest["notes"]


def test_a_parent_that_is_gone_or_changed_is_told(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    judge(store, dataset, (0, "happy", "ann"))
    found = clean(CleanSpec("faces", "better"), store)
    assert open_parent(store, found).name == "faces"
    with pytest.raises(SpecError, match=r"'faces' is no cleaned dataset; .*better"):
        open_parent(store, dataset)
    shutil.rmtree(dataset.path)
    with pytest.raises(SpecError, match="'faces', from which 'better' was cleaned, is gone"):
        open_parent(store, found)
    judged_dataset(store, tmp_path, 57)
    with pytest.raises(SpecError, match="'faces' has changed since 'better' was cleaned"):
        open_parent(store, open_dataset(store, "better"))


def write_suspects(store: Store, dataset: Dataset, rows: str | None = None) -> str:
    """Store a search for suspects: row 3 is happy by 0.95, row 6 by 0.5, row 9 shows no face."""
    import pyarrow as pa

    from workbench.specs import SuspectsSpec

    count = len(dataset)
    scores, bins = np.full(count, 0.1, np.float32), np.zeros(count, np.int8)
    proposed, leaky = np.full(count, -1, np.int16), np.zeros(count, bool)
    scores[[0, 3, 6, 9]], bins[[0, 3, 6, 9]] = (0.97, 0.95, 0.5, 0.99), (1, 1, 1, 3)
    proposed[[0, 3, 6]], leaky[3] = 1, True

    key = ArtifactKey("suspects", "made up", {"rows": rows or dataset.fingerprint})
    with store.build(key, SuspectsSpec(dataset.name).to_dict()) as build:
        assert not hasattr(build, "manifest")
        table = {"id": dataset.ids.tolist(), "score": scores, "bin": bins, "proposed": proposed, "leaky": leaky}
        build.write_table(0, pa.table(table))
        return build.finish({"classes": list(dataset.classes), "notes": [], "bins": {}}).name


def test_proposals_count_where_nobody_has_judged(store: Store, dataset: Dataset) -> None:
    judge(store, dataset, (0, "keep", "ann"))
    found = clean(CleanSpec("faces", "better", suspects=write_suspects(store, dataset)), store)
    after = labels(found)
    assert (after["face-0000"], after["face-0003"], after["face-0006"]) == ("angry", "happy", "angry")
    assert "face-0009" not in after
    notes = " ".join(found.manifest["notes"])
    assert "2 images were changed as a search for suspects proposes, judged by nobody" in notes
    assert "1 of those proposals are on images that the encoder was trained on" in notes


def test_what_was_planted_tells_what_cleaning_is_worth(store: Store, dataset: Dataset) -> None:
    count = len(dataset)
    true = dataset.labels.astype(object)
    wrong, blend, blank, right = 0, 1, 2, 3
    true[wrong] = next(name for name in CLASSES if name != dataset.labels[wrong])
    true[4] = next(name for name in CLASSES if name != dataset.labels[4])  # stays wrong
    true[[blend, blank]] = None
    kinds = ["clean"] * count
    kinds[wrong], kinds[4], kinds[blend], kinds[blank] = "flipped", "flipped", "blend", "blank"
    table = {"id": dataset.ids.tolist(), "kind": kinds, "true_label": list(true), "partner": [None] * count}
    pq.write_table(pa.table(table), dataset.path / "truth.parquet")
    other = [next(name for name in CLASSES if name != dataset.labels[row]) for row in (blend, right)]
    judge(
        store, dataset, (wrong, true[wrong], "ann"), (blend, other[0], "ann"), (right, other[1], "ann"),
        (blank, "not-a-face", "ann"),
    )  # fmt: skip
    origin = cleaned(clean(CleanSpec("faces", "better"), store))
    assert origin is not None
    assert origin.changes["truth"] == {
        "changed": 3, "right": 1, "wrong": 1, "no_true_label": 1, "wrong_before": 2, "wrong_after": 2,
        "dropped": 1, "dropped_faceless": 1,
    }  # fmt: skip
    assert "of 3 changed labels 1 are right now, 1 are wrong and 1 have no true label" in origin.truth
    assert "wrong labels went from 2 to 2. Of 1 images left out 1 show no face." in origin.truth


def test_cleaning_that_changes_nothing_says_so_again(store: Store, dataset: Dataset) -> None:
    judge(store, dataset, (0, "keep", "ann"))
    for _ in range(2):
        told = Told()
        found = clean(CleanSpec("faces", "same"), store, told)
        assert any("change no label and drop no image" in note for note in told.notes)
    origin = cleaned(found)
    assert origin is not None
    assert origin.truth == ""


def test_proposals_need_no_verdicts_but_the_same_images(store: Store, dataset: Dataset) -> None:
    name = write_suspects(store, dataset)
    found = clean(CleanSpec("faces", "better", suspects="made-up", above=0.4), store)  # the beginning is enough
    assert labels(found)["face-0006"] == "happy"
    assert found.manifest["cleaned"]["spec"]["suspects"] == name
    with pytest.raises(SpecError, match="faces has changed since made-up-"):
        clean(CleanSpec("faces", "worse", suspects=write_suspects(store, dataset, "other rows")), store)
