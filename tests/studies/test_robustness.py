"""Robustness: stored, resumed, honest about what the models have seen, and clear about bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.conftest import StopAfter, write_source
from workbench import reports
from workbench.data.datasets import Dataset
from workbench.data.faces import EMOTIONS
from workbench.data.images import decode, encode_png
from workbench.errors import Cancelled, ModelError, SpecError
from workbench.methods.disturb import disturb
from workbench.methods.robustness import follow, resample_weights
from workbench.models.targets import Target
from workbench.specs import ImportSpec, PredictSpec, RobustnessSpec
from workbench.specs.training import ProbeSpec
from workbench.store import Store
from workbench.studies.curves import Robustness, find_robustness, open_robustness, trials_of
from workbench.studies.importing import import_dataset
from workbench.studies.posed_faces import posed_faces
from workbench.studies.predict import predict
from workbench.studies.probe import probe
from workbench.studies.robustness import robustness, sentence

MODEL = "face-cnn"
PIXELS = "blur,noise"


@pytest.fixture
def faces(store: Store, tmp_path: Path) -> Dataset:
    return import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 120)), "faces"), store)


def spec(**changes: object) -> RobustnessSpec:
    values = {"models": MODEL, "disturbances": PIXELS, "faces": 0, "resamples": 100, "split": "test"} | changes
    return RobustnessSpec("faces", **values)  # type: ignore[arg-type]


def test_undisturbed_answers_are_those_of_the_model(store: Store, faces: Dataset) -> None:
    found = robustness(spec(), store)
    run = predict(PredictSpec("faces", MODEL), store)
    table = found.artifact.table(1).to_pylist()
    place = {name: row for row, name in enumerate(run.ids.tolist())}
    expected = [run.predicted[place[each["id"]]] for each in table]
    assert [found.classes[answer] for answer in found.predicted(MODEL)[0]] == expected
    assert {each["id"] for each in table} <= set(faces.ids[faces.rows("test")].tolist())
    labels = [found.classes[label] for label in found.labels()]
    right = np.mean([one == other for one, other in zip(expected, labels, strict=True)])
    assert all(course.accuracy[0].value == pytest.approx(right) for course in found.courses)
    for course in found.courses:
        answers = found.predicted(MODEL, course.disturbance)
        assert course.accuracy[-1].value == pytest.approx((answers[-1] == found.labels()).mean())
        assert course.images == found.images == len(table)


def test_all_disturbances_and_poses_have_a_course_for_each_side(store: Store, faces: Dataset) -> None:
    found = robustness(spec(disturbances="", faces=7), store)
    assert found.faces == 7
    sides = [(course.disturbance, course.side) for course in found.courses]
    assert sides == [
        ("brightness", "darker"), ("brightness", "brighter"), ("contrast", "flatter"), ("contrast", "harder"),
        ("blur", ""), ("noise", ""), ("jpeg", ""), ("size", ""), ("rotation", ""), ("eyes", ""), ("mouth", ""),
        ("yaw", ""), ("pitch", "up"), ("pitch", "down"), ("light", ""),
    ]  # fmt: skip
    by_name = {course.disturbance: course for course in found.courses}
    assert by_name["size"].levels == (48, 40, 32, 24, 16, 12, 8, 6)
    assert by_name["jpeg"].levels[0] == 100
    assert by_name["yaw"].images == 7
    assert by_name["yaw"].accuracy[0] == by_name["light"].accuracy[0]
    shown = [each for each in found.examples if each.disturbance in ("blur", "light")]
    assert [each.level for each in shown if each.disturbance == "blur"] == [0.01, 0.02, 0.04, 0.06, 0.09, 0.12]
    assert len({each.png for each in shown}) == len(shown)
    assert decode(shown[0].png, "an example").size == (48, 48)
    assert any("rendered people" in note for note in found.notes)
    assert any("bars lie at fixed heights" in note for note in found.notes)
    report = reports.of_result(found.spec, found.artifact.reference, store)
    text = report.text()
    assert "Turned to the side (rendered)" in text
    assert "change (points)" in text
    assert all(f"{word}: " in text for word in ("change", "half lost at", "area"))
    heads = {part.title.partition(":")[0]: part.head for part in report.parts if isinstance(part, reports.Table)}
    assert heads["Brightness"][:2] == ["side", "level"]
    assert heads["Blur"][0] == "level"
    assert found.sentence in text
    assert report.values["images"] == found.images
    assert len(faces) == 120


def test_it_is_stored_and_opens_without_models(store: Store, faces: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    found = robustness(spec(), store)
    monkeypatch.setattr(Target, "logits", lambda *_: pytest.fail("asked again"))
    assert robustness(spec(), store).artifact.name == found.artifact.name
    opened = find_robustness(found.artifact.name[:-4], store)
    assert opened.courses == found.courses
    assert opened.spec == spec()
    assert len(faces) == 120


@pytest.mark.parametrize(
    "change",
    [
        {"split": "train"},
        {"disturbances": "blur"},
        {"images": 20},
        {"resamples": 200},
        {"seed": 1},
        {"models": "x"},
    ],
    ids=lambda change: "-".join(change),
)
def test_every_field_makes_another_study(
    store: Store, faces: Dataset, change: dict[str, object], tiny_clip_folder: Path
) -> None:
    del faces
    if change.get("models") == "x":
        change = {"models": probe(ProbeSpec("faces", on="pixels", clip=f"local-dir:{tiny_clip_folder}"), store).model}
    first, other = robustness(spec(), store), robustness(spec(**change), store)
    assert first.artifact.name != other.artifact.name


def test_a_study_that_is_stopped_goes_on_with_the_next_disturbance(
    store: Store, faces: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Cancelled):
        robustness(spec(), store, StopAfter(3))
    folder = next((store.artifacts_dir / "robustness").glob(".*.partial"))
    kept = {path.name: path.read_bytes() for path in folder.glob("part-*.parquet")}
    assert kept
    asked: list[int] = []
    logits = Target.logits

    def counted(self: Target, inputs: torch.Tensor) -> torch.Tensor:
        asked.append(len(inputs))
        return logits(self, inputs)

    monkeypatch.setattr(Target, "logits", counted)
    found = robustness(spec(), store)
    everything = found.images * (1 + 6 + 6)
    assert 0 < sum(asked) < everything
    for name, content in kept.items():
        assert (found.artifact.path / name).read_bytes() == content
    store.remove(found.artifact)
    again = robustness(spec(), store)
    assert again.courses == found.courses
    assert len(faces) == 120


def test_models_share_the_disturbed_faces(store: Store, faces: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    pixel_probe = probe(ProbeSpec("faces", on="pixels"), store).model
    made: list[str] = []

    def counted(faces: np.ndarray, name: str, level: float, seeds: np.ndarray) -> np.ndarray:
        made.append(name)
        return disturb(faces, name, level, seeds)

    monkeypatch.setattr("workbench.studies.robustness.disturb", counted)
    found = robustness(spec(models=f"{MODEL}, {pixel_probe}"), store)
    levels, examples = 12, 12
    assert len(made) == levels + examples
    assert found.models == (MODEL, pixel_probe)
    alone = robustness(spec(models=pixel_probe), store)
    np.testing.assert_array_equal(found.predicted(pixel_probe, "noise"), alone.predicted(pixel_probe, "noise"))
    first, second = (course for course in found.of("blur"))
    assert first.model != second.model
    assert len(faces) == 120


def test_images_a_model_was_trained_on_are_left_out_for_all(store: Store, faces: Dataset) -> None:
    """Every tenth image of the source is a copy of the one before it, which lies in another split."""
    pixel_probe = probe(ProbeSpec("faces", on="pixels"), store).model
    whole = robustness(spec(), store)
    found = robustness(spec(models=f"{MODEL},{pixel_probe}"), store)
    assert found.images < whole.images
    left = whole.images - found.images
    assert f"{left:,} images of 'test' are left out for all models: {pixel_probe} was trained on them or on a copy" in (
        found.notes
    )
    with pytest.raises(SpecError, match="learned from every image of 'train' of faces; choose another split"):
        robustness(spec(models=pixel_probe, split="train"), store)
    assert len(faces) == 120


def test_a_sample_has_each_class_with_its_share(store: Store, faces: Dataset) -> None:
    everything, sample = robustness(spec(split="all"), store), robustness(spec(split="all", images=60), store)
    assert sample.images == 60
    counts = [np.bincount(found.labels(), minlength=7) for found in (everything, sample)]
    share = 60 / everything.images
    assert np.abs(counts[1] - counts[0] * share).max() <= 1
    assert f"a sample of 60 of {everything.images} images, seed 0; each class has its share" in sample.notes
    assert robustness(spec(split="all", images=5000), store).images == everything.images
    assert len(faces) == 120


def test_pictures_of_any_size_and_colour_are_disturbed(store: Store, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    shapes = [(60, 60), (48, 64, 3), (20, 30), (80, 80, 3)]
    images = [random.integers(0, 256, shapes[number % 4], dtype=np.uint8) for number in range(24)]
    table = pa.table(
        {
            "id": [f"{number}" for number in range(24)],
            "split": ["test"] * 24,
            "label": [EMOTIONS[number % 7] for number in range(24)],
            "image": [encode_png(image) for image in images],
        }
    )
    pq.write_table(table, tmp_path / "mixed.parquet")
    import_dataset(ImportSpec(str(tmp_path / "mixed.parquet"), "faces"), store)
    found = robustness(spec(disturbances="size,rotation,eyes"), store)
    assert found.images == 24
    assert found.of("size")[0].levels[0] == 54
    assert found.of("size")[0].levels[1] == 40


def test_a_single_class_and_other_classes(store: Store, tmp_path: Path) -> None:
    source = write_source(tmp_path / "other.parquet", 40)
    table = pq.read_table(source)
    other = table.set_column(2, "label", pa.array([("cat", "dog")[number % 2] for number in range(40)]))
    pq.write_table(other, tmp_path / "pets.parquet")
    import_dataset(ImportSpec(str(tmp_path / "pets.parquet"), "faces"), store)
    with pytest.raises(SpecError, match=r"no label of 'faces' \(cat, dog\) is a class of face-cnn"):
        robustness(spec(), store)
    pets = probe(ProbeSpec("faces", on="pixels"), store).model
    with pytest.raises(SpecError, match=r"rendered faces show .* not all are classes of all models"):
        robustness(spec(models=pets, disturbances="yaw", faces=7), store)
    found = robustness(spec(models=pets, disturbances="", faces=7), store)
    assert found.faces == 0
    assert "yaw" not in found.disturbances


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"disturbances": "fog"}, "unknown disturbance 'fog'"),
        ({"models": " , "}, "name at least one classifier"),
        ({"models": "face-net"}, "unknown target 'face-net'"),
        ({"models": "probe:gone"}, "unknown probe 'gone'"),
        ({"models": "clip:face-clip", "concepts": "nothing"}, "nothing"),
        ({"split": "nowhere"}, "unknown split of faces 'nowhere'"),
        ({"disturbances": "yaw", "faces": 0}, "yaw needs faces to render"),
        ({"models": "torchvision:resnet18/random"}, "names no classes"),
    ],
    ids=lambda value: next(iter(value.values())) if isinstance(value, dict) else "",
)
def test_bad_input_is_one_clear_line(store: Store, faces: Dataset, changes: dict[str, object], words: str) -> None:
    del faces
    with pytest.raises((SpecError, ModelError), match=words) as raised:
        robustness(spec(**changes), store)
    assert "\n" not in str(raised.value)


def test_a_split_without_labels_is_refused(store: Store, tmp_path: Path) -> None:
    table = pq.read_table(write_source(tmp_path / "some.parquet", 30))
    splits = table["split"].to_pylist()
    labels = [label if split != "test" else "" for label, split in zip(table["label"].to_pylist(), splits, strict=True)]
    pq.write_table(table.set_column(2, "label", pa.array(labels)), tmp_path / "unlabelled.parquet")
    import_dataset(ImportSpec(str(tmp_path / "unlabelled.parquet"), "faces"), store)
    with pytest.raises(SpecError, match="split 'test' of faces has no image to judge"):
        robustness(spec(), store)


def test_a_split_of_blank_images_is_refused_as_such(store: Store, tmp_path: Path) -> None:
    table = pq.read_table(write_source(tmp_path / "some.parquet", 30))
    blank = [encode_png(np.full((48, 48), 90 + number, np.uint8)) for number in range(30)]
    pq.write_table(
        table.set_column(table.column_names.index("image"), "image", pa.array(blank)), tmp_path / "b.parquet"
    )
    import_dataset(ImportSpec(str(tmp_path / "b.parquet"), "faces"), store)
    with pytest.raises(SpecError, match="has no image to judge: all 10 that have a class of the network are blank"):
        robustness(spec(), store)


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ({"blur": 6, "noise": 2}, "m loses most by blur (-60.0 points at 1) and least by noise (-20.0 points at 1)"),
        ({"blur": 0, "noise": 3}, "m loses most by noise (-30.0 points at 1) and nothing by blur (+0.0 points at 1)"),
        ({"blur": 0, "noise": 0}, "m loses nothing by blur (+0.0 points at 1) or anything else tested"),
        ({"blur": 2, "noise": 2}, "m loses by blur (-20.0 points at 1) and as much by all else tested"),
        ({"blur": 2}, "m loses by blur (-20.0 points at 1)"),
        ({"blur": 0}, "m loses nothing by blur (+0.0 points at 1)"),
    ],
)
def test_the_sentence_is_true_of_what_is_lost(lost: dict[str, int], words: str) -> None:
    labels, weights = np.arange(10) % 2, resample_weights(10, 10)
    named = {"model": "m", "side": "", "unit": "", "ratio": False, "levels": [0.0, 1.0]}
    courses = [
        follow(
            named | {"disturbance": name, "title": name.title()},
            labels,
            np.stack([labels, np.where(np.arange(10) < count, 1 - labels, labels)]),
            ("angry", "sad"),
            weights,
        )
        for name, count in lost.items()
    ]
    assert sentence(courses) == words


def test_a_model_that_gives_no_number_is_refused(store: Store, faces: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    logits = Target.logits

    def broken(self: Target, inputs: torch.Tensor) -> torch.Tensor:
        found = logits(self, inputs)
        return self.check(torch.where(inputs.mean() > -10, float("nan"), found), len(inputs))

    monkeypatch.setattr(Target, "logits", broken)
    with pytest.raises(ModelError, match="face-cnn: the network gives NaN or infinite values"):
        robustness(spec(), store)
    assert len(faces) == 120


def test_a_clip_answers_with_the_concept_set_that_was_named(
    store: Store, faces: Dataset, tiny_clip_folder: Path
) -> None:
    clip = f"clip:local-dir:{tiny_clip_folder}"
    plain = robustness(spec(models=clip), store)
    other = robustness(spec(models=clip, concepts="sentence-ensembles"), store)
    assert plain.classes == other.classes
    assert plain.artifact.name != other.artifact.name
    assert len(faces) == 120


def test_people_are_rendered_once_and_a_stopped_run_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Cancelled):
        posed_faces(7, 0, store, StopAfter(4))
    folder = next((store.artifacts_dir / "posed-faces").glob(".*.partial"))
    assert len(list(folder.glob("part-*.parquet"))) == 4
    found = posed_faces(7, 0, store)
    monkeypatch.setattr("workbench.studies.posed_faces.render", lambda *_: pytest.fail("rendered again"))
    again = posed_faces(7, 0, store)
    np.testing.assert_array_equal(found.pictures("yaw", 40.0), again.pictures("yaw", 40.0))
    assert found.labels == EMOTIONS
    assert found.pictures("", 0.0).shape == (7, 48, 48)


def test_an_artifact_of_another_kind_is_refused(store: Store) -> None:
    people = posed_faces(1, 0, store).artifact
    with pytest.raises(SpecError, match="is not a robustness"):
        open_robustness(people)


def test_answers_that_were_not_asked_for(store: Store, faces: Dataset) -> None:
    found: Robustness = robustness(spec(), store)
    with pytest.raises(SpecError, match="holds no answers of 'face-cnn' to 'yaw'"):
        found.predicted(MODEL, "yaw")
    assert len(faces) == 120


@pytest.mark.parametrize(("asked", "side", "rendered", "names"), [
    ((), 48.0, False, ["", "brightness", "contrast", "blur", "noise", "jpeg", "size", "rotation", "eyes", "mouth"]),
    (("size",), 6.0, False, [""]),
    (("yaw",), 48.0, True, ["", "yaw"]),
    (("yaw", "blur"), 48.0, True, ["", "blur", "", "yaw"]),
    (("yaw",), 48.0, False, []),
])  # fmt: skip
def test_what_is_tried(asked: tuple[str, ...], side: float, rendered: bool, names: list[str]) -> None:
    assert [trial.disturbance for trial in trials_of(asked, side, rendered)] == names


def test_pictures_too_small_for_every_size(store: Store, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, 6, 6), dtype=np.uint8)
    table = pa.table(
        {
            "id": [str(number) for number in range(12)],
            "split": ["test"] * 12,
            "label": [EMOTIONS[number % 7] for number in range(12)],
            "image": [encode_png(image) for image in images],
        }
    )
    pq.write_table(table, tmp_path / "tiny.parquet")
    import_dataset(ImportSpec(str(tmp_path / "tiny.parquet"), "faces"), store)
    with pytest.raises(SpecError, match="images of 6 pixels are smaller than every size tested"):
        robustness(spec(disturbances="size"), store)
