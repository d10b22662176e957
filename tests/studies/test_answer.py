"""Pictures that are no dataset are classified, faces in them found, and nothing is stored."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.studies.review_data import judged_dataset
from workbench.data.datasets import Dataset
from workbench.data.faces import render, sample
from workbench.errors import SpecError
from workbench.exports.answers import answers_csv, write_answers
from workbench.methods.shapes import Floats
from workbench.reports import answers as report
from workbench.specs import PredictSpec, ProbeSpec
from workbench.store import Store
from workbench.studies.answer import answer
from workbench.studies.predict import predict
from workbench.studies.probe import probe


@pytest.fixture
def faces(store: Store, tmp_path: Path) -> Dataset:
    return judged_dataset(store, tmp_path, 120)


def written(dataset: Dataset, folder: Path, rows: Floats) -> list[Path]:
    """Write images of a dataset as files, some of them in a folder within."""
    (folder / "more").mkdir(parents=True)
    paths = [folder / ("more" if row % 2 else "") / f"{row:03d}.png" for row in rows.tolist()]
    for path, data in zip(paths, dataset.image_bytes(rows), strict=True):
        path.write_bytes(data)
    return paths


def test_a_folder_of_pictures_is_answered_as_the_dataset_they_are_of(
    store: Store, faces: Dataset, tmp_path: Path
) -> None:
    model = probe(ProbeSpec("faces", "knn", "pixels"), store).model
    rows = np.arange(0, 120, 9)
    paths = written(faces, tmp_path / "photos", rows)
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    stored = [artifact.reference for artifact in store.artifacts()]
    found = answer([tmp_path / "photos"], model, store, faces="whole")
    place = dict(zip(paths, rows.tolist(), strict=True))
    assert sorted(found.pictures) == sorted(paths)
    assert [artifact.reference for artifact in store.artifacts()] == stored
    expected = predict(PredictSpec("faces", model), store)
    order = [place[path] for path in found.pictures]
    np.testing.assert_allclose(found.probabilities, expected.class_probabilities[order], atol=1e-6)
    said = [entry["answer"] for entry in report(found).values["answers"]]
    assert said == expected.predicted[order].tolist()


def test_a_face_in_a_photo_is_found_and_one_cut_out_already_is_answered_whole(store: Store, tmp_path: Path) -> None:
    face = render(sample(1, 11, emotions=["happy"]), size=96).images[0]
    photo = np.full((300, 400), 120, dtype=np.uint8)
    photo[100:196, 200:296] = face
    Image.fromarray(photo).save(tmp_path / "photo.png")
    Image.fromarray(face).save(tmp_path / "face.png")
    Image.fromarray(np.full((80, 80), 90, dtype=np.uint8)).save(tmp_path / "wall.png")
    found = answer([tmp_path], "face-cnn", store)
    assert [path.name for path in found.pictures] == ["face.png", "photo.png", "wall.png"]
    assert found.found.tolist() == [False, True, False]
    assert [found.classes[place] for place in found.probabilities[:2].argmax(axis=1)] == ["happy"] * 2
    assert "face" in report(found).text()
    faces_only = answer([tmp_path], "face-cnn", store, faces="largest")
    assert [path.name for path in faces_only.pictures] == ["face.png", "photo.png"]
    assert any("wall.png: no face was found" in note for note in faces_only.notes)


def test_what_cannot_be_answered_is_left_out_and_said(store: Store, tmp_path: Path) -> None:
    Image.fromarray(np.arange(4096, dtype=np.uint8).reshape(64, 64)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    found = answer([tmp_path], "face-cnn", store)
    assert len(found.pictures) == 1
    assert "b.png" in found.notes[0]
    table = list(csv.DictReader(io.StringIO(answers_csv(found).decode())))
    assert sum(float(table[0][name]) for name in found.classes) == pytest.approx(1, abs=1e-5)
    write_answers(found, tmp_path / "out" / "answers.csv")
    with pytest.raises(SpecError, match="is there already"):
        write_answers(found, tmp_path / "out" / "answers.csv")


@pytest.mark.parametrize(
    ("name", "faces", "words"),
    [
        ("nowhere.png", "auto", "there is no such picture or folder"),
        ("empty", "auto", "holds no picture"),
        ("bad.png", "auto", "no picture could be answered; left out: .*bad.png"),
        ("bad.png", "biggest", "unknown choice of faces 'biggest'"),
    ],
)
def test_bad_input_is_one_line(store: Store, tmp_path: Path, name: str, faces: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(SpecError, match=words):
        answer([tmp_path / name], "face-cnn", store, faces=faces)
