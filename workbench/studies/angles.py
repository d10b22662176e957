"""Which classes are opposite and which are close, in the full embedding space: for images, for texts, do they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.angles import ClassAngles, agreement, class_angles, extremes, unrelated
from workbench.methods.shapes import Floats, Ints
from workbench.progress import SILENT, Progress
from workbench.specs import AnglesSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.concept_texts import concept_texts, open_concepts
from workbench.studies.embed import embed_dataset
from workbench.studies.map import check_usable, gaps, unseen_note
from workbench.studies.mapping import as_json
from workbench.studies.stored import Stored

if TYPE_CHECKING:
    from workbench.models.clip import Clip

KIND = "angles"
"""Kind of the artifacts made here."""

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Angles(Stored[AnglesSpec]):
    """Stored angles between the class means around the grand mean; K classes, arrays read-only, angles in degrees.

    Parameters
    ----------
    artifact : Artifact
        One array file; everything that is no array stands in the summary.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that both have images and texts (K), in the concept set's order."""
        return tuple(self.summary["classes"])

    @property
    def counts(self) -> tuple[int, ...]:
        """Images of each class (K)."""
        return tuple(self.summary["counts"])

    @property
    def sentences(self) -> tuple[int, ...]:
        """Sentences (concepts in templates) of each class (K)."""
        return tuple(self.summary["sentences"])

    @property
    def unrelated(self) -> float:
        """What the angles are on average where no two classes have anything in common: arccos(-1 / (K - 1))."""
        return unrelated(len(self.classes))

    @cached_property
    def images(self) -> Numbers:
        """Angles between the classes' images, float64 ``(K, K)``, 0 (same direction) to 180 (opposite)."""
        return self._array("images")

    @cached_property
    def images_low(self) -> Numbers:
        """Lower end of their 95 % bootstrap intervals ``(K, K)``; NaN where a class has one image."""
        return self._array("images_low")

    @cached_property
    def images_high(self) -> Numbers:
        """Upper end of their 95 % bootstrap intervals ``(K, K)``; NaN where a class has one image."""
        return self._array("images_high")

    @cached_property
    def texts(self) -> Numbers:
        """Angles between the classes' texts, float64 ``(K, K)``."""
        return self._array("texts")

    @cached_property
    def texts_low(self) -> Numbers:
        """Lower end of their 95 % bootstrap intervals ``(K, K)``; NaN where a class has one sentence."""
        return self._array("texts_low")

    @cached_property
    def texts_high(self) -> Numbers:
        """Upper end of their 95 % bootstrap intervals ``(K, K)``; NaN where a class has one sentence."""
        return self._array("texts_high")

    @property
    def agreement(self) -> Mapping[str, Any]:
        """Do images and texts order the pairs of classes alike: ``spearman`` (-1 to 1), ``p``, ``orders``, ``exact``.

        See :func:`workbench.methods.angles.agreement`.
        """
        agreement: Mapping[str, Any] = self.summary["agreement"]
        return agreement

    @property
    def gap(self) -> Mapping[str, Any]:
        """By space (``raw``, ``centred``, ``shifted``) the fields of :class:`workbench.methods.map.Gap`.

        ``own`` and ``others`` besides: mean cosine of an image with its own class's text, and with the others' (raw).
        """
        gap: Mapping[str, Any] = self.summary["gap"]
        return gap

    @property
    def extremes(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """For ``images`` and ``texts`` the ``closest`` and the ``opposite`` pair.

        Each with ``classes`` (two), ``angle``, ``low``, ``high`` (``None`` where not known) and ``share``: the share of
        the resamples in which it was this very pair.
        """
        extremes: Mapping[str, Mapping[str, Mapping[str, Any]]] = self.summary["extremes"]
        return extremes

    def _array(self, name: str) -> Numbers:
        view = self._arrays[name].view()
        view.flags.writeable = False
        return view

    @cached_property
    def _arrays(self) -> Mapping[str, Numbers]:
        return self.artifact.arrays("angles")


def open_angles(artifact: Artifact) -> Angles:
    """Open stored angles; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not {KIND}")
    return Angles(artifact)


def angles(spec: AnglesSpec, store: Store, progress: Progress = SILENT) -> Angles:
    """Measure the angles between the classes of a dataset, or return what is stored.

    A class counts where it has images in the split and concepts in the set. Its images' mean, and the mean of its
    sentences (every concept in every template), are looked at around the mean of the classes' means.

    Raises
    ------
    SpecError
        The dataset, split, CLIP or concept set does not exist; fewer than three classes have images and concepts; class
        means are the same, or an embedding is not finite.
    ConceptSetError, ModelError
        The concept set or the weights cannot be used.
    Cancelled
        Stopped by ``progress``; the embeddings finished so far are kept.
    """
    from workbench.models.clip import load_clip  # loads torch, which reading stored angles does without

    dataset, concepts = open_dataset(store, spec.dataset), open_concepts(spec.concepts, store)
    classes = _classes(spec, dataset, concepts)
    progress.step(f"load {spec.clip}")
    clip = load_clip(spec.clip)
    case = _Case(spec, dataset, concepts, tuple(classes), clip)

    def compute(build: Build) -> Artifact:
        return _compute(build, case, store, progress)

    return Angles(store.find_or_build(_key(case), spec.to_dict(), compute, progress))


@dataclass(frozen=True)
class _Case:
    """What the angles are measured between."""

    spec: AnglesSpec
    dataset: Dataset
    concepts: ConceptSet
    classes: tuple[str, ...]
    clip: Clip

    @property
    def labelled(self) -> tuple[Ints, Ints]:
        """Rows of the split whose label is one of the classes, and the class of each."""
        rows = self.dataset.rows(self.spec.split)
        place = {name: index for index, name in enumerate(self.classes)}
        labels = np.array([place.get(label, -1) for label in self.dataset.labels[rows].tolist()], dtype=np.int64)
        return rows[labels >= 0], labels[labels >= 0]

    @property
    def sentences(self) -> tuple[list[str], Ints, Ints]:
        """The classes' sentences, once for each class one speaks for: each, its place among all, and that class."""
        count = len(self.concepts.concepts)
        found = [
            (sentence, template * count + place, self.classes.index(name))
            for template, sentences in enumerate(self.concepts.prompts())
            for place, (sentence, concept) in enumerate(zip(sentences, self.concepts.concepts, strict=True))
            for name in concept.classes
            if name in self.classes
        ]
        places, classes = (np.array([each[part] for each in found], dtype=np.int64) for part in (1, 2))
        return [each[0] for each in found], places, classes


def _key(case: _Case) -> ArtifactKey:
    spec, clip = case.spec, case.clip
    name = clip.name.rpartition("/")[2] if clip.name.startswith("local-dir:") else clip.name
    content = {
        "dataset": case.dataset.name,
        "rows": case.dataset.fingerprint,
        "clip": clip.fingerprint,
        "concepts": case.concepts.fingerprint,
        **{field: getattr(spec, field) for field in ("split", "resamples", "seed")},
    }
    return ArtifactKey(KIND, f"{case.dataset.name}-{name}-{case.concepts.name}", content)


def _classes(spec: AnglesSpec, dataset: Dataset, concepts: ConceptSet) -> list[str]:
    """Return the classes that have both images in the split and concepts in the set."""
    labels = set(dataset.labels[dataset.rows(spec.split)].tolist())
    spoken = {name for concept in concepts.concepts for name in concept.classes}
    classes = [name for name in concepts.classes if name in labels and name in spoken]
    if len(classes) < 3:
        raise SpecError(
            f"angles around the grand mean need three classes or more; of {spec.concepts!r}, split {spec.split!r} of "
            f"{dataset.name} has images of {', '.join(classes) or 'none'}"
        )
    return classes


def _compute(build: Build, case: _Case, store: Store, progress: Progress) -> Artifact:
    spec, size = case.spec, len(case.classes)
    rows, labels = case.labelled
    embeddings = embed_dataset(case.dataset, case.clip, store, progress)
    images = embeddings.matrix[rows]
    check_usable(images, case.dataset, rows, case.clip.name)
    _, places, spoken = case.sentences
    texts = concept_texts(case.concepts, case.clip, store, progress)
    sentences = texts.reshape(-1, texts.shape[-1])[places]
    progress.step("measure the angles")
    of_images = class_angles(images, labels, size, spec.resamples, spec.seed)
    of_texts = class_angles(sentences, spoken, size, spec.resamples, spec.seed)
    texts = np.stack([sentences[spoken == place].mean(axis=0) for place in range(size)])
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    arrays: dict[str, Floats] = {}
    for name, found in (("images", of_images), ("texts", of_texts)):
        arrays |= {name: found.angles, f"{name}_low": found.low, f"{name}_high": found.high}
    build.write_arrays("angles", arrays)
    counts, lengths = np.bincount(labels, minlength=size), np.bincount(spoken, minlength=size)
    summary = {
        "dataset": case.dataset.name,
        "clip": case.clip.name,
        "concept_set": case.concepts.name,
        "classes": list(case.classes),
        "counts": counts.tolist(),
        "sentences": lengths.tolist(),
        "agreement": agreement(of_images.angles, of_texts.angles, spec.seed)._asdict(),
        "gap": gaps(images, texts) | _matches(images, labels, texts),
        "extremes": {"images": _extremes(of_images, case.classes), "texts": _extremes(of_texts, case.classes)},
        "embeddings": embeddings.artifact.reference,
        "notes": _notes(case, rows, counts, lengths),
    }
    return build.finish(summary)


def _matches(images: Floats, labels: Ints, texts: Floats) -> dict[str, float]:
    """Mean cosine of images with the text of their own class, and with those of the other classes."""
    cosines = images @ texts.T
    own = float(cosines[np.arange(len(images)), labels].mean(dtype=np.float64))
    total = float(cosines.mean(dtype=np.float64)) * len(texts)
    return {"own": own, "others": (total - own) / (len(texts) - 1)}


def _extremes(found: ClassAngles, classes: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    named = {}
    for name, pair in zip(("closest", "opposite"), extremes(found), strict=True):
        place = pair.first, pair.second
        values = {"angle": found.angles[place], "low": found.low[place], "high": found.high[place]}
        numbers = as_json({key: float(value) for key, value in values.items()})
        named[name] = {"classes": [classes[each] for each in place], **numbers, "share": pair.share}
    return named


def _notes(case: _Case, rows: Ints, counts: Ints, sentences: Ints) -> list[str]:
    notes = unseen_note(case.clip, case.sentences[0])
    if case.clip.training_images is not None:
        seen = case.clip.training_images.matches(case.dataset.digests[rows], case.dataset.hashes[rows])
        if seen.any():
            notes.append(f"{case.clip.name} was trained on {int(seen.sum()):,} of the {len(rows):,} images")
    left_out = len(case.dataset.rows(case.spec.split)) - len(rows)
    if left_out:
        notes.append(f"{left_out:,} images are left out: no label, or none of the classes compared")
    missing = [name for name in case.concepts.classes if name not in case.classes]
    if missing:
        notes.append(f"left out, without images or without concepts: {', '.join(missing)}")
    for what, numbers in (("image", counts), ("sentence", sentences)):
        single = [name for name, number in zip(case.classes, numbers.tolist(), strict=True) if number == 1]
        if single:
            notes.append(f"a single {what} stands for {', '.join(single)}: its angles have no interval")
    return notes
