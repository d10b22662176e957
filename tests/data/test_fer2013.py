"""FER2013 in memory: what is held out stays out, and fingerprints say what was seen."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from workbench.data.faces import render, sample
from workbench.data.fer2013 import Faces, fingerprints, read_fer2013, without_held_out, write_fingerprints
from workbench.data.images import encode_png, perceptual_hash, pixel_digest
from workbench.errors import DatasetError


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return render(sample(12, 4)).images


def as_faces(pixels: np.ndarray) -> Faces:
    return Faces(pixels, np.zeros(len(pixels), dtype=np.int64))


def write(path: Path, pixels: np.ndarray, **columns: list[str]) -> Path:
    table = {
        "usage": ["Training"] * len(pixels),
        "label": ["sad"] * len(pixels),
        "image": [encode_png(face) for face in pixels],
        **columns,
    }
    pq.write_table(pa.table(table), path)
    return path


def test_reading_keeps_official_splits_apart(tmp_path: Path, pixels: np.ndarray) -> None:
    usages = ["Training"] * 6 + ["PublicTest"] * 4 + ["PrivateTest"] * 2
    splits = read_fer2013(write(tmp_path / "f.parquet", pixels, usage=usages))
    assert [len(faces) for faces in splits.values()] == [6, 4, 2]
    assert np.array_equal(splits["PublicTest"].pixels, pixels[6:10])
    assert set(splits["Training"].labels) == {4}


def test_file_without_the_columns_names_itself(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "odd.parquet")
    with pytest.raises(DatasetError, match=r"odd\.parquet"):
        read_fer2013(tmp_path / "odd.parquet")


def test_image_of_another_size_names_its_row(tmp_path: Path, pixels: np.ndarray) -> None:
    with pytest.raises(DatasetError, match=r"row 0: 40x40 pixels"):
        read_fer2013(write(tmp_path / "f.parquet", pixels[:1, :40, :40]))


def test_copies_of_held_out_faces_are_left_out_even_when_brightened_or_shifted(pixels: np.ndarray) -> None:
    brighter = (pixels[:2] * 0.7 + 60).astype(np.uint8)
    kept = without_held_out(as_faces(np.concatenate([pixels[4:], pixels[2:4], brighter])), pixels[:4])
    assert np.array_equal(kept.pixels, pixels[4:])


def test_blank_training_images_are_left_out(pixels: np.ndarray) -> None:
    blank = np.full((1, 48, 48), 128, dtype=np.uint8)
    assert np.array_equal(
        without_held_out(as_faces(np.concatenate([blank, pixels[:3]])), pixels[5:]).pixels, pixels[:3]
    )


def test_fingerprints_are_of_the_pixels_and_stand_once(tmp_path: Path, pixels: np.ndarray) -> None:
    write_fingerprints(np.concatenate([pixels[:3], pixels[:1]]), tmp_path / "seen.parquet")
    table = pq.read_table(tmp_path / "seen.parquet")
    assert table.equals(fingerprints(pixels[:3]))
    image = Image.fromarray(pixels[0])
    assert (pixel_digest(image)[:16], perceptual_hash(image)) in zip(
        table["digest"].to_pylist(), table["perceptual_hash"].to_pylist(), strict=True
    )
    assert table.schema.field("perceptual_hash").type == pa.uint64()
