from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from workbench.data.demo import AMBIGUOUS, CLASS_SHARES, SHARES, DemoSource, planted_counts, write_demo_source
from workbench.data.faces import ACTIONS, EMOTIONS
from workbench.data.images import decode, perceptual_hash, pixel_digest
from workbench.data.sources import open_source
from workbench.errors import Cancelled, DatasetError, SpecError
from workbench.progress import Silent

COUNT = 500
DUPLICATES = ("conflicting-duplicate", "leaked-duplicate", "near-duplicate")
WITHOUT_FACE = ("blank", "corrupt", "non-face")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> DemoSource:
    return write_demo_source(tmp_path_factory.mktemp("demo") / "source", seed=3, count=COUNT)


@pytest.fixture(scope="module")
def truth(source: DemoSource) -> pd.DataFrame:
    """Truth and image bytes, by id."""
    table = pq.read_table(source.truth).to_pandas().set_index("id", drop=False)
    return table.assign(image=pq.read_table(source.images).to_pandas().set_index("id").image)


def of_kind(truth: pd.DataFrame, *kinds: str) -> pd.DataFrame:
    return truth[truth.kind.isin(kinds)]


def test_the_plants_are_there_in_the_numbers_promised(truth: pd.DataFrame) -> None:
    assert dict(Counter(truth.kind)) == planted_counts(COUNT)
    assert set(SHARES) < set(truth.kind)
    assert len(truth) == COUNT


def test_a_full_demo_has_two_kinds_of_label_errors_by_the_dozen() -> None:
    counts = planted_counts(3000)
    assert sum(counts.values()) == 3000
    assert counts["flipped"] == 150
    assert counts["blend"] == 90
    assert min(counts.values()) >= 12


def test_source_and_truth_agree_row_by_row(source: DemoSource) -> None:
    images, truth = pq.read_table(source.images), pq.read_table(source.truth)
    assert images.column_names == ["id", "split", "label", "image"]
    for column in ("id", "split", "label"):
        assert images[column].equals(truth[column])
    assert len(set(images["id"].to_pylist())) == COUNT


def test_the_importer_reads_the_source_as_any_other(source: DemoSource, truth: pd.DataFrame) -> None:
    items = list(open_source(str(source.images)).items())
    assert [item.id for item in items] == list(truth.id)
    assert Counter(item.split for item in items) == Counter(truth.split)


def test_classes_and_splits_are_well_filled(truth: pd.DataFrame) -> None:
    assert set(truth.label) == set(EMOTIONS) == set(CLASS_SHARES)
    assert sum(CLASS_SHARES.values()) == pytest.approx(1.0)
    for split, least in (("train", 0.65), ("validation", 0.13), ("test", 0.13)):
        rows = truth[truth.split == split]
        assert len(rows) > least * COUNT
        assert set(rows.true_label.dropna()) == set(EMOTIONS)


def test_the_order_tells_nothing_about_the_kind(truth: pd.DataFrame) -> None:
    places = np.flatnonzero(truth.kind == "flipped")
    assert places.min() < COUNT / 4
    assert places.max() > COUNT * 3 / 4


def test_clean_labels_are_true_and_flipped_ones_are_not(truth: pd.DataFrame) -> None:
    clean, flipped = of_kind(truth, "clean"), of_kind(truth, "flipped")
    assert (clean.label == clean.true_label).all()
    assert (flipped.label != flipped.true_label).all()
    assert flipped.true_label.isin(EMOTIONS).all()


def test_a_blend_lies_between_the_two_emotions_that_its_truth_names(truth: pd.DataFrame) -> None:
    blends = of_kind(truth, "blend")
    assert blends.true_label.isna().all()
    assert set(zip(blends.blend_first, blends.blend_second, strict=True)) <= set(AMBIGUOUS)
    assert ((blends.label == blends.blend_first) | (blends.label == blends.blend_second)).all()
    assert blends.blend_weight.between(0.4, 0.6).all()
    others = truth[truth.kind != "blend"]
    assert others[["blend_first", "blend_second", "blend_weight"]].isna().all(axis=None)


def test_actions_are_told_for_every_image_with_a_face_and_for_no_other(truth: pd.DataFrame) -> None:
    strengths = truth[list(ACTIONS)]
    without = truth.kind.isin(WITHOUT_FACE)
    assert strengths[without].isna().all(axis=None)
    assert strengths[~without].notna().all(axis=None)
    assert strengths[~without].min(axis=None) >= 0
    assert strengths[~without].max(axis=None) <= 1
    assert (strengths[~without].max(axis=1) > 0.2).all()
    assert truth.true_label[without].isna().all()


def test_happy_faces_smile_in_the_truth(truth: pd.DataFrame) -> None:
    clean = of_kind(truth, "clean")
    assert (clean[clean.true_label == "happy"]["Smile"] > 0.3).all()


def test_corrupt_files_cannot_be_read_and_all_others_can(truth: pd.DataFrame) -> None:
    for row in truth.itertuples():
        if row.kind == "corrupt":
            with pytest.raises(DatasetError):
                decode(row.image, row.id)
        else:
            assert decode(row.image, row.id).size == (48, 48)


def test_blank_pictures_show_nothing_and_differ_from_each_other(truth: pd.DataFrame) -> None:
    pictures = [decode(image, "blank") for image in of_kind(truth, "blank").image]
    assert all(np.asarray(picture).std() < 0.6 for picture in pictures)
    assert len({pixel_digest(picture) for picture in pictures}) == len(pictures)


def test_other_things_are_not_blank(truth: pd.DataFrame) -> None:
    for image in of_kind(truth, "non-face").image:
        assert np.asarray(decode(image, "thing")).std() > 10


def test_exact_duplicates_are_equal_and_carry_what_they_were_planted_with(truth: pd.DataFrame) -> None:
    for row in of_kind(truth, "conflicting-duplicate", "leaked-duplicate").itertuples():
        original = truth.loc[row.partner]
        assert original.kind == "clean"
        assert original.partner == row.id
        assert pixel_digest(decode(row.image, row.id)) == pixel_digest(decode(original.image, row.partner))
        assert row.true_label == original.true_label
        if row.kind == "conflicting-duplicate":
            assert row.label != original.label
            assert row.split == original.split
        else:
            assert row.label == original.label
            assert {original.split, row.split} in ({"train", "test"}, {"train", "validation"})


def test_near_duplicates_stand_in_another_split_and_are_close_but_not_equal(truth: pd.DataFrame) -> None:
    for row in of_kind(truth, "near-duplicate").itertuples():
        original = truth.loc[row.partner]
        picture, first = decode(row.image, row.id), decode(original.image, row.partner)
        assert pixel_digest(picture) != pixel_digest(first)
        assert (perceptual_hash(picture) ^ perceptual_hash(first)).bit_count() <= 3
        assert original.split == "train"
        assert row.split in ("validation", "test")


def test_no_image_is_repeated_beside_the_planted_pairs(truth: pd.DataFrame) -> None:
    readable = truth[~truth.kind.isin(("corrupt", "conflicting-duplicate", "leaked-duplicate"))]
    digests = [pixel_digest(decode(image, "face")) for image in readable.image]
    assert len(set(digests)) == len(digests)
    assert truth.partner.notna().sum() == 2 * len(of_kind(truth, *DUPLICATES))


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    first = write_demo_source(tmp_path / "first", seed=1, count=100)
    second = write_demo_source(tmp_path / "second", seed=1, count=100)
    other = write_demo_source(tmp_path / "other", seed=2, count=100)
    assert first.images.read_bytes() == second.images.read_bytes()
    assert first.truth.read_bytes() == second.truth.read_bytes()
    assert pq.read_table(first.images)["image"] != pq.read_table(other.images)["image"]


@pytest.mark.parametrize(("seed", "count"), [(-1, 300), (0, 99), (0, 0)])
def test_a_demo_too_small_to_hold_its_plants_is_refused(tmp_path: Path, seed: int, count: int) -> None:
    with pytest.raises(SpecError, match="at least 100"):
        write_demo_source(tmp_path / "source", seed=seed, count=count)
    assert not (tmp_path / "source").exists()


def test_a_demo_that_is_stopped_leaves_no_half_source(tmp_path: Path) -> None:
    class Stop(Silent):
        def advance(self, count: int = 1) -> None:  # noqa: ARG002
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        write_demo_source(tmp_path / "source", count=100, progress=Stop())
    assert not (tmp_path / "source").exists()
