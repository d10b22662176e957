from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.conftest import StopAfter, write_clip, write_source
from workbench.data.datasets import Dataset
from workbench.errors import Cancelled, SpecError
from workbench.models.clip import Clip, load_clip
from workbench.specs import EmbedSpec, ImportSpec
from workbench.store import Store
from workbench.studies import embed as embed_module
from workbench.studies.embed import embed, embed_dataset, embed_texts, embeddings_key, open_embeddings
from workbench.studies.importing import import_dataset


@pytest.fixture
def clip(tiny_clip_folder: Path) -> Clip:
    return load_clip(f"local-dir:{tiny_clip_folder}")


@pytest.fixture
def dataset(store: Store, tmp_path: Path) -> Dataset:
    return import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet")), "faces"), store)


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def test_every_row_gets_its_images_unit_vector(store: Store, dataset: Dataset, clip: Clip) -> None:
    matrix = embed_dataset(dataset, clip, store).matrix
    alone = np.concatenate([clip.encode_images([dataset.image(row)]) for row in range(len(dataset))])
    assert matrix.shape == (len(dataset), clip.dim)
    assert np.allclose(matrix, alone, atol=1e-5)
    assert not matrix.flags.writeable


def test_equal_images_are_encoded_once(store: Store, dataset: Dataset, clip: Clip) -> None:
    stored = embed_dataset(dataset, clip, store).artifact.table()
    assert len(stored) == len(set(dataset.digests.tolist())) < len(dataset)


def test_nothing_is_computed_twice(store: Store, dataset: Dataset, clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    first = embed_dataset(dataset, clip, store)
    monkeypatch.setattr(Clip, "encode_prepared", lambda *_: pytest.fail("encoded again"))
    again = embed_dataset(dataset, clip, store)
    assert np.array_equal(first.matrix, again.matrix)
    assert np.array_equal(first.matrix, open_embeddings(dataset, first.artifact).matrix)


def test_a_stopped_run_resumes_to_identical_bytes(
    store: Store, dataset: Dataset, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed_module, "SHARD", 16)
    monkeypatch.setattr(embed_module, "BATCH", 8)
    with pytest.raises(Cancelled):
        embed_dataset(dataset, clip, store, StopAfter(5))
    encoded: list[int] = []
    plain = Clip.encode_prepared
    monkeypatch.setattr(Clip, "encode_prepared", lambda s, x: encoded.append(len(x)) or plain(s, x))  # type: ignore[func-returns-value]
    resumed = embed_dataset(dataset, clip, store).artifact
    whole = embed_dataset(dataset, clip, Store(tmp_path / "other")).artifact
    assert digest_of(resumed.path) == digest_of(whole.path)
    different = len(set(dataset.digests.tolist()))
    assert sum(encoded) < 2 * different  # the resumed run did not begin anew


def test_the_name_depends_on_the_weights_and_the_images(
    store: Store, dataset: Dataset, clip: Clip, tmp_path: Path
) -> None:
    (tmp_path / "clip").mkdir()
    other_clip = load_clip(f"local-dir:{write_clip(tmp_path / 'clip', seed=5)}")
    other_source = write_source(tmp_path / "other.parquet", seed=9)
    other_dataset = import_dataset(ImportSpec(str(other_source), "other"), store)
    renamed = import_dataset(ImportSpec(str(tmp_path / "faces.parquet"), "renamed"), store)
    name = embeddings_key(clip, dataset).hash
    assert embeddings_key(other_clip, dataset).hash != name
    assert embeddings_key(clip, other_dataset).hash != name
    assert embeddings_key(clip, renamed).hash == name


def test_texts_come_in_the_order_asked_for(store: Store, clip: Clip) -> None:
    texts = ["sad face", "happy face", "sad face"]
    vectors = embed_texts(texts, clip, store)
    assert np.allclose(vectors, clip.encode_texts(texts), atol=1e-6)
    assert len(store.artifacts("texts")) == 1


def test_an_unknown_dataset_or_engine_is_one_line(store: Store, dataset: Dataset, tiny_clip_folder: Path) -> None:
    with pytest.raises(SpecError, match="did you mean 'faces'"):
        embed(EmbedSpec("face", f"local-dir:{tiny_clip_folder}"), store)
    with pytest.raises(SpecError, match="unknown engine 'cloud'"):
        embed(EmbedSpec("faces", f"local-dir:{tiny_clip_folder}", "cloud"), store)


def test_a_part_of_another_datasets_images_is_not_encoded_again(
    store: Store, dataset: Dataset, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = embed_dataset(dataset, clip, store)
    table = pq.read_table(tmp_path / "faces.parquet")
    pq.write_table(table.take(np.arange(40, 3, -2)), tmp_path / "part.parquet")
    part = import_dataset(ImportSpec(str(tmp_path / "part.parquet"), "part"), store)
    monkeypatch.setattr(Clip, "encode_prepared", lambda *_: pytest.fail("encoded again"))
    found = embed_dataset(part, clip, store)
    place = {name: row for row, name in enumerate(dataset.ids.tolist())}
    assert np.array_equal(found.matrix, whole.matrix[[place[name] for name in part.ids.tolist()]])


def test_a_damaged_result_of_another_dataset_is_not_copied_from(
    store: Store, dataset: Dataset, clip: Clip, tmp_path: Path
) -> None:
    whole = embed_dataset(dataset, clip, store)
    stored = whole.artifact.path / "part-00000.parquet"
    stored.write_bytes(stored.read_bytes()[:-1])
    pq.write_table(pq.read_table(tmp_path / "faces.parquet").slice(0, 20), tmp_path / "part.parquet")
    part = import_dataset(ImportSpec(str(tmp_path / "part.parquet"), "part"), store)
    assert np.allclose(embed_dataset(part, clip, store).matrix, whole.matrix[:20], atol=1e-5)


def test_another_clip_or_an_image_more_is_encoded(
    store: Store, dataset: Dataset, clip: Clip, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    embed_dataset(dataset, clip, store)
    other = load_clip(f"local-dir:{write_clip(tmp_path_factory.mktemp('other'), seed=1)}")
    assert not np.allclose(embed_dataset(dataset, other, store).matrix, embed_dataset(dataset, clip, store).matrix)
    more = import_dataset(ImportSpec(str(write_source(tmp_path / "more.parquet", 61)), "more"), store)
    alone = clip.encode_images([more.image(60)])[0]
    assert np.allclose(embed_dataset(more, clip, store).matrix[60], alone, atol=1e-5)
