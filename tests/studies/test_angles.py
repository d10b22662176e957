from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import write_source
from tests.references import map as reference
from workbench.data.concepts import load_concept_set
from workbench.data.datasets import Dataset
from workbench.errors import SpecError
from workbench.specs import AnglesSpec, EmbedSpec, ImportSpec
from workbench.store import Store
from workbench.studies.angles import Angles, angles, open_angles
from workbench.studies.embed import embed
from workbench.studies.importing import import_dataset


@pytest.fixture(scope="module")
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


def import_labelled(folder: Path, store: Store, labels: list[str], name: str = "faces") -> Dataset:
    source = pq.read_table(write_source(folder / f"{name}.parquet", count=len(labels)))
    place = source.schema.get_field_index("label")
    pq.write_table(source.set_column(place, "label", pa.array(labels)), folder / f"{name}.parquet")
    return import_dataset(ImportSpec(str(folder / f"{name}.parquet"), name), store)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, clip: str) -> tuple[Store, Dataset, Angles]:
    """Four classes of the seven, one of them with a single image, and images that are left out."""
    folder = tmp_path_factory.mktemp("angles")
    store = Store(folder / "workspace")
    labels = ["happy", "sad", "fear"] * 8 + ["neutral", "contempt", ""]
    dataset = import_labelled(folder, store, labels)
    return store, dataset, angles(AnglesSpec("faces", clip=clip, resamples=200), store)


def test_angles_of_images_and_texts_are_those_between_the_class_means(
    measured: tuple[Store, Dataset, Angles], clip: str
) -> None:
    from workbench.models.clip import load_clip

    store, dataset, found = measured
    assert found.classes == ("fear", "happy", "sad", "neutral")
    assert found.counts == (8, 8, 8, 1)
    assert found.sentences == (8, 8, 8, 8)
    place = {name: index for index, name in enumerate(found.classes)}
    labels = np.array([place.get(label, -1) for label in dataset.labels])
    images = embed(EmbedSpec("faces", clip), store).matrix
    assert found.images == pytest.approx(reference.angles(images[labels >= 0], labels[labels >= 0], 4), abs=1e-2)
    words = {"fear": "fearful", "happy": "happy", "sad": "sad", "neutral": "neutral"}
    sentences = [t.replace("{}", words[name]) for name in found.classes for t in load_concept_set("fer7").templates]
    texts = load_clip(clip).encode_texts(sentences)
    assert found.texts == pytest.approx(reference.angles(texts, np.repeat(np.arange(4), 8), 4), abs=1e-2)


def test_intervals_surround_the_angles_and_a_single_image_has_none(measured: tuple[Store, Dataset, Angles]) -> None:
    found = measured[2]
    known = np.triu(np.ones((3, 3), dtype=bool), 1)
    assert (found.images_low[:3, :3][known] < found.images_high[:3, :3][known]).all()
    assert np.isnan(found.images_low[3]).all()
    assert np.isfinite(found.texts_low[3, :3]).all()
    assert "a single image stands for neutral: its angles have no interval" in found.notes


def test_agreement_is_exact_over_all_orders_of_the_classes(measured: tuple[Store, Dataset, Angles]) -> None:
    found = measured[2]
    spearman, p = reference.mantel(found.images, found.texts)
    assert found.agreement["spearman"] == pytest.approx(spearman)
    assert found.agreement["p"] == pytest.approx(p)
    assert (found.agreement["orders"], found.agreement["exact"]) == (24, True)


def test_the_extreme_pairs_are_named_with_their_angles(measured: tuple[Store, Dataset, Angles]) -> None:
    found = measured[2]
    upper = np.triu_indices(4, 1)
    for kind, table in (("images", found.images), ("texts", found.texts)):
        opposite = found.extremes[kind]["opposite"]
        first, second = (found.classes.index(name) for name in opposite["classes"])
        assert opposite["angle"] == table[first, second] == table[upper].max()
        assert 0 <= opposite["share"] <= 1


def test_the_gap_tells_own_texts_from_others(measured: tuple[Store, Dataset, Angles]) -> None:
    gap = measured[2].gap
    assert set(gap) == {"raw", "centred", "shifted", "own", "others"}
    assert gap["raw"]["cosine"] == pytest.approx(gap["own"] / 4 + gap["others"] * 3 / 4, abs=1e-4)


def test_what_is_left_out_is_said(measured: tuple[Store, Dataset, Angles]) -> None:
    notes = measured[2].notes
    assert "2 images are left out: no label, or none of the classes compared" in notes
    assert "left out, without images or without concepts: angry, disgust, surprise" in notes


def test_stored_angles_open_without_torch_and_are_found_again(measured: tuple[Store, Dataset, Angles]) -> None:
    store, _, found = measured
    assert angles(found.spec, store) == found
    code = f"""if True:
        import sys
        from pathlib import Path
        from workbench.store import Store
        from workbench.studies.angles import open_angles
        found = open_angles(Store(Path({str(store.root)!r})).open(Path({str(found.artifact.path)!r})))
        assert found.images.shape == (4, 4) and found.extremes and found.unrelated
        print("torch" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("labels", [["happy"] * 12, ["happy", "sad"] * 6, ["contempt"] * 12])
def test_fewer_than_three_classes_are_refused(tmp_path: Path, store: Store, clip: str, labels: list[str]) -> None:
    import_labelled(tmp_path, store, labels)
    with pytest.raises(SpecError, match="need three classes or more; of 'fer7', split 'all' of faces has images of"):
        angles(AnglesSpec("faces", clip=clip), store)


def test_equal_images_have_no_angles(tmp_path: Path, store: Store, clip: str) -> None:
    source = pq.read_table(write_source(tmp_path / "same.parquet", count=14))
    same = pa.array([source["image"][0].as_py()] * 14)
    pq.write_table(source.set_column(source.schema.get_field_index("image"), "image", same), tmp_path / "same.parquet")
    import_dataset(ImportSpec(str(tmp_path / "same.parquet"), "same"), store)
    with pytest.raises(SpecError, match="gives all 14 images of same the same embedding"):
        angles(AnglesSpec("same", clip=clip), store)


def test_another_artifact_holds_no_angles(measured: tuple[Store, Dataset, Angles], clip: str) -> None:
    with pytest.raises(SpecError, match="is not angles"):
        open_angles(embed(EmbedSpec("faces", clip), measured[0]).artifact)
