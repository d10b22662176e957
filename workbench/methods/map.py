"""Maps of an embedding space: images and texts on one plane, new points on it, and how far it can be trusted.

Images and texts of a CLIP lie in two separate regions (the modality gap): laid out as they are, all texts stand
together on an island. :func:`spread` brings them together in one of two ways; :func:`gap` measures what it removes.

A map shows who is near whom, and UMAP and t-SNE keep nothing else: distances between islands, their sizes and the
directions mean little. Opposition and closeness of classes are measured in the full space
(:mod:`workbench.methods.angles`).

References
----------
McInnes, Healy & Melville, UMAP: Uniform Manifold Approximation and Projection, 2018.
van der Maaten & Hinton, Visualizing Data using t-SNE, 2008.
Linderman et al., Fast interpolation-based t-SNE for improved visualization of single-cell RNA-seq data, 2019.
Liang et al., Mind the Gap: Understanding the Modality Gap in Multi-modal Contrastive Representation Learning, 2022.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from workbench.errors import unknown_name
from workbench.methods.shapes import Floats, check_embeddings
from workbench.specs import SPACES


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
    return np.where(lengths > 1e-5, vectors / np.maximum(lengths, 1e-5), 0).astype(np.float32)


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
