from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.studies.review_data import CLASSES, judged_dataset
from workbench.data.datasets import Dataset
from workbench.errors import ConceptSetError, InputError, SpecError
from workbench.methods.evidence import q_values
from workbench.methods.proportions import contrast
from workbench.methods.slices import detectable
from workbench.models.clip import load_clip
from workbench.progress import SILENT
from workbench.specs import ClassifySpec, SlicesSpec
from workbench.store import ArtifactKey, Store
from workbench.studies.attributes import attribute_sets, guessed, read_attributes
from workbench.studies.classify import classify
from workbench.studies.embed import embed_dataset
from workbench.studies.slices import GUESS_WARNING, find_run, slices
from workbench.studies.slicing import ClassGap, open_slices

COUNT = 300


@pytest.fixture
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


@pytest.fixture
def dataset(store: Store, tmp_path: Path) -> Dataset:
    return judged_dataset(store, tmp_path, COUNT)


@pytest.fixture
def run(store: Store, dataset: Dataset) -> str:
    """A made-up run that gets most of "sad" wrong, and a tenth of the rest."""
    random = np.random.default_rng(0)
    wrong = random.random(COUNT) < np.where(dataset.labels == "sad", 0.8, 0.1)
    return write_run(store, dataset, wrong)


def write_run(store: Store, dataset: Dataset, wrong: np.ndarray, classes: tuple[str, ...] = CLASSES) -> str:
    labels = dataset.labels.tolist()
    predicted = [classes[classes.index(each) - 1] if bad else each for each, bad in zip(labels, wrong, strict=True)]
    count = len(dataset)
    table = {
        "id": dataset.ids.tolist(),
        "split": dataset.splits.tolist(),
        "label": labels,
        "predicted": predicted,
        "margin": np.zeros(count, np.float32),
        "trained_on": np.zeros(count, bool),
    }
    key = ArtifactKey("classification", "made up", {"rows": dataset.fingerprint, "wrong": int(wrong.sum())})
    with store.build(key, ClassifySpec(dataset.name).to_dict()) as build:
        build.write_table(0, pa.table(table))  # type: ignore[union-attr]
        return build.finish({"classes": list(classes), "notes": [], "embeddings": ""}).name  # type: ignore[union-attr]


def test_groups_are_measured_on_the_half_that_did_not_find_them(
    store: Store, dataset: Dataset, run: str, clip: str
) -> None:
    found = slices(SlicesSpec(run, clip, split="all", slices=6, resamples=100), store)
    table = found.images.to_pydict()
    wrong, finding, of = (np.array(table[name]) for name in ("wrong", "finding", "slice: "))
    assert 0.4 < finding.mean() < 0.6
    for place, each in enumerate(found.slices):
        measured = (of == place) & ~finding
        assert each.images == measured.sum()
        assert each.wrong == wrong[measured].sum()
        assert each.members == (of == place).sum() >= 20
        assert each.rest.value == pytest.approx(wrong[~finding & (of != place)].mean())
    rates = [each.rate.value for each in found.slices]
    assert rates == sorted(rates, reverse=True)
    assert found.overall.value == pytest.approx(wrong[~finding].mean())
    assert any("measured on the other half" in note for note in found.notes)


def test_a_slices_faces_come_wrong_ones_first(store: Store, dataset: Dataset, run: str, clip: str) -> None:
    found = slices(SlicesSpec(run, clip, split="all", slices=6), store)
    table = found.images.to_pydict()
    wrong, finding = (dict(zip(table["row"], table[name], strict=True)) for name in ("wrong", "finding"))
    for place, each in enumerate(found.slices):
        rows = found.rows(place).tolist()
        assert len(rows) == each.members
        judged = [wrong[row] for row in rows]
        assert judged == sorted(judged, reverse=True)
        assert list(each.examples) == dataset.ids[rows[:12]].tolist()
        counted = [row for row in rows if wrong[row] and not finding[row]]
        assert len(counted) == each.wrong
        errors = [(dataset.labels[row], CLASSES[CLASSES.index(dataset.labels[row]) - 1]) for row in counted]
        most = max((errors.count(pair) for pair in errors), default=0)
        assert (each.confusion[2] if each.confusion else 0) == most
    with pytest.raises(SpecError, match="there is no slice 99"):
        found.rows(99)
    assert open_slices(found.artifact).slices == found.slices


def test_each_choice_makes_another_result_and_none_is_made_twice(
    store: Store, dataset: Dataset, run: str, clip: str
) -> None:
    first = slices(SlicesSpec(run, clip, split="all"), store).artifact.name
    assert slices(SlicesSpec(run[:6], clip, split="all"), store).artifact.name == first
    others = [
        SlicesSpec(run, clip, split="train"),
        SlicesSpec(run, clip, split="all", slices=4),
        SlicesSpec(run, clip, split="all", smallest=15),
        SlicesSpec(run, clip, split="all", seed=1),
        SlicesSpec(run, clip, "fer7", split="all"),
        SlicesSpec(run, clip, split="all", attribute="perceived-attributes#age"),
    ]
    assert len({first, *(slices(each, store).artifact.name for each in others)}) == 1 + len(others)


def write_attributes(path: Path, ids: list[str], **columns: list[object]) -> Path:
    table = pa.table({"id": ids, **columns})
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        path.write_text(table.to_pandas().to_csv(index=False), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_attributes_of_a_file_are_measured_on_all_images(
    store: Store, dataset: Dataset, run: str, clip: str, tmp_path: Path, ending: str
) -> None:
    names = ["left" if label == "sad" else "right" for label in dataset.labels]
    names[0] = "rare"
    order = np.random.default_rng(1).permutation(COUNT)
    path = write_attributes(
        tmp_path / f"own.{ending}",
        dataset.ids[order].tolist(),
        side=[names[row] for row in order],
        years=[float(row) for row in order],
    )
    found = slices(SlicesSpec(run, clip, split="all", attribute=str(path)), store)
    assert found.attributes == ("side", "years")
    assert not found.guessed
    by_name = {each.name: each for each in found.slices}
    labels = find_run(store, run).labels
    wrong = labels != find_run(store, run).predicted
    assert by_name["left"].images == int((labels == "sad").sum())
    assert by_name["left"].rate.value == pytest.approx(wrong[labels == "sad"].mean())
    assert by_name["left"].q < 1e-10
    assert "rare" not in by_name
    assert any("values of side with fewer than 20 images are not listed: rare" in note for note in found.notes)
    quarters = [each for each in found.slices if each.attribute == "years"]
    assert [each.images for each in quarters] == [75, 75, 75, 75]
    happy = [each for each in found.gaps if (each.attribute, each.label) == ("years", "happy")]
    assert sum(each.images for each in happy) == 100
    right = sum(each.accuracy.value * each.images for each in happy if each.accuracy is not None)
    assert right == pytest.approx((~wrong[labels == "happy"]).sum())


def test_cells_of_few_images_are_neither_compared_nor_tested(
    store: Store, dataset: Dataset, run: str, clip: str, tmp_path: Path
) -> None:
    sad = np.flatnonzero(dataset.labels == "sad")
    names = np.where(np.arange(COUNT) % 2 == 0, "a", "b")
    names[sad] = "a"
    names[sad[:7]] = "b"  # all of them wrong or right by chance: seven images say nothing
    path = write_attributes(tmp_path / "own.csv", dataset.ids.tolist(), kind=names.tolist())
    found = slices(SlicesSpec(run, clip, split="all", attribute=str(path)), store)
    cells = {(each.value, each.label): each for each in found.gaps}
    few = cells["b", "sad"]
    assert (few.images, few.accuracy, few.difference, few.q, few.holds) == (7, None, None, None, False)
    assert cells["a", "sad"].difference is None  # the seven are what it would be held against
    others = [cells[value, label] for value in "ab" for label in CLASSES if label != "sad"]
    p = [contrast(*counts(found.run, store, names, each)).p for each in others]
    assert [each.q for each in others] == pytest.approx(q_values(np.array(p)).tolist())
    assert len(found.gaps) == 6


def counts(run: str, store: Store, names: np.ndarray, cell: ClassGap) -> tuple[int, int, int, int]:
    """Count right images and all, of a class in a slice and outside it."""
    found = find_run(store, run)
    right, own = found.labels == found.predicted, found.labels == cell.label
    inside, outside = own & (names == cell.value), own & (names != cell.value)
    return int(right[inside].sum()), int(inside.sum()), int(right[outside].sum()), int(outside.sum())


def test_nothing_holds_by_guesses_that_are_unsure_or_of_words_never_seen(
    store: Store, dataset: Dataset, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    guesses = SlicesSpec("none", clip, split="all", attribute="perceived-attributes#gender", smallest=5)
    sets = attribute_sets(guesses.attribute)
    model = load_clip(clip)
    codes = guessed(sets, embed_dataset(dataset, model, store).matrix, model, store, SILENT)[0].codes
    run = write_run(store, dataset, codes == codes[0])  # wrong exactly where the guess is this one
    monkeypatch.setattr("workbench.studies.attributes.UNSURE", 0.0)
    sure = slices(replace(guesses, run=run), store)
    assert sure.doubts == {}
    assert any(each.holds for each in sure.gaps)
    assert any("follow the expression too" in note for note in sure.notes)
    for what, change, why in (
        ("workbench.studies.attributes.UNSURE", 1.1, "300 of 300 guesses are unsure"),
        ("workbench.models.clip.Clip.unseen_words", lambda *_: ["woman"], "never saw words"),
    ):
        monkeypatch.setattr(what, change)
        shutil.rmtree(sure.artifact.path)
        unsure = slices(replace(guesses, run=run), store)
        assert why in unsure.doubts["gender"]
        assert not any(each.holds for each in unsure.gaps)
        assert any("no difference by gender is marked as one that holds" in note for note in unsure.notes)


def test_what_could_have_been_found_is_that_of_the_median_slice(
    store: Store, dataset: Dataset, run: str, clip: str
) -> None:
    found = slices(SlicesSpec(run, clip, split="all", slices=6), store)
    measured = sum(not each for each in found.images["finding"].to_pylist())
    images = int(np.median([each.images for each in found.slices]))
    expected = detectable(images, measured - images, found.overall.value, 0.05 / len(found.slices))
    assert found.detectable == (images, expected)


def test_missing_values_are_told_and_left_out(
    store: Store, dataset: Dataset, run: str, clip: str, tmp_path: Path
) -> None:
    values: list[object] = [None if row < 30 else ("a", "b")[row % 2] for row in range(COUNT)]
    path = write_attributes(tmp_path / "own.csv", dataset.ids.tolist(), kind=values)
    found = slices(SlicesSpec(run, clip, split="all", attribute=str(path)), store)
    assert sum(each.images for each in found.slices) == COUNT - 30
    assert any("30 images have no kind and are left out of its comparisons" in note for note in found.notes)
    run_of = find_run(store, run)
    wrong, own = run_of.labels != run_of.predicted, np.arange(COUNT) >= 30
    other = own & (np.arange(COUNT) % 2 == 1)
    assert found.slices[0].rest.value == pytest.approx(wrong[other].mean())
    assert sum(each.images for each in found.gaps) == COUNT - 30


def test_guessed_attributes_come_with_their_warning(store: Store, dataset: Dataset, run: str, clip: str) -> None:
    asked = SlicesSpec(run, clip, split="all", attribute="perceived-attributes", smallest=5)
    found = slices(asked, store)
    assert found.guessed
    assert found.notes[0] == GUESS_WARNING
    assert set(found.unsure) == set(found.attributes) == {"gender", "age"}
    assert all(0 <= number <= COUNT for number in found.unsure.values())
    assert {each.attribute for each in found.slices} <= {"gender", "age"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": lambda ids: [*ids, "face-9999"]}, "faces has no image of 1 of its ids; the first: 'face-9999'"),
        ({"ids": lambda ids: [*ids, ids[3]]}, "1 ids stand in it more than once; the first: 'face-0003'"),
        ({"ids": lambda ids: ids[:-2]}, "2 images of faces have no row in it; the first: 'face-0298'"),
        ({"id": "name"}, "needs a column 'id'; found name, kind"),
        ({"kind": None}, "no column beside 'id'"),
    ],
)
def test_a_file_that_does_not_match_is_refused(
    dataset: Dataset, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    ids = dataset.ids.tolist()
    if "ids" in change:
        ids = change["ids"](ids)  # type: ignore[operator]
    columns: dict[str, list[object]] = {} if "kind" in change else {"kind": ["a"] * len(ids)}
    path = write_attributes(tmp_path / "own.parquet", ids, **columns)
    if "id" in change:
        pq.write_table(pq.read_table(path).rename_columns(["name", "kind"]), path)
    with pytest.raises(InputError, match=message):
        read_attributes(path, dataset, np.arange(len(dataset)))


def test_a_file_that_is_none_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    rows = np.arange(len(dataset))
    with pytest.raises(InputError, match="there is no such file"):
        read_attributes(tmp_path / "none.csv", dataset, rows)
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    (tmp_path / "empty.csv").write_bytes(b"")
    for name in ("bad.parquet", "empty.csv"):
        with pytest.raises(InputError, match="cannot be read as a table"):
            read_attributes(tmp_path / name, dataset, rows)
    (tmp_path / "twice.csv").write_text("id, ID\na,b\n", encoding="utf-8")
    with pytest.raises(InputError, match="names a column twice; found id,  ID"):
        read_attributes(tmp_path / "twice.csv", dataset, rows)


def test_ids_that_look_like_numbers_stay_as_they_are(store: Store, tmp_path: Path) -> None:
    from workbench.specs import ImportSpec
    from workbench.studies.importing import import_dataset

    judged_dataset(store, tmp_path, 12, name="plain")
    table = pq.read_table(tmp_path / "plain.parquet")
    table = table.set_column(0, "id", pa.array([f"{number:04d}" for number in range(12)]))
    pq.write_table(table, tmp_path / "numbered.parquet")
    numbered = import_dataset(ImportSpec(str(tmp_path / "numbered.parquet"), "numbered"), store)
    (tmp_path / "own.csv").write_text("id,kind\n" + "\n".join(f"{n:04d},{n % 2}" for n in range(12)), encoding="utf-8")
    found = read_attributes(tmp_path / "own.csv", numbered, np.arange(12))
    assert found[0].values == ("0", "1")
    assert found[0].codes.tolist() == [number % 2 for number in range(12)]


def test_what_cannot_be_sliced_is_told(store: Store, dataset: Dataset, run: str, clip: str, tmp_path: Path) -> None:
    right = write_run(store, dataset, np.zeros(COUNT, dtype=bool))
    with pytest.raises(SpecError, match="gets all 300 labelled images of 'all' right: there is no error to slice"):
        slices(SlicesSpec(right, clip, split="all"), store)
    with pytest.raises(SpecError, match="unknown classification 'none'"):
        slices(SlicesSpec("none", clip), store)
    with pytest.raises(SpecError, match="fits 2 results of kind classification"):
        slices(SlicesSpec("made-up", clip), store)
    with pytest.raises(SpecError, match="60 images are too few for groups of 90"):
        slices(SlicesSpec(run, clip, split="test", smallest=90), store)
    with pytest.raises(SpecError, match="unknown concept set 'nothing'"):
        slices(SlicesSpec(run, clip, attribute="nothing"), store)
    with pytest.raises(SpecError, match="unknown attribute"):
        slices(SlicesSpec(run, clip, attribute="perceived-attributes#nose"), store)
    path = write_attributes(tmp_path / "own.csv", dataset.ids.tolist(), kind=["a"] * COUNT)
    with pytest.raises(SpecError, match="nothing to compare"):
        slices(SlicesSpec(run, clip, split="all", attribute=str(path)), store)
    (tmp_path / "bad.yaml").write_text("concepts: [", encoding="utf-8")
    with pytest.raises(ConceptSetError):
        slices(SlicesSpec(run, clip, attribute=str(tmp_path / "bad.yaml")), store)


def test_a_run_of_other_images_is_refused(store: Store, dataset: Dataset, run: str, clip: str, tmp_path: Path) -> None:
    import shutil

    shutil.rmtree(dataset.path)
    judged_dataset(store, tmp_path, 60)
    with pytest.raises(SpecError, match="faces has changed since made-up"):
        slices(SlicesSpec(run, clip), store)


def test_one_class_only_can_still_be_sliced(store: Store, tmp_path: Path, clip: str) -> None:
    dataset = judged_dataset(store, tmp_path, 120)
    classified = classify(ClassifySpec("faces", clip, aggregate="max"), store)
    found = slices(SlicesSpec(classified.artifact.name, clip, split="all", smallest=10), store)
    assert sum(each.members for each in found.slices) <= len(dataset)
