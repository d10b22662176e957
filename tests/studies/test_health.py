from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from workbench.data.datasets import Dataset
from workbench.data.demo import write_demo_source
from workbench.data.images import encode_png
from workbench.errors import DamagedArtifactError, SpecError
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.health import Health, check_health, load_health
from workbench.studies.importing import import_dataset


def photo(seed: int) -> Image.Image:
    """A smooth picture unlike those of other seeds."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
    return Image.fromarray(coarse).resize((48, 48), Image.Resampling.BICUBIC)


def paler(image: Image.Image) -> Image.Image:
    return image.point(lambda value: value * 0.9 + 10)


def imported(store: Store, folder: Path, *images: tuple[str, str | None, Image.Image]) -> Dataset:
    """Import images given as (split, label, picture)."""
    splits, labels, pictures = zip(*images, strict=True)
    table = pa.table({"split": splits, "label": labels, "image": [encode_png(picture) for picture in pictures]})
    pq.write_table(table, folder / "x.parquet")
    return import_dataset(ImportSpec(str(folder / "x.parquet"), "x"), store)


def groups(found: tuple[object, ...]) -> list[list[int]]:
    return [group.rows.tolist() for group in found]  # type: ignore[attr-defined]


@pytest.fixture
def health(store: Store, tmp_path: Path) -> Health:
    dataset = imported(
        store,
        tmp_path,
        ("train", "sad", photo(1)),  # 0
        ("train", "happy", photo(2)),
        ("test", "sad", photo(1)),  # 2: exact, across splits
        ("train", "fear", photo(2)),  # 3: exact, conflicting
        ("train", "sad", photo(3)),
        ("validation", "angry", paler(photo(3))),  # 5: near, conflicting, across splits
        ("train", "sad", Image.new("L", (48, 48), 90)),  # 6: blank
        ("train", None, Image.new("L", (48, 48), 91)),  # 7: blank, another tone, no label
        ("train", None, photo(4)),  # 8
        ("train", "sad", photo(4)),  # 9: exact; a missing label is no conflict
        ("train", "sad", paler(photo(1))),  # 10: near to 0 and 2
        ("train", "neutral", photo(5)),
    )
    return check_health(dataset)


def test_blank_images_are_found_and_are_nobodys_near_duplicates(health: Health) -> None:
    assert health.blank.tolist() == [6, 7]
    assert health.near_group[[6, 7]].tolist() == [-1, -1]


def test_exact_and_near_groups(health: Health) -> None:
    assert groups(health.exact) == [[0, 2], [1, 3], [8, 9]]
    assert groups(health.near) == [[0, 2, 10], [4, 5]]
    assert health.exact_group.tolist() == [0, 1, 0, 1, -1, -1, -1, -1, 2, 2, -1, -1]
    assert health.near_group.tolist() == [0, -1, 0, -1, 1, 1, -1, -1, -1, -1, 0, -1]


def test_conflicting_labels_and_groups_across_splits(health: Health) -> None:
    assert groups(health.conflicting) == [[1, 3], [4, 5]]
    assert groups(health.cross_split) == [[0, 2], [0, 2, 10], [4, 5]]
    assert health.near[1].labels == ("angry", "sad")
    assert health.near[1].splits == ("train", "validation")


def test_counts_and_summary(health: Health) -> None:
    assert health.counts["train"] == {"": 2, "fear": 1, "happy": 1, "neutral": 1, "sad": 5}
    assert health.counts["test"] == {"sad": 1}
    assert health.summary == {
        "images": 12,
        "set_aside": 0,
        "unlabelled": 2,
        "blank": 2,
        "exact_duplicate_groups": 3,
        "images_in_exact_groups": 6,
        "exact_groups_with_conflicting_labels": 1,
        "exact_groups_across_splits": 1,
        "near_duplicate_groups": 2,
        "images_in_near_groups": 5,
        "near_groups_with_conflicting_labels": 1,
        "near_groups_across_splits": 2,
    }


def test_close_hashes_of_unlike_pixels_are_no_duplicates(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = imported(store, tmp_path, *(("train", "sad", photo(seed)) for seed in range(40)))
    monkeypatch.setattr("workbench.studies.health.NEAR_BITS", 16)
    assert check_health(dataset).near == ()


def test_the_import_stores_what_a_check_finds(store: Store, health: Health) -> None:
    loaded = load_health(store, "x")
    assert loaded.summary == health.summary
    assert groups(loaded.near) == groups(health.near)
    assert (store.datasets_dir / "x" / "health.parquet").exists()


def test_a_report_that_is_missing_or_old_is_made_anew(store: Store, health: Health) -> None:
    path = store.datasets_dir / "x" / "health.parquet"
    path.unlink()
    assert load_health(store, "x").summary == health.summary
    pq.write_table(pa.table({"other": [1]}), path)
    assert load_health(store, "x").summary == health.summary
    assert pq.read_table(path).num_rows == 12


def test_a_damaged_report_is_an_error_that_names_it(store: Store, health: Health) -> None:
    (store.datasets_dir / "x" / "health.parquet").write_bytes(b"words")
    with pytest.raises(DamagedArtifactError, match=r"x/health\.parquet: the health report cannot be read"):
        load_health(store, "x")
    with pytest.raises(SpecError, match="unknown dataset 'y'"):
        load_health(store, "y")


def test_planted_faults_of_rendered_faces_are_found(store: Store, tmp_path: Path) -> None:
    source = write_demo_source(tmp_path, count=300)
    dataset = import_dataset(ImportSpec(str(source.images), "demo"), store)
    health = load_health(store, "demo")
    truth = {row["id"]: row for row in pq.read_table(source.truth).to_pylist()}
    kinds = np.array([truth[name]["kind"] for name in dataset.ids])
    place = {name: row for row, name in enumerate(dataset.ids)}
    assert health.blank.tolist() == np.flatnonzero(kinds == "blank").tolist()
    corrupt = [name for name, row in truth.items() if row["kind"] == "corrupt"]
    assert {row["source"].split("(")[1].rstrip(")") for row in health.rejected.to_pylist()} == set(corrupt)
    for kind, numbers in (
        ("conflicting", health.exact_group),
        ("leaked", health.exact_group),
        ("near", health.near_group),
    ):
        rows = np.flatnonzero(kinds == f"{kind}-duplicate")
        assert rows.size
        for row in rows:
            assert numbers[row] == numbers[place[truth[dataset.ids[row]]["partner"]]] >= 0
    assert len(health.near) <= 2 * (kinds == "near-duplicate").sum()
