"""Maps of an embedding space: images and texts on one plane, new points on it, and how far it can be trusted.

Images and texts of a CLIP lie in two separate regions (the modality gap): laid out as they are, all texts stand
together on an island. :func:`spread` brings them together in one of two ways; :func:`gap` measures what it removes.

A map shows who is near whom, and UMAP and t-SNE keep nothing else: distances between islands, their sizes and the
directions mean little. Opposition and closeness of classes are measured in the full space
(:mod:`workbench.methods.angles`).

t-SNE is openTSNE's: its time grows with the number of points, scikit-learn's faster than that
(``python -m tests.benchmarks map`` measures both). UMAP is compiled on first use in every process, which takes some
twenty seconds.

References
----------
McInnes, Healy & Melville, UMAP: Uniform Manifold Approximation and Projection, 2018.
van der Maaten & Hinton, Visualizing Data using t-SNE, 2008.
Linderman et al., Fast interpolation-based t-SNE for improved visualization of single-cell RNA-seq data, 2019.
Liang et al., Mind the Gap: Understanding the Modality Gap in Multi-modal Contrastive Representation Learning, 2022.
"""

from __future__ import annotations

import math
import tempfile
import warnings
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from workbench.errors import SpecError, unknown_name
from workbench.methods.map_quality import squared_distances
from workbench.methods.shapes import Floats, check_embeddings
from workbench.progress import SILENT, Progress
from workbench.specs import METHODS, SPACES

SMALLEST = 10
"""With fewer points than these neighbours say nothing, and every map is a PCA."""
_SPREAD = 1e-5
_TICK_EVERY = 10
_TSNE_ROUNDS = 750  # 250 of early exaggeration, then 500
_INTERPOLATED_FROM = 10_000
"""Points from which on t-SNE's forces are interpolated (FIt-SNE); with fewer, a tree (Barnes-Hut) takes less time."""


class Gap(NamedTuple):
    """How images and texts lie to each other; see :func:`gap`.

    Parameters
    ----------
    distance : float
        Distance between the mean image and the mean text, 0 to 2.
    cosine : float
        Mean cosine over all pairs of an image and a text, -1 to 1.
    angle : float
        The angle of that cosine in degrees, 0 to 180.
    images, texts : float
        Mean cosine over all pairs of two images, of two texts; NaN where there is only one.
    """

    distance: float
    cosine: float
    angle: float
    images: float
    texts: float


def spread(images: Floats, texts: Floats, space: str) -> tuple[Floats, Floats]:
    """Bring image and text embeddings into the space that is laid out.

    Parameters
    ----------
    images : float array (N, D)
        Of length 1.
    texts : float array (T, D)
        Of length 1.
    space : str
        ``raw``: unchanged. ``centred``: each minus the mean of its kind, then length 1. ``shifted``: texts moved by
        what the mean image is from the mean text, then length 1; images unchanged.

    Returns
    -------
    images : float32 array (N, D)
    texts : float32 array (T, D)
        What equals the mean of its kind, such as a single text, stays the zero vector when centred.

    Raises
    ------
    SpecError
        The space is unknown, or an embedding is not finite.
    """
    check_embeddings(images, "image embeddings", "ND")
    check_embeddings(texts, "text embeddings", "TD", images.shape[1])
    means = mean(images), mean(texts)
    return move(images, means, space), move(texts, means, space, texts=True)


def mean(vectors: Floats) -> Floats:
    """Return the mean of vectors ``(N, D)`` in float64."""
    return np.asarray(vectors.mean(axis=0, dtype=np.float64))


def move(vectors: Floats, means: tuple[Floats, Floats], space: str, texts: bool = False) -> Floats:
    """Bring more images, or texts, into a space that is given by the mean image and the mean text ``(D,)``."""
    if space not in SPACES:
        raise unknown_name("space", space, SPACES)
    if space == "raw" or (space == "shifted" and not texts):
        return vectors.astype(np.float32)
    offset = means[int(texts)] if space == "centred" else means[1] - means[0]
    return _unit(vectors - offset.astype(np.float32))


def _unit(vectors: Floats) -> Floats:
    """Scale rows to length 1; what is no longer than rounding leaves becomes zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(lengths > _SPREAD, vectors / np.maximum(lengths, _SPREAD), 0).astype(np.float32)


def gap(images: Floats, texts: Floats) -> Gap:
    """Measure how far images ``(N, D)`` and texts ``(T, D)`` lie apart, and how close each kind keeps together."""
    between = mean(images), mean(texts)
    cosine = float(between[0] @ between[1])
    return Gap(
        distance=float(np.linalg.norm(between[0] - between[1])),
        cosine=cosine,
        angle=math.degrees(math.acos(min(1.0, max(-1.0, cosine)))),
        images=_among(images, between[0]),
        texts=_among(texts, between[1]),
    )


def _among(vectors: Floats, middle: Floats) -> float:
    """Return the mean product of two different rows, from their mean: no pair is looked at."""
    count = len(vectors)
    own = float(np.einsum("nd,nd->", vectors, vectors, dtype=np.float64))
    return (count**2 * float(middle @ middle) - own) / (count * (count - 1)) if count > 1 else math.nan


def lay_out(
    points: Floats,
    method: str,
    neighbours: int = 15,
    perplexity: float = 30.0,
    min_dist: float = 0.1,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Floats:
    """Lay points out on a plane; equal arguments give equal maps on one machine.

    Parameters
    ----------
    points : float array (M, D)
        Images and texts in one space, see :func:`spread`.
    method : str
        ``pca``: the two axes of greatest variance. ``umap``, ``tsne``: starting from them. Of fewer than
        :data:`SMALLEST` points always ``pca``.
    neighbours : int
        UMAP: how many neighbours of a point shape its place; at most M - 1 are taken.
    perplexity : float
        t-SNE: about how many neighbours of a point shape its place; at most a third of the others are taken.
    min_dist : float
        UMAP: how close two points may come.
    seed : int
        Seed of the layout.
    progress : Progress
        Told of every tenth round of t-SNE and UMAP; may raise in order to stop them.

    Returns
    -------
    float32 array (M, 2)
        Its scale is the method's own.

    Raises
    ------
    SpecError
        The method is unknown, a value is not finite, or all points are the same.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    check_embeddings(points, "points", "MD")
    middle, axes = principal_axes(points)
    flat = project(points, middle, axes)
    if method == "pca" or len(points) < SMALLEST:
        return flat
    start = flat / float(np.std(flat[:, 0]))
    if method == "tsne":
        return _tsne(points, start, min(perplexity, (len(points) - 1) / 3), seed, progress)
    return _umap(points, start, (min(neighbours, len(points) - 1), min_dist), seed, progress)


def principal_axes(points: Floats) -> tuple[Floats, Floats]:
    """Return the mean ``(D,)`` of points ``(M, D)`` and the two axes of greatest variance ``(2, D)``, of length 1.

    Each axis points to where its greatest coordinate is positive, so that the map is not mirrored at random.

    Raises
    ------
    SpecError
        All points are the same.
    """
    middle = mean(points)
    off = points - middle.astype(points.dtype)
    if not len(points) or float(np.abs(off).max()) < _SPREAD:
        raise SpecError(f"all {len(points):,} embeddings are equal; a map needs images that differ")
    _, vectors = np.linalg.eigh(off.T.astype(np.float64) @ off)  # ascending variance
    axes = vectors[:, ::-1][:, :2].T
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    return middle, np.asarray(axes * signs[:, None])


def project(points: Floats, middle: Floats, axes: Floats) -> Floats:
    """Return the places float32 ``(M, 2)`` of points ``(M, D)`` on a PCA map given by its mean and axes."""
    return np.asarray((points - middle) @ axes.T, dtype=np.float32)


def _tsne(points: Floats, start: Floats, perplexity: float, seed: int, progress: Progress) -> Floats:
    rounds = _Rounds(progress, "lay out with t-SNE")

    def called(*_: object) -> None:
        rounds.reach(rounds.done + _TICK_EVERY, _TSNE_ROUNDS)

    progress.step("find neighbours")
    model = import_module("openTSNE").TSNE(
        perplexity=perplexity,
        initialization=start * 1e-4,
        neighbors="approx",
        negative_gradient_method="fft" if len(points) >= _INTERPOLATED_FROM else "bh",
        callbacks=called,
        callbacks_every_iters=_TICK_EVERY,
        n_jobs=1,
        random_state=seed,
    )
    return np.asarray(model.fit(points), dtype=np.float32)


def _umap(points: Floats, start: Floats, shape: tuple[int, float], seed: int, progress: Progress) -> Floats:
    """Lay out by UMAP; ``shape`` is how many neighbours count, and the least distance."""
    neighbours, min_dist = shape
    progress.step("compile UMAP and find neighbours")
    told = {"file": _Rounds(progress, "lay out with UMAP"), "disable": False, "bar_format": "{n}/{total}"}
    # numba sets the threads of OpenMP, torch's among them, and leaves them so: they are put back afterwards
    with threadpool_limits(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that are not there, and of numba's own doings
        model = _load_umap().UMAP(
            n_neighbors=neighbours,
            min_dist=min_dist,
            init=start,
            random_state=seed,
            n_jobs=1,
            low_memory=True,
            tqdm_kwds=told | {"mininterval": 0, "miniters": _TICK_EVERY},
        )
        return np.asarray(model.fit_transform(points), dtype=np.float32)


class _Rounds:
    """Tells how many rounds of a layout are done; a file, for libraries that write ``done/total`` to one.

    The step begins with the first sign of life, so that finding neighbours does not count in its rate.
    """

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self._begun = False
        self.done = 0

    def reach(self, done: int, total: int) -> None:
        """Report that ``done`` rounds of ``total`` are over."""
        if not self._begun:
            self._progress.step(self._name, total)
            self._begun = True
        if done > self.done:
            self._progress.advance(done - self.done)
            self.done = done

    def write(self, text: str) -> None:
        """Read what a bar draws."""
        done, _, total = text.strip().partition("/")
        if done.isdigit() and total.isdigit():
            self.reach(int(done), int(total))

    def flush(self) -> None:
        """Nothing is held back."""


def _load_umap() -> ModuleType:
    """Import umap; where nothing that numba compiles can be kept for the next time, in a folder for this time."""
    try:
        return import_module("umap")
    except RuntimeError:
        import_module("numba").config.CACHE_DIR = tempfile.mkdtemp(prefix="workbench-numba-")
        return import_module("umap")


def place(vectors: Floats, positions: Floats, queries: Floats, k: int = 15) -> Floats:
    """Find the places of new points on a map that stays as it is.

    A new point goes to the mean place of its k nearest points in the space laid out, each weighing one over its squared
    distance: what equals a point of the map lands on it. On a PCA map :func:`project` is exact. What lies between
    islands, or far from everything, is drawn between them all the same: look at its similarities too.

    Parameters
    ----------
    vectors : float array (N, D)
        Points of the map in the space that was laid out.
    positions : float array (N, 2)
        Their places.
    queries : float array (Q, D)
        New points, brought into the same space; see :func:`move`.
    k : int
        From 1; all points are taken where there are fewer.

    Returns
    -------
    float32 array (Q, 2)
    """
    check_embeddings(queries, "queries", "QD", vectors.shape[1])
    distances = squared_distances(vectors, queries)
    near = np.argpartition(distances, min(k, len(vectors)) - 1, axis=1)[:, :k]
    weights = 1 / (np.take_along_axis(distances, near, axis=1).astype(np.float64) + 1e-6)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray((weights[:, :, None] * positions[near]).sum(axis=1), dtype=np.float32)
