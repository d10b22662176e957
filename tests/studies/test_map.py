from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import StopAfter, write_source
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import Cancelled, SpecError
from workbench.methods.map import spread
from workbench.specs import EmbedSpec, ImportSpec, MapSpec
from workbench.store import Store
from workbench.studies import map as maps
from workbench.studies.embed import embed
from workbench.studies.importing import import_dataset
from workbench.studies.map import Map, find_prompt, lay_out, open_map


@pytest.fixture(scope="module")
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Dataset]:
    folder = tmp_path_factory.mktemp("map")
    store = Store(folder / "workspace")
    return store, import_dataset(ImportSpec(str(write_source(folder / "faces.parquet")), "faces"), store)


@pytest.fixture(scope="module")
def mapped(faces: tuple[Store, Dataset], clip: str) -> Map:
    return lay_out(MapSpec("faces", clip=clip, method="pca"), faces[0])


def write_concepts(folder: Path, texts: list[str]) -> str:
    lines = "\n".join(f"  - {{text: {text}, classes: [happy, sad]}}" for text in texts)
    (folder / "own.yaml").write_text(f"classes: [happy, sad]\nconcepts:\n{lines}\n")
    return str(folder / "own.yaml")


def test_images_and_texts_are_laid_out_together_and_class_means_stand_among_them(
    mapped: Map, faces: tuple[Store, Dataset]
) -> None:
    dataset = faces[1]
    assert np.array_equal(mapped.rows, np.arange(60))
    assert (mapped.points.shape, mapped.points.dtype, mapped.text_points.shape) == ((60, 2), np.float32, (7, 2))
    assert mapped.texts[1] == "disgusted"
    assert mapped.text_classes[1] == "disgust"
    assert tuple(mapped.class_means) == dataset.classes
    assert mapped.class_means["sad"] == pytest.approx(mapped.points[dataset.labels == "sad"].mean(axis=0), abs=1e-6)
    assert mapped.centre == pytest.approx(mapped.points.mean(axis=0), abs=1e-6)


def test_quality_and_gap_stand_beside_the_map(mapped: Map) -> None:
    quality = mapped.quality
    assert 0.5 < quality["trustworthiness"] <= 1
    assert quality["trustworthiness_images"] == 60
    assert quality["purity_chance"] == pytest.approx(1 / 7, abs=0.01)
    assert set(quality["gap"]) == {"raw", "centred", "shifted"}
    assert quality["gap"]["raw"]["distance"] > quality["gap"]["centred"]["distance"]


def test_a_stored_map_is_found_again_and_settings_of_another_method_name_no_other(
    mapped: Map, faces: tuple[Store, Dataset]
) -> None:
    assert lay_out(dataclasses.replace(mapped.spec, perplexity=50.0, most=1000), faces[0]) == mapped
    assert open_map(faces[0].open(mapped.artifact.path)).spec == mapped.spec


def test_a_stored_map_opens_without_what_made_it(mapped: Map, faces: tuple[Store, Dataset]) -> None:
    code = f"""if True:
        import sys
        from pathlib import Path
        import workbench
        from workbench.store import Store
        from workbench.studies.map import open_map
        found = open_map(Store(Path({str(faces[0].root)!r})).open(Path({str(mapped.artifact.path)!r})))
        assert found.points.shape == (60, 2) and found.quality and found.class_means
        print([name for name in ("torch", "umap", "numba", "openTSNE", "sklearn") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_of_more_images_than_wanted_a_sample_is_on_the_map_and_it_says_so(
    faces: tuple[Store, Dataset], clip: str
) -> None:
    found = lay_out(MapSpec("faces", clip=clip, method="tsne", split="train", most=15), faces[0])
    assert len(found.rows) == len(found.points) == 15
    assert set(faces[1].splits[found.rows]) == {"train"}
    assert (np.diff(found.rows) > 0).all()
    assert found.selected == 20
    assert "15 of 20 images are on the map: a random sample (seed 0)" in found.notes
    assert "perplexity is 30, but 22 points allow 7.0 at most" in found.notes


def test_two_images_in_all_make_a_pca_map_that_says_so(tmp_path: Path, store: Store, clip: str) -> None:
    import_dataset(ImportSpec(str(write_source(tmp_path / "two.parquet", count=2)), "two"), store)
    found = lay_out(MapSpec("two", clip=clip), store)
    assert np.isfinite(found.points).all()
    assert "neighbours of 9 points say nothing, so this is a PCA map and not umap" in found.notes
    assert found.quality["trustworthiness"] is None


def test_a_single_image_makes_no_map(tmp_path: Path, store: Store, clip: str) -> None:
    import_dataset(ImportSpec(str(write_source(tmp_path / "one.parquet", count=1)), "one"), store)
    with pytest.raises(SpecError, match="split 'all' of one has one image; a map needs two or more"):
        lay_out(MapSpec("one", clip=clip), store)


def test_images_that_are_all_the_same_make_no_map(tmp_path: Path, store: Store, clip: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = pq.read_table(write_source(tmp_path / "same.parquet", count=12))
    same = pa.array([source["image"][0].as_py()] * 12)
    pq.write_table(source.set_column(source.schema.get_field_index("image"), "image", same), tmp_path / "same.parquet")
    import_dataset(ImportSpec(str(tmp_path / "same.parquet"), "same"), store)
    with pytest.raises(SpecError, match="all 12 embeddings are equal; a map needs images that differ"):
        lay_out(MapSpec("same", clip=clip, method="pca"), store)


def test_an_embedding_that_is_not_finite_is_named_by_its_image(faces: tuple[Store, Dataset]) -> None:
    matrix = np.ones((3, 4), dtype=np.float32)
    matrix[1, 2] = np.nan
    with pytest.raises(SpecError, match="NaN or infinite values for 1 images of faces, the first of them face-0005"):
        maps.check_finite(matrix, faces[1], np.array([4, 5, 6]), "my-clip")


def test_one_class_only_is_mapped_and_purity_is_said_to_say_nothing(tmp_path: Path, store: Store, clip: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = pq.read_table(write_source(tmp_path / "happy.parquet", count=12))
    happy = pa.array(["happy"] * 12)
    pq.write_table(
        source.set_column(source.schema.get_field_index("label"), "label", happy), tmp_path / "happy.parquet"
    )
    import_dataset(ImportSpec(str(tmp_path / "happy.parquet"), "happy"), store)
    found = lay_out(MapSpec("happy", clip=clip, method="pca"), store)
    assert found.quality["purity_map"] == found.quality["purity_chance"] == 1
    assert "all labels on the map are the same, so label purity says nothing" in found.notes


def test_a_concept_set_of_one_text_is_mapped_and_says_what_centring_makes_of_it(
    tmp_path: Path, faces: tuple[Store, Dataset], clip: str
) -> None:
    spec = MapSpec("faces", clip=clip, method="pca", concepts=write_concepts(tmp_path, ["glad"]))
    found = lay_out(spec, faces[0])
    assert found.text_classes == ("",)
    assert any("a single text is its own mean" in note for note in found.notes)
    assert found.quality["gap"]["raw"]["texts"] is None
    assert not any("a single text" in n for n in lay_out(dataclasses.replace(spec, space="shifted"), faces[0]).notes)


def test_too_many_texts_are_refused(
    tmp_path: Path, faces: tuple[Store, Dataset], clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "MAX_TEXTS", 2)
    concepts = write_concepts(tmp_path, ["glad", "blue", "low"])
    with pytest.raises(SpecError, match="has 3 texts; a map takes at most 2"):
        lay_out(MapSpec("faces", clip=clip, concepts=concepts), faces[0])


def test_laying_out_stops_when_asked(faces: tuple[Store, Dataset], clip: str) -> None:
    with pytest.raises(Cancelled):
        lay_out(MapSpec("faces", clip=clip, method="tsne", seed=5), faces[0], StopAfter(3))


@pytest.mark.parametrize("space", ["raw", "centred", "shifted"])
@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_typed_text_of_the_map_lands_where_it_stands(
    faces: tuple[Store, Dataset], clip: str, method: str, space: str, tmp_path: Path
) -> None:
    concepts = write_concepts(tmp_path, ["glad", "blue", "low"])
    found = lay_out(MapSpec("faces", clip=clip, method=method, space=space, concepts=concepts), faces[0])
    placed = find_prompt(found, ["a grin", "  blue "], faces[0])
    span = float(np.ptp(found.points))
    assert placed.points[1] == pytest.approx(found.text_points[1], abs=1e-3 * span)
    assert not np.allclose(placed.points[0], found.text_points[1], atol=1e-3 * span)


def test_a_typed_texts_similarities_are_cosines_with_the_images_on_the_map(
    faces: tuple[Store, Dataset], clip: str
) -> None:
    from workbench.models.clip import load_clip

    found = lay_out(MapSpec("faces", clip=clip, method="pca", split="test", most=12), faces[0])
    placed = find_prompt(found, ["a grin"], faces[0])
    images = embed(EmbedSpec("faces", clip), faces[0]).matrix[found.rows]
    assert placed.similarities == pytest.approx((images @ load_clip(clip).encode_texts(["a grin"])[0])[None], abs=1e-5)


@pytest.mark.parametrize("prompts", [[], ["happy", "  "]])
def test_an_empty_prompt_is_refused(mapped: Map, faces: tuple[Store, Dataset], prompts: list[str]) -> None:
    with pytest.raises(SpecError, match="a prompt is empty"):
        find_prompt(mapped, prompts, faces[0])


def test_prompts_with_words_never_seen_say_so(faces: tuple[Store, Dataset]) -> None:
    found = lay_out(MapSpec("faces", method="pca", split="test"), faces[0])
    (note,) = find_prompt(found, ["a happy zebra"], faces[0]).notes
    assert note == "face-clip never saw these words in training, so where it puts them is a guess: zebra"


def test_a_map_of_rows_that_have_changed_takes_no_prompt(tmp_path: Path, store: Store, clip: str) -> None:
    import shutil

    import_dataset(ImportSpec(str(write_source(tmp_path / "a.parquet", count=12)), "faces"), store)
    found = lay_out(MapSpec("faces", clip=clip, method="pca"), store)
    shutil.rmtree(open_dataset(store, "faces").path)
    import_dataset(ImportSpec(str(write_source(tmp_path / "b.parquet", count=12, seed=1)), "faces"), store)
    with pytest.raises(SpecError, match="dataset faces is not the one that was mapped; map it again"):
        find_prompt(found, ["glad"], store)


def test_another_artifact_is_no_map(faces: tuple[Store, Dataset], clip: str) -> None:
    with pytest.raises(SpecError, match="is not a map"):
        open_map(embed(EmbedSpec("faces", clip), faces[0]).artifact)


def test_what_is_laid_out_is_the_asked_space(faces: tuple[Store, Dataset], clip: str) -> None:
    found = lay_out(MapSpec("faces", clip=clip, method="pca", space="raw"), faces[0])
    images = embed(EmbedSpec("faces", clip), faces[0]).matrix
    same, _ = spread(images, found.arrays["text_vectors"], "raw")
    middle, axes = found.arrays["axes_mean"], found.arrays["axes"]
    assert found.points == pytest.approx((same - middle) @ axes.T, abs=1e-5)
