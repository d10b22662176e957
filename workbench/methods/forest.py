"""A random forest in compact arrays, so that ten thousand trees fit in memory.

A node takes 10 bytes: the feature it asks for (2), the threshold (4), and where it leads (4). The right child stands
behind the left one, and a leaf points at its class shares, of which equal ones are kept once: fully grown trees have
few different ones. (scikit-learn's own trees take 64 + 8 K bytes a node.) Trees are grown in batches and packed at
once, each batch from its own seed, so a forest of 1,000 trees begins with the one of 100.

References
----------
Breiman, Random forests, Machine Learning 45, 2001.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from workbench.errors import SpecError
from workbench.methods.bootstrap import RESAMPLES, Estimate, estimate, resample_counts
from workbench.methods.probe import check_rows
from workbench.methods.shapes import Floats, Ints, check_embeddings

BATCH = 10
"""Trees grown at once."""
_PAIRS = 1 << 17
"""Pairs of tree and row that walk down at once."""
_LEAF = -1
_NODE_BYTES = 10
_MOST_FEATURES = 2**15


@dataclass(frozen=True)
class Forest:
    """T trees of M nodes in all, for K classes.

    Parameters
    ----------
    feature : int16 array (M,)
        The feature a node asks for, -1 in a leaf.
    threshold : float32 array (M,)
        A row goes left where its feature is at most this.
    child : int32 array (M,)
        Place of the left child, the right one stands behind it; in a leaf, the row of ``shares``.
    roots : int32 array (T,)
        Place of each tree's root, ascending.
    shares : float32 array (S, K)
        Different class shares of leaves; rows sum to 1.
    dimension : int
        D.
    """

    feature: np.ndarray
    threshold: np.ndarray
    child: np.ndarray
    roots: np.ndarray
    shares: np.ndarray
    dimension: int

    @property
    def parameters(self) -> int:
        """How many numbers it keeps: a feature, a threshold and a child a node, and the shares."""
        return int(3 * self.feature.size + self.shares.size)

    @property
    def trees(self) -> int:
        """How many trees it has (T)."""
        return len(self.roots)

    @property
    def size(self) -> int:
        """Bytes of its arrays."""
        return int(sum(array.nbytes for array in self.arrays().values()))

    def probabilities(self, features: Floats) -> Floats:
        """Return the mean of the trees' class shares, float64 ``(N, K)``, for features ``(N, D)``."""
        return self.sums(features) / self.trees

    def sums(self, features: Floats, begin: int = 0, end: int | None = None) -> Floats:
        """Return the sum of class shares of trees ``begin`` to ``end``, float64 ``(N, K)``; all trees if not given."""
        check_embeddings(features, "features", "ND", self.dimension)
        values = np.asarray(features, dtype=np.float32)
        total = np.zeros((len(values), self.shares.shape[1]))
        rows = max(1, min(len(values), _PAIRS))
        for start in range(0, len(values), rows):
            part = values[start : start + rows]
            together = max(1, _PAIRS // len(part))
            asked = self.roots[begin:end]
            for first in range(0, len(asked), together):
                leaves = self._leaves(part, asked[first : first + together])  # (trees, rows)
                total[start : start + rows] += self.shares[leaves].sum(axis=0, dtype=np.float64)
        return total

    def _leaves(self, values: np.ndarray, roots: np.ndarray) -> np.ndarray:
        """Return the row of shares that each row of values ends at in each tree, ``(len(roots), len(values))``."""
        node = np.repeat(roots, len(values))
        walking = np.arange(len(node))
        while len(walking):
            here = node[walking]
            asked = self.feature[here]
            inner = asked != _LEAF
            walking, here, asked = walking[inner], here[inner], asked[inner]
            right = values[walking % len(values), asked] > self.threshold[here]
            node[walking] = self.child[here] + right
        return np.asarray(self.child[node].reshape(len(roots), len(values)))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what :meth:`restore` takes."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "child": self.child,
            "roots": self.roots,
            "shares": self.shares,
            "dimension": np.array([self.dimension], dtype=np.int64),
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray]) -> Forest:
        """Make it from its arrays; ``KeyError`` or ``ValueError`` where they do not belong together.

        Every walk ends: each child stands behind its parent.
        """
        feature, threshold, child, roots = (arrays[name] for name in ("feature", "threshold", "child", "roots"))
        shares, dimension = arrays["shares"], int(arrays["dimension"][0])
        if not len(roots) or not len(feature) == len(threshold) == len(child) or shares.ndim != 2:
            raise ValueError("the arrays of nodes, roots and shares do not fit each other")
        places, leaf = np.arange(len(feature)), feature == _LEAF
        walks = (child[~leaf] > places[~leaf]).all() and (child[~leaf] < len(feature) - 1).all()
        ends = (child[leaf] >= 0).all() and (child[leaf] < len(shares)).all()
        known = feature.min() >= _LEAF and feature.max() < dimension
        if not (walks and ends and known and roots.min() >= 0 and roots.max() < len(feature)):
            raise ValueError("a node points outside the forest")
        return cls(feature, threshold, child, roots, shares, dimension)


def grow(
    features: Floats,
    labels: Ints,
    n_classes: int,
    trees: int,
    smallest_leaf: int = 1,
    seed: int = 0,
    first: int = 0,
    tick: Callable[[int], None] = lambda _: None,
) -> Forest:
    """Grow a forest: each tree on a bootstrap sample, the best of sqrt(D) features drawn for each split.

    Parameters
    ----------
    features : float array (N, D)
        Any scale; taken as float32.
    labels : int array (N,)
        Class of each row, 0 .. K - 1; rows with -1 are ignored.
    n_classes : int
        K.
    trees : int
        T, 1 or more.
    smallest_leaf : int
        A split leaves at least so many rows on both sides.
    seed : int
        Of samples and draws.
    first : int
        Grow the trees from this one on of a larger forest, a multiple of :data:`BATCH`: joined to the trees before them
        they are that forest.
    tick : callable
        Told after each batch how many trees were grown.

    Raises
    ------
    SpecError
        A feature is not finite, or fewer than two classes occur.
    """
    from sklearn.ensemble import RandomForestClassifier  # slow to import; reading stored results does without

    rows = check_rows(features, labels, n_classes)
    if features.shape[1] >= _MOST_FEATURES:
        raise SpecError(
            f"a forest takes fewer than {_MOST_FEATURES:,} features an image; there are {features.shape[1]:,}"
        )
    known, given = np.asarray(features[rows], dtype=np.float32), labels[rows]
    parts = []
    for start in range(first, first + trees, BATCH):
        count = min(BATCH, first + trees - start)
        chance = np.random.RandomState(np.random.SeedSequence([seed, start]).generate_state(4))
        model = RandomForestClassifier(count, min_samples_leaf=smallest_leaf, random_state=chance, n_jobs=-1)
        model.fit(known, given)
        columns = model.classes_.astype(np.int64)
        parts.append(join([pack(each.tree_, columns, n_classes) for each in model.estimators_]))
        tick(count)
    return join(parts)


class Grown(NamedTuple):
    """A forest's first trees: how many, the share of right answers (0..1), and the bytes of their nodes."""

    trees: int
    accuracy: Estimate
    bytes: int


def growth(forest: Forest, features: Floats, labels: Ints, seed: int = 0) -> tuple[Grown, ...]:
    """Judge the first 10, 20, 50, 100, ... trees, and all of them, on images they have not learned from.

    Parameters
    ----------
    forest : Forest
        The forest.
    features, labels : float array (N, D), int array (N,)
        The images, each with a class.
    seed : int
        Of the bootstrap over images.
    """
    counts = [step * 10**power for power in range(1, 7) for step in (1, 2, 5) if step * 10**power < forest.trees]
    total = np.zeros((len(features), forest.shares.shape[1]))
    found, done = [], 0
    for count in [*counts, forest.trees]:
        total += forest.sums(features, done, count)
        right = (total.argmax(axis=1) == labels).astype(np.int64)
        drawn = resample_counts(np.bincount(right, minlength=2), RESAMPLES, seed)[:, 1] / len(labels)
        nodes = int(forest.roots[count]) if count < forest.trees else len(forest.feature)
        found.append(Grown(count, estimate(float(right.mean()), drawn), nodes * _NODE_BYTES))
        done = count
    return tuple(found)


def pack(tree: Any, columns: Ints, n_classes: int) -> Forest:
    """Return a tree of scikit-learn (its ``tree_``) as a forest of one; ``columns`` are its classes' numbers."""
    left, right = tree.children_left, tree.children_right
    inner = left >= 0
    place, order = _breadth_first(left, right)
    values = tree.value[:, 0, :]
    found = np.zeros((int((~inner).sum()), n_classes), dtype=np.float32)
    found[:, columns] = (values / values.sum(axis=1, keepdims=True))[~inner]
    shares, share = np.unique(found, axis=0, return_inverse=True)
    child = np.empty(len(left), dtype=np.int32)
    child[inner], child[~inner] = place[left[inner]], share.ravel()
    exact = tree.threshold.astype(np.float32)
    exact = np.where(exact > tree.threshold, np.nextafter(exact, np.float32(-np.inf)), exact)  # x <= t as in float64
    feature = np.where(inner, tree.feature, _LEAF).astype(np.int16)
    threshold = np.where(inner, exact, 0).astype(np.float32)
    roots = np.zeros(1, dtype=np.int32)
    return Forest(feature[order], threshold[order], child[order], roots, shares, int(tree.n_features))


def _breadth_first(left: np.ndarray, right: np.ndarray) -> tuple[Ints, Ints]:
    """Return each node's place when levels follow each other and siblings stand together, and the reverse."""
    order: list[np.ndarray] = []
    level = np.zeros(1, dtype=np.int64)
    while len(level):
        order.append(level)
        parents = level[left[level] >= 0]
        level = np.stack([left[parents], right[parents]], axis=1).ravel()
    nodes = np.concatenate(order)
    place = np.empty(len(nodes), dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    return place, nodes


def join(forests: Sequence[Forest]) -> Forest:
    """Return the trees of all forests as one, in their order; equal shares are kept once."""
    if len(forests) == 1:
        return forests[0]
    shares, share = np.unique(np.concatenate([each.shares for each in forests]), axis=0, return_inverse=True)
    ends = np.split(share.ravel(), np.cumsum([len(each.shares) for each in forests])[:-1])
    children, roots, nodes = [], [], 0
    for each, own in zip(forests, ends, strict=True):
        child = each.child + np.int32(nodes)
        leaf = each.feature == _LEAF
        child[leaf] = own[each.child[leaf]]
        children.append(child)
        roots.append(each.roots + np.int32(nodes))
        nodes += len(each.feature)
    if nodes >= 2**31:
        raise SpecError(f"the forest has {nodes:,} nodes, more than it can number; use fewer trees or larger leaves")
    return Forest(
        np.concatenate([each.feature for each in forests]),
        np.concatenate([each.threshold for each in forests]),
        np.concatenate(children),
        np.concatenate(roots),
        shares,
        forests[0].dimension,
    )
