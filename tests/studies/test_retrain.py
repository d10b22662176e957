from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import StopAfter
from tests.studies.review_data import CLASSES, judge, judged_dataset, pictures
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import Cancelled, SpecError
from workbench.models.clip import Clip
from workbench.specs import CleanSpec, EmbedSpec, LeakageSpec, RetrainSpec
from workbench.store import Store
from workbench.studies.clean import clean
from workbench.studies.embed import embed
from workbench.studies.held_out import duplicate_groups
from workbench.studies.leakage import grown_sentence, inflation, leakage, open_leakage
from workbench.studies.retrain import open_retrain, retrain

COUNT = 240


@pytest.fixture
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


@pytest.fixture
def flipped(store: Store, tmp_path: Path) -> Dataset:
    """240 pictures of which every fourth training image has a wrong label, and no other."""
    train = [row for row in range(COUNT) if row // 3 % 5 < 3]
    return judged_dataset(store, tmp_path, COUNT, train[::4])


def repaired(store: Store, dataset: Dataset) -> None:
    """Judge every image as it truly is."""
    true = pictures(COUNT)[1]
    wrong = [row for row in range(COUNT) if true[row] != dataset.labels[row]]
    judge(store, dataset, *((row, true[row], "ann") for row in wrong))
    clean(CleanSpec("faces", "better"), store)


def test_repaired_labels_help_and_both_are_held_against_the_same_images(
    store: Store, flipped: Dataset, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repaired(store, flipped)
    embed(EmbedSpec("faces", clip), store)
    monkeypatch.setattr(Clip, "encode_prepared", lambda *_: pytest.fail("encoded again"))
    found = retrain(RetrainSpec("better", clip, resamples=300), store)
    assert found.parent == "faces"
    assert found.training["before"]["images"] == found.training["after"]["images"]
    assert found.training["after"]["relabelled"] == sum(
        a != b for a, b in zip(flipped.labels, open_dataset(store, "better").labels, strict=True)
    )
    comparison = found.comparisons["cleaned"]
    assert comparison.images == found.comparisons["parent"].images == len(flipped.rows("test"))
    assert comparison.changes["accuracy"].difference.value >= 0
    table = found.images.to_pydict()
    assert np.mean([a == c for a, c in zip(table["after"], table["cleaned"], strict=True)]) == pytest.approx(
        comparison.changes["accuracy"].after.value
    )
    assert "changed" not in found.comparisons
    assert open_retrain(found.artifact).sentence == found.sentence


def test_dropped_images_are_absent_after_and_counted_against_the_parents_labels(
    store: Store, flipped: Dataset, clip: str
) -> None:
    gone = [int(flipped.rows("train")[0]), int(flipped.rows("test")[0])]
    changed = int(flipped.rows("test")[1])
    other = next(name for name in CLASSES if name != flipped.labels[changed])
    judge(store, flipped, *((row, "not-a-face", "ann") for row in gone), (changed, other, "ann"))
    clean(CleanSpec("faces", "better"), store)
    found = retrain(RetrainSpec("better", clip, resamples=100), store)
    assert found.training["after"]["images"] == found.training["before"]["images"] - 1
    assert found.training["after"]["left_out"] == 1
    assert found.comparisons["parent"].images == found.comparisons["cleaned"].images + 1
    assert found.comparisons["changed"].images == 1
    assert any("relabelled 1 and left out 1 of the 48 images of 'test'" in note for note in found.notes)


def test_a_class_emptied_by_cleaning_is_still_compared(store: Store, flipped: Dataset, clip: str) -> None:
    rows = np.flatnonzero(flipped.labels == "sad").tolist()
    judge(store, flipped, *((row, "not-a-face", "ann") for row in rows))
    clean(CleanSpec("faces", "better"), store)
    found = retrain(RetrainSpec("better", clip, resamples=100), store)
    assert {each.name for each in found.comparisons["cleaned"].classes} == {"angry", "happy"}


def test_training_on_the_test_split_is_noted(store: Store, flipped: Dataset, clip: str) -> None:
    repaired(store, flipped)
    found = retrain(RetrainSpec("better", clip, train="test", report_on="validation", resamples=100), store)
    assert any("split 'test' was used for training" in note for note in found.notes)
    assert not any("for training" in note for note in retrain(RetrainSpec("better", clip), store).notes)


def test_what_cannot_be_compared_is_told(store: Store, flipped: Dataset, clip: str) -> None:
    with pytest.raises(SpecError, match="'faces' is no cleaned dataset"):
        retrain(RetrainSpec("faces", clip), store)
    repaired(store, flipped)
    with pytest.raises(SpecError, match="unknown split of faces 'tset'; did you mean 'test'"):
        retrain(RetrainSpec("better", clip, report_on="tset"), store)
    with pytest.raises(SpecError, match="'all' and 'test' of faces share 48 images"):
        retrain(RetrainSpec("better", clip, train="all"), store)
    shutil.rmtree(flipped.path)
    with pytest.raises(SpecError, match="'faces', from which 'better' was cleaned, is gone"):
        retrain(RetrainSpec("better", clip), store)


def test_one_class_only_is_told(store: Store, flipped: Dataset, clip: str) -> None:
    rows = np.flatnonzero(flipped.labels != "sad").tolist()
    judge(store, flipped, *((row, "not-a-face", "ann") for row in rows))
    clean(CleanSpec("faces", "better"), store)
    with pytest.raises(SpecError, match="one class only"):
        retrain(RetrainSpec("better", clip, resamples=100), store)


def test_embeddings_that_say_nothing_are_refused(
    store: Store, flipped: Dataset, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Made:
        matrix = np.full((COUNT, 4), 0.5, dtype=np.float32)

    monkeypatch.setattr("workbench.studies.held_out.embed_dataset", lambda *_: Made)
    with pytest.raises(SpecError, match="images of faces the same embedding"):
        leakage(LeakageSpec("faces", clip), store)
    Made.matrix = np.where(np.arange(COUNT)[:, None] == flipped.rows("test")[0], np.nan, Made.matrix)
    with pytest.raises(SpecError, match="NaN or infinite values for 1 images of faces"):
        leakage(LeakageSpec("faces", clip), store)


def test_a_stopped_run_keeps_what_it_has(store: Store, flipped: Dataset, clip: str) -> None:
    repaired(store, flipped)
    with pytest.raises(Cancelled):
        retrain(RetrainSpec("better", clip, resamples=100), store, StopAfter(3))
    assert retrain(RetrainSpec("better", clip, resamples=100), store).conclusion


def leaking(store: Store, folder: Path) -> Dataset:
    """As many copies of training images in the test split as there are classes: one exact, two retouched."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from workbench.data.images import encode_png
    from workbench.specs import ImportSpec
    from workbench.studies.importing import import_dataset

    judged_dataset(store, folder, COUNT, name="plain")
    table = pq.read_table(folder / "plain.parquet")
    images, labels = pictures(COUNT)
    copies = [images[0], np.clip(images[1] * 0.95 + 4, 0, 255).astype(np.uint8), images[2] // 2 + 40]
    more = pa.table(
        {
            "id": ["copy-0", "copy-1", "copy-2"],
            "split": ["test"] * 3,
            "label": labels[:3],
            "image": [encode_png(image) for image in copies],
        }
    )
    pq.write_table(pa.concat_tables([table, more]), folder / "leaking.parquet")
    return import_dataset(ImportSpec(str(folder / "leaking.parquet"), "leaking"), store)


def test_leaks_are_counted_and_their_effect_is_measured(store: Store, tmp_path: Path, clip: str) -> None:
    dataset = leaking(store, tmp_path)
    found = leakage(LeakageSpec("leaking", clip, resamples=200), store)
    assert found.counts == {"train": 144, "reported": 51, "exact": 1, "near": 2, "leaked_train": 3}
    table = found.images.to_pydict()
    assert [name for name, kind in zip(table["id"], table["leaked"], strict=True) if kind] == [
        "copy-0",
        "copy-1",
        "copy-2",
    ]
    right = np.array(table["predicted"]) == np.array(table["label"])
    leaked = np.array(table["leaked"]) != ""
    assert found.accuracy["all"].value == pytest.approx(right.mean())
    assert found.accuracy["without"].value == pytest.approx(right[~leaked].mean())
    assert found.accuracy["leaked"].value == pytest.approx(right[leaked].mean())
    assert found.inflation is not None
    assert found.inflation.value == pytest.approx(right.mean() - right[~leaked].mean())
    assert found.comparison is not None
    assert found.comparison.images == 51
    assert found.leaked_comparison is not None
    assert found.leaked_comparison.images == 3
    without = np.array(table["predicted_without_leaks"]) == np.array(table["label"])
    difference = found.leaked_comparison.changes["accuracy"].difference
    assert difference.value == pytest.approx(right[leaked].mean() - without[leaked].mean())
    assert (
        "3 of the 51 images of test also stand in train (1 exactly, 2 nearly). No inflation by leakage"
        in found.sentence
    )
    assert "on those images and by" in found.sentence
    assert "on all of test." in found.sentence
    assert "how easy those images are" in grown_sentence(found.inflation)
    assert open_leakage(found.artifact).sentence == found.sentence
    assert dataset.name == found.spec.dataset


def test_nothing_leaks_where_nothing_is_shared(store: Store, flipped: Dataset, clip: str) -> None:
    found = leakage(LeakageSpec("faces", clip, resamples=100), store)
    assert found.sentence == "No image of test has a copy in train, exact or near: nothing leaks."
    assert set(found.accuracy) == {"all", "without"}
    assert found.comparison is None
    with pytest.raises(SpecError, match="unknown split of faces"):
        leakage(LeakageSpec("faces", clip, train="nowhere"), store)


def test_a_leaking_training_image_is_not_learned_from(store: Store, tmp_path: Path, clip: str) -> None:
    dataset = leaking(store, tmp_path)
    judge(store, dataset, (5, "angry" if dataset.labels[5] != "angry" else "sad", "ann"))
    clean(CleanSpec("leaking", "better"), store)
    dropped = retrain(RetrainSpec("better", clip, resamples=100), store)
    kept = retrain(RetrainSpec("better", clip, leaks="keep", resamples=100), store)
    assert kept.training["before"]["images"] - dropped.training["before"]["images"] == 3
    assert any("3 training images were left out" in note for note in dropped.notes)
    assert any("3 training images have a near-duplicate" in note for note in kept.notes)


def test_inflation_is_that_of_a_literal_bootstrap() -> None:
    random = np.random.default_rng(0)
    leaked = random.random(300) < 0.2
    right = random.random(300) < np.where(leaked, 0.95, 0.6)
    found = inflation(right, leaked, 4000)
    drawn = []
    for _ in range(4000):
        rows = random.integers(0, 300, 300)
        drawn.append(right[rows].mean() - right[rows][~leaked[rows]].mean())
    assert found.value == pytest.approx(right.mean() - right[~leaked].mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.006)


def test_exact_groups_are_numbered_where_no_near_group_holds_them(store: Store, tmp_path: Path) -> None:
    from workbench.studies.health import load_health

    health = load_health(store, leaking(store, tmp_path).name)
    groups = duplicate_groups(health)
    assert groups[0] == groups[COUNT] >= 0
    assert groups[1] == groups[COUNT + 1] >= 0
    assert len({int(groups[row]) for row in (0, 1, 2)}) == 3
    assert (groups >= 0).sum() == 6
