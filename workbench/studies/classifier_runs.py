"""Run labelled images through a classifier cut at a layer: what comes before it once, the rest for every change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from workbench.data.datasets import Dataset
from workbench.data.images import decode
from workbench.engines import engine
from workbench.errors import SpecError
from workbench.methods.duplicates import BLANK_DEVIATION
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.progress import SILENT, Progress
from workbench.store import Artifact, ArtifactKey, Build, Store, content_hash
from workbench.studies.activations import forward_batches
from workbench.studies.embed import SHARD, list_column, list_matrix

if TYPE_CHECKING:
    import torch

    from workbench.models.sweep import Sweep
    from workbench.models.tail import Cut, State
    from workbench.models.targets import Target
    from workbench.studies.classifier import Classifier

Found = TypeVar("Found")
Predicted = npt.NDArray[np.int16]

KIND = "predictions"
"""Kind of the artifacts made here."""


@dataclass(frozen=True)
class Subject:
    """A layer of a classifier, cut so that it can be reweighted.

    Parameters
    ----------
    classifier : Classifier
        The network with its classes.
    layer : str
        Name of the layer.
    cut : Cut
        The network in two at that layer.
    bias : Tensor (U,)
        The layer's bias, zeros where it has none.
    with_bias : bool
        Whether the bias is scaled with the weights.
    """

    classifier: Classifier
    layer: str
    cut: Cut
    bias: torch.Tensor
    with_bias: bool

    @property
    def fingerprint(self) -> str:
        """Hash of what decides the answers: the network and, for a CLIP's image tower, the texts of the classes."""
        texts = self.classifier.texts
        digest = "" if texts is None else hashlib.sha256(texts.tobytes()).hexdigest()
        return content_hash([self.classifier.target.fingerprint, list(self.classifier.classes), digest])

    def logits(self, state: State, scale: Floats | None) -> npt.NDArray[np.float32]:
        """Return the logits ``(B, K)`` of images at the layer, its units scaled by ``(U,)``; ``None`` leaves them."""
        import torch

        scales = None if scale is None else torch.from_numpy(scale)
        shift = None if scales is None or self.with_bias else (1 - scales) * self.bias
        return self.classifier.logits(self.cut.tail(state, scales, shift))

    def sweep(self, scales: Floats) -> Sweep:
        """Return the reweightings of the layer by scales ``(S, U)``, to be run over batches."""
        import torch

        from workbench.models.sweep import Sweep

        return Sweep(self.cut, torch.from_numpy(np.ascontiguousarray(scales)), None if self.with_bias else self.bias)


def open_subject(classifier: Classifier, layer: str, with_bias: bool) -> Subject:
    """Cut a classifier at a layer."""
    from workbench.models.layers import layer_bias
    from workbench.models.tail import cut

    target = classifier.target
    return Subject(classifier, layer, cut(target, layer), layer_bias(target.module, layer), with_bias)


@dataclass(frozen=True)
class Evaluated:
    """The images of a split that can be judged: labelled with one of the classes, and showing something.

    Parameters
    ----------
    split : str
        Their split.
    rows : int64 array (N,)
        Rows of the dataset.
    labels : int64 array (N,)
        Class of each.
    unlabelled, blank : int
        Images left out because their label is no class, and because they show nothing.
    """

    split: str
    rows: Ints
    labels: Ints
    unlabelled: int
    blank: int


def evaluated_images(dataset: Dataset, split: str, classes: Sequence[str]) -> Evaluated:
    """Return the images of a split that a classifier can be judged on.

    Raises
    ------
    SpecError
        There is no such split, or no such image in it.
    """
    rows = dataset.rows(split)
    place = {name: index for index, name in enumerate(classes)}
    labels = np.array([place.get(label, -1) for label in dataset.labels[rows].tolist()], dtype=np.int64)
    blank = dataset.contrasts[rows] < BLANK_DEVIATION
    keep = (labels >= 0) & ~blank
    if not keep.any() and (labels >= 0).any():
        raise SpecError(
            f"split {split!r} of {dataset.name} has no image to judge: all {int((labels >= 0).sum()):,} that have a "
            "class of the network are blank (of one gray value); choose a split of pictures that show something"
        )
    if not keep.any():
        found = ", ".join(sorted(set(dataset.labels[rows].tolist()) - {""})) or "none"
        raise SpecError(
            f"split {split!r} of {dataset.name} has no image to judge: its labels are {found}, the network's classes "
            f"{', '.join(classes)}"
        )
    unlabelled = int((labels < 0).sum())
    return Evaluated(split, rows[keep], labels[keep], unlabelled, int((blank & (labels >= 0)).sum()))


def image_notes(target: Target, dataset: Dataset, images: Evaluated) -> list[str]:
    """Return what a reader of figures on these images must know: what is left out, and what was trained on."""
    notes = []
    if target.training_images is not None:
        known = int(target.training_images.matches(dataset.digests[images.rows], dataset.hashes[images.rows]).sum())
        if known:
            share = f"{known:,} of the {len(images.rows):,} images of split {images.split!r}"
            notes.append(f"{target.spec} was trained on {share}: figures on them are not held out")
    words = ((images.blank, "blank"), (images.unlabelled, "whose label is no class of the network"))
    left_out = [f"{count:,} {what}" for count, what in words if count]
    if left_out:
        notes.append(f"images of split {images.split!r} left out: {', '.join(left_out)}")
    return notes


def predictions(
    subject: Subject, dataset: Dataset, rows: Ints, scales: Floats, store: Store, progress: Progress = SILENT
) -> Predicted:
    """Return the class that every scaling gives every image, or what is stored; a stopped run resumes.

    Parameters
    ----------
    subject : Subject
        The layer that is scaled.
    rows : int64 array (N,)
        The images.
    scales : float32 array (S, U)
        What the weights of each unit are multiplied by.

    Returns
    -------
    int16 array (S, N)
    """
    key = _key(subject, dataset, rows, scales)
    spec = {"dataset": dataset.name, "target": subject.classifier.target.spec, "layer": subject.layer}

    def compute(build: Build) -> Artifact:
        _run_missing(build, subject, dataset, rows, scales, progress)
        return build.finish({**spec, "images": len(rows), "settings": len(scales)})

    artifact = store.find_or_build(key, spec, compute, progress)
    return np.ascontiguousarray(list_matrix(artifact.table(), "predicted").T)


def run_batches(
    subject: Subject, dataset: Dataset, batches: Sequence[Ints], compute: Callable[[State], Found]
) -> Iterator[Found]:
    """Yield ``compute(state)`` for each batch of rows; the next batch is decoded meanwhile."""
    import torch

    target = subject.classifier.target

    def prepare(batch: Ints) -> torch.Tensor:
        return target.prepare([decode(data, dataset.name) for data in dataset.image_bytes(batch)])

    def run(inputs: torch.Tensor) -> Found:
        with torch.inference_mode():
            return compute(subject.cut.head(inputs))

    return engine("local").map(prepare, run, batches)


def predict_settings(subject: Subject, sweep: Sweep, state: State, tick: Callable[[], None]) -> Predicted:
    """Return the class each setting gives each image of a batch, int16 ``(S, B)``; ``tick`` is called after each."""
    found = np.empty((len(sweep), len(state.output)), dtype=np.int16)
    for index, outputs in sweep.outputs(state):
        found[index] = subject.classifier.logits(outputs).argmax(axis=1)
        tick()
    return found


def right(predicted: Predicted, labels: Ints) -> Bools:
    """Return which predictions are right, bool ``(S, N)``."""
    return np.asarray(predicted == labels)


def _run_missing(
    build: Build, subject: Subject, dataset: Dataset, rows: Ints, scales: Floats, progress: Progress
) -> None:
    shards = {start // SHARD: rows[start : start + SHARD] for start in range(0, len(rows), SHARD)}
    missing = {index: shard for index, shard in shards.items() if not build.has_part(index)}
    progress.step(
        f"{len(scales):,} settings of {subject.layer}, {len(rows):,} images of {dataset.name}", len(scales) * len(rows)
    )
    progress.advance((len(rows) - sum(map(len, missing.values()))) * len(scales))

    sweep = subject.sweep(scales)

    def compute(state: State) -> Predicted:
        return predict_settings(subject, sweep, state, lambda: progress.advance(len(state.output)))

    target = subject.classifier.target
    batches = [batch for shard in missing.values() for batch in forward_batches(dataset, target, shard)]
    results = run_batches(subject, dataset, batches, compute)
    for index, shard in missing.items():
        parts: list[Predicted] = []
        while sum(part.shape[1] for part in parts) < len(shard):
            parts.append(next(results))
        predicted = np.ascontiguousarray(np.concatenate(parts, axis=1).T)  # (images, S)
        build.write_table(index, pa.table({"predicted": list_column(predicted)}))


def _key(subject: Subject, dataset: Dataset, rows: Ints, scales: Floats) -> ArtifactKey:
    target = subject.classifier.target
    content = {
        "classifier": subject.fingerprint,
        "layer": subject.layer,
        "bias": subject.with_bias,
        "images": content_hash(dataset.digests[rows].tolist()),
        "scales": hashlib.sha256(np.ascontiguousarray(scales, dtype="<f4").tobytes()).hexdigest()[:16],
    }
    return ArtifactKey(KIND, f"{dataset.name}-{target.spec.rpartition('/')[2]}-{subject.layer}", content)
