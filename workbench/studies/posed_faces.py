"""Rendered people at every angle, stored: rendering takes longer than asking a small network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from workbench.data.faces import EMOTIONS, FaceParameters, render
from workbench.data.faces.posed import people, posed
from workbench.methods.disturb import Faces
from workbench.progress import SILENT, Progress
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.curves import POSES

KIND = "posed-faces"
"""Kind of the artifacts made here."""
SIDE = 48
"""Width and height of the pictures in pixels."""
MEASURE = 1
"""Number of the way people are posed; those of another are rendered again."""
_BLOCK = 48
_ANGLES: tuple[tuple[str, float], ...] = (
    ("", 0.0),
    *((name, float(level)) for name, pose in POSES.items() for side in pose.sides.values() for level in side),
)


@dataclass(frozen=True)
class PosedFaces:
    """The same people at every angle.

    Parameters
    ----------
    artifact : Artifact
        A Parquet part an angle, a row a person.
    """

    artifact: Artifact

    @property
    def labels(self) -> tuple[str, ...]:
        """Emotion of each person (N)."""
        return tuple(self.artifact.summary["labels"])

    def pictures(self, name: str, level: float) -> Faces:
        """Return everybody at an angle, uint8 ``(N, 48, 48)``; an empty name looks straight ahead."""
        part = _ANGLES.index((name, level))
        rows = self.artifact.table(part)["pixels"].to_pylist()
        return np.stack([np.frombuffer(row, dtype=np.uint8).reshape(SIDE, SIDE) for row in rows])


def posed_faces(count: int, seed: int, store: Store, progress: Progress = SILENT) -> PosedFaces:
    """Render people at every angle, or return what is stored; a stopped run goes on after the last whole angle.

    Parameters
    ----------
    count : int
        How many people, from 1; the seven emotions take turns.
    seed : int
        0 or more.
    store, progress
        The workspace, and who is told.
    """
    content = {"count": count, "seed": seed, "measure": MEASURE, "angles": [list(angle) for angle in _ANGLES]}

    def compute(build: Build) -> Artifact:
        drawn = people(count, seed)
        progress.step("render people", count * len(_ANGLES))
        for part, (name, level) in enumerate(_ANGLES):
            if build.has_part(part):
                progress.advance(count)
            else:
                rows = _rendered(drawn, name, level, progress)
                build.write_table(part, pa.table({"pixels": pa.array(rows, pa.binary())}))
        labels = [EMOTIONS[emotion] for emotion in drawn.emotions.tolist()]
        return build.finish({"faces": count, "labels": labels})

    key = ArtifactKey(KIND, f"{count}-people", content)
    return PosedFaces(store.find_or_build(key, {"faces": count, "seed": seed}, compute, progress))


def _rendered(drawn: FaceParameters, name: str, level: float, progress: Progress) -> list[bytes]:
    faces = posed(drawn, name, level) if name else drawn
    rows: list[bytes] = []
    for first in range(0, len(faces), _BLOCK):
        images = render(faces[first : first + _BLOCK], SIDE).images
        rows += [image.tobytes() for image in images]
        progress.advance(len(images))
    return rows
