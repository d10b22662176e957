"""A stored study of robustness: every model's course along every disturbance, examples, and all answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from workbench.errors import SpecError
from workbench.methods.disturb import KINDS
from workbench.methods.robustness import Course as Course
from workbench.methods.shapes import Ints
from workbench.specs.ladder import RobustnessSpec
from workbench.store import Artifact, Store
from workbench.studies.embed import list_matrix
from workbench.studies.stored import Stored

KIND = "robustness"
"""Kind of the artifacts that hold one."""
EXAMPLES, IMAGES, FIRST = 0, 1, 2
"""Parts: examples, images, and from ``FIRST`` on the answers of a model to a trial, model by model."""
PHOTOS, RENDERED = "", "rendered"
"""Where faces come from: the dataset, or the renderer."""


class Trial(NamedTuple):
    """What is done to one source of faces: ``disturbance`` (empty for nothing) at levels ``(side, level)``."""

    source: str
    disturbance: str
    levels: tuple[tuple[str, float], ...]


class Pose(NamedTuple):
    """What people are rendered anew with: ``title``, ``unit``, and levels by side, in degrees."""

    title: str
    unit: str
    sides: Mapping[str, tuple[float, ...]]


class Example(NamedTuple):
    """One face at one strength: ``png`` bytes."""

    disturbance: str
    side: str
    level: float
    png: bytes


POSES: Mapping[str, Pose] = {
    "yaw": Pose("Turned to the side (rendered)", "degrees, each face to its own side", {"": (10, 20, 30, 40)}),
    "pitch": Pose("Nodding (rendered)", "degrees; below 0 up", {"up": (-10, -20, -30), "down": (10, 20, 30)}),
    "light": Pose(
        "Lamp to the side (rendered)", "degrees from the front, each to its own side", {"": (15, 30, 45, 60, 75)}
    ),
}
"""Pose and light of rendered faces; see workbench.data.faces.posed for how far the renderer goes."""


def trials_of(asked: tuple[str, ...], side: float, rendered: bool) -> tuple[Trial, ...]:
    """Return what is to be done: each source undisturbed first, then its disturbances.

    Parameters
    ----------
    asked : tuple of str
        Names of disturbances; empty for all.
    side : float
        Middle width of the dataset's pictures: sizes from this on are no disturbance and are left out.
    rendered : bool
        Whether faces are rendered at all.
    """

    def levels(sides: Mapping[str, tuple[float, ...]], below: float = np.inf) -> tuple[tuple[str, float], ...]:
        return tuple((name, float(level)) for name, values in sides.items() for level in values if level < below)

    pixels = [
        Trial(PHOTOS, name, levels(kind.sides, side if name == "size" else np.inf))
        for name, kind in KINDS.items()
        if not asked or name in asked
    ]
    posed = [Trial(RENDERED, name, levels(pose.sides)) for name, pose in POSES.items() if not asked or name in asked]
    found = [Trial(PHOTOS, "", (("", 0.0),)), *pixels] if pixels else []
    if posed and rendered:
        found += [Trial(RENDERED, "", (("", 0.0),)), *posed]
    return tuple(trial for trial in found if trial.levels)


@dataclass(frozen=True)
class Robustness(Stored[RobustnessSpec]):
    """A stored study of robustness; it opens without models and images.

    Parameters
    ----------
    artifact : Artifact
        Parquet parts: examples, the images, and each model's answers to each trial; the courses stand in its summary.
    """

    @property
    def dataset(self) -> str:
        """The dataset whose images are disturbed."""
        return str(self.summary["dataset"])

    @property
    def models(self) -> tuple[str, ...]:
        """The classifiers, in the order asked for."""
        return tuple(self.summary["models"])

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes of labels and answers (K)."""
        return tuple(self.summary["classes"])

    @property
    def images(self) -> int:
        """Images of the dataset that were disturbed; 0 where none was asked for."""
        return int(self.summary["images"])

    @property
    def faces(self) -> int:
        """People rendered at every angle."""
        return int(self.summary["faces"])

    @property
    def disturbances(self) -> tuple[str, ...]:
        """What was done, in order."""
        return tuple(dict.fromkeys(course.disturbance for course in self.courses))

    @cached_property
    def courses(self) -> tuple[Course, ...]:
        """Every side of every disturbance, model by model."""
        return tuple(Course.from_dict(values) for values in self.summary["courses"])

    def of(self, disturbance: str) -> tuple[Course, ...]:
        """Return the courses of one disturbance."""
        return tuple(course for course in self.courses if course.disturbance == disturbance)

    @cached_property
    def examples(self) -> tuple[Example, ...]:
        """One face, undisturbed and at every level, in the order of courses; of rendered courses one person."""
        table = self.artifact.table(EXAMPLES)
        return tuple(Example(**row) for row in table.to_pylist())

    @property
    def rates(self) -> Mapping[str, float]:
        """Faces each model answered a second, its preparation included and the disturbing not; 0 where not known."""
        rates: Mapping[str, float] = self.summary["rates"]
        return rates

    @property
    def sentence(self) -> str:
        """The result as one sentence."""
        return str(self.summary["sentence"])

    def labels(self, source: str = PHOTOS) -> Ints:
        """Return the class of each face of a source, int64 ``(N,)``."""
        table = self.artifact.table(IMAGES)
        kept = [row["label"] for row in table.to_pylist() if row["source"] == source]
        return np.array([self.classes.index(label) for label in kept], dtype=np.int64)

    def predicted(self, model: str, disturbance: str = "", source: str = PHOTOS) -> Ints:
        """Return a model's answers at each level, all sides in turn, int64 ``(L, N)``.

        Parameters
        ----------
        model, disturbance, source : str
            See :attr:`models` and :attr:`disturbances`; empty for undisturbed faces of the source.
        """
        source = RENDERED if disturbance in POSES else source
        trials = [tuple(trial[:2]) for trial in self.summary["trials"]]
        if model not in self.models or (source, disturbance) not in trials:
            raise SpecError(f"{self.artifact.reference} holds no answers of {model!r} to {disturbance!r}")
        place = trials.index((source, disturbance))
        part = FIRST + place * len(self.models) + self.models.index(model)
        return list_matrix(self.artifact.table(part), "predicted").astype(np.int64)


def describe(disturbance: str) -> dict[str, Any]:
    """Return what a course says of its disturbance: ``title``, ``unit`` and ``ratio``."""
    kind = KINDS.get(disturbance) or POSES[disturbance]
    return {"title": kind.title, "unit": kind.unit, "ratio": disturbance in ("contrast", "size")}


def open_robustness(artifact: Artifact) -> Robustness:
    """Open a stored study of robustness; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Robustness(artifact)


def find_robustness(name: str, store: Store) -> Robustness:
    """Open a stored study by its name, the beginning of it, or its hash."""
    return open_robustness(store.named(KIND, name))
