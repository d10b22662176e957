from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.references import map as reference
from workbench.errors import SpecError
from workbench.methods import map as map_module
from workbench.methods.map import gap, lay_out, mean, move, place, principal_axes, project, spread
from workbench.specs import SPACES


def unit(values: np.ndarray) -> np.ndarray:
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def clusters(count: int = 60, dimension: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors in three groups, and the group of each."""
    rng = np.random.default_rng(seed)
    groups = np.arange(count) % 3
    return unit(3 * np.eye(dimension)[groups] + rng.normal(size=(count, dimension))), groups


@pytest.fixture
def two_kinds() -> tuple[np.ndarray, np.ndarray]:
    """Images in a cone, texts in another one."""
    rng = np.random.default_rng(1)
    images, texts = rng.normal(size=(40, 6)), rng.normal(size=(5, 6))
    images[:, 0] += 4
    texts[:, 1] += 4
    return unit(images), unit(texts)


def test_raw_changes_nothing(two_kinds: tuple[np.ndarray, np.ndarray]) -> None:
    for before, after in zip(two_kinds, spread(*two_kinds, "raw"), strict=True):
        assert np.array_equal(before, after)


def test_centred_takes_each_kinds_own_mean_away_and_scales_to_length_one(
    two_kinds: tuple[np.ndarray, np.ndarray],
) -> None:
    for before, after in zip(two_kinds, spread(*two_kinds, "centred"), strict=True):
        assert after == pytest.approx(unit(before.astype(np.float64) - before.mean(axis=0)), abs=1e-5)


def test_shifted_moves_texts_onto_the_images_and_leaves_the_images(two_kinds: tuple[np.ndarray, np.ndarray]) -> None:
    images, texts = two_kinds
    same, moved = spread(images, texts, "shifted")
    assert np.array_equal(same, images)
    assert moved == pytest.approx(unit(texts + images.mean(axis=0) - texts.mean(axis=0)), abs=1e-5)
    assert gap(same, moved).distance < 0.3 * gap(images, texts).distance


@pytest.mark.parametrize("space", SPACES)
def test_a_text_of_the_map_is_moved_to_where_it_was_put(two_kinds: tuple[np.ndarray, np.ndarray], space: str) -> None:
    images, texts = two_kinds
    means = mean(images), mean(texts)
    assert move(texts[2:3], means, space, texts=True) == pytest.approx(spread(images, texts, space)[1][2:3], abs=1e-6)


def test_a_single_text_is_its_own_mean_and_stays_at_zero(two_kinds: tuple[np.ndarray, np.ndarray]) -> None:
    images, texts = two_kinds
    assert not spread(images, texts[:1], "centred")[1].any()
    assert np.isfinite(spread(images, texts[:1], "shifted")[1]).all()


def test_an_unknown_space_names_the_known_ones(two_kinds: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(SpecError, match="unknown space 'rw'; did you mean 'raw'"):
        spread(*two_kinds, "rw")


def test_the_gap_is_what_all_pairs_say(two_kinds: tuple[np.ndarray, np.ndarray]) -> None:
    images, texts = two_kinds
    found = gap(images, texts)
    assert found.cosine == pytest.approx(reference.pairs_cosine(images, texts, same=False), abs=1e-6)
    assert found.images == pytest.approx(reference.pairs_cosine(images, images, same=True), abs=1e-6)
    assert found.texts == pytest.approx(reference.pairs_cosine(texts, texts, same=True), abs=1e-6)
    assert found.angle == pytest.approx(math.degrees(math.acos(found.cosine)))
    assert found.distance == pytest.approx(math.dist(images.mean(axis=0), texts.mean(axis=0)), abs=1e-6)


def test_a_single_text_has_no_cosine_among_texts(two_kinds: tuple[np.ndarray, np.ndarray]) -> None:
    assert math.isnan(gap(two_kinds[0], two_kinds[1][:1]).texts)


def test_pca_keeps_as_much_variance_as_two_axes_can() -> None:
    points, _ = clusters()
    flat = lay_out(points, "pca")
    singular = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    assert (flat.astype(np.float64) ** 2).sum(axis=0) == pytest.approx(singular[:2] ** 2, rel=1e-4)
    assert project(points, *principal_axes(points)) == pytest.approx(flat)


def test_pca_is_not_mirrored_when_all_points_are_listed_backwards() -> None:
    points, _ = clusters()
    assert lay_out(points[::-1].copy(), "pca")[::-1] == pytest.approx(lay_out(points, "pca"), abs=1e-5)


def apart(flat: np.ndarray, groups: np.ndarray) -> float:
    """Return the share of points that lie nearest to the mean of their own group."""
    means = np.stack([flat[groups == name].mean(axis=0) for name in range(3)])
    return float((((flat[:, None] - means) ** 2).sum(axis=2).argmin(axis=1) == groups).mean())


def test_tsne_keeps_groups_together_and_is_the_same_again() -> None:
    points, groups = clusters()
    flat = lay_out(points, "tsne", perplexity=10)
    assert apart(flat, groups) > 0.9
    assert np.array_equal(flat, lay_out(points, "tsne", perplexity=10))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_umap_keeps_groups_together_and_is_the_same_again() -> None:
    """Numba compiles it, which takes most of half a minute."""
    points, groups = clusters()
    threads = torch.get_num_threads()
    flat = lay_out(points, "umap", neighbours=100)
    assert torch.get_num_threads() == threads  # which numba sets where OMP_NUM_THREADS is 1
    assert apart(flat, groups) > 0.9
    assert np.array_equal(flat, lay_out(points, "umap", neighbours=100))
    points[5:] = points[0]
    assert np.isfinite(lay_out(points, "umap")).all()


def test_where_numba_can_keep_nothing_a_folder_is_made_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    numba = SimpleNamespace(config=SimpleNamespace(CACHE_DIR=""))
    umap = SimpleNamespace()

    def load(name: str) -> SimpleNamespace:
        if name == "umap" and not numba.config.CACHE_DIR:
            raise RuntimeError("cannot cache function: no locator available")  # numba's own words
        return numba if name == "numba" else umap

    monkeypatch.setattr(map_module, "import_module", load)
    assert map_module._load_umap() is umap
    assert Path(numba.config.CACHE_DIR).is_dir()
    Path(numba.config.CACHE_DIR).rmdir()


class Told:
    """Keeps the steps it is told of: name, items, and items done; raises after so many items."""

    def __init__(self, most: int = 10_000) -> None:
        self.steps: list[tuple[str, int | None, int]] = []
        self.most = most

    def step(self, name: str, total: int | None = None) -> None:
        self.steps.append((name, total, 0))

    def advance(self, count: int = 1) -> None:
        name, total, done = self.steps[-1]
        self.steps[-1] = name, total, done + count
        if done + count > self.most:
            raise KeyError("stop")

    def note(self, message: str) -> None:
        raise AssertionError(message)


@pytest.mark.parametrize(("method", "rounds"), [("tsne", 750), ("umap", 500)])
def test_a_layout_tells_its_rounds_and_can_be_stopped(method: str, rounds: int) -> None:
    points = clusters()[0]
    told = Told()
    flat = lay_out(points, method, progress=told)
    first, layout = told.steps
    assert "find neighbours" in first[0]
    assert layout[1:] == (rounds, rounds)
    assert np.array_equal(flat, lay_out(points, method))
    with pytest.raises(KeyError, match="stop"):
        lay_out(points, method, progress=Told(60))


@pytest.mark.parametrize("method", ["umap", "tsne"])
@pytest.mark.parametrize("count", [2, 9])
def test_of_a_few_points_every_map_is_a_pca(method: str, count: int) -> None:
    points = clusters()[0][:count]
    assert np.array_equal(lay_out(points, method), lay_out(points, "pca"))


@pytest.mark.parametrize("method", ["umap", "tsne", "pca"])
def test_equal_points_are_refused(method: str) -> None:
    with pytest.raises(SpecError, match="all 20 embeddings are equal; a map needs images that differ"):
        lay_out(np.full((20, 4), 0.5, dtype=np.float32), method)


def test_a_point_that_is_not_finite_is_refused_with_its_row() -> None:
    points, _ = clusters()
    points[7, 2] = np.nan
    with pytest.raises(SpecError, match="points hold NaN or an infinite value in row 7"):
        lay_out(points, "pca")


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(SpecError, match="unknown method 'tsn'; did you mean 'tsne'"):
        lay_out(clusters()[0], "tsn")


def test_what_equals_a_point_of_the_map_lands_on_it_and_others_land_among_their_neighbours() -> None:
    points, groups = clusters()
    flat = lay_out(points, "pca")
    assert place(points, flat, points[4:6]) == pytest.approx(flat[4:6], abs=1e-3)
    new, of = clusters(seed=9)
    landed = place(points, flat, new)
    means = np.stack([flat[groups == name].mean(axis=0) for name in range(3)])
    assert (((landed[:, None] - means) ** 2).sum(axis=2).argmin(axis=1) == of).mean() > 0.9


def test_with_fewer_points_than_neighbours_a_new_one_lands_within_them() -> None:
    points, _ = clusters()
    flat = lay_out(points[:3], "pca")
    landed = place(points[:3], flat, points[10:12])
    assert (landed >= flat.min(axis=0) - 1e-6).all()
    assert (landed <= flat.max(axis=0) + 1e-6).all()
