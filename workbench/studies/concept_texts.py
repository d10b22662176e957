"""A concept set by its name, learned prompts among them, and its texts as vectors: the one place that makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.data.concepts import ConceptSet, load_concept_set
from workbench.errors import ModelError, SpecError
from workbench.methods.shapes import Floats
from workbench.progress import SILENT, Progress
from workbench.store import Store
from workbench.studies.case import read_training_images
from workbench.studies.embed import embed_texts
from workbench.studies.learned_prompts import PREFIX, LearnedConcepts, find_coop

if TYPE_CHECKING:
    from workbench.models.clip import Clip
    from workbench.models.fingerprints import TrainingImages


def open_concepts(spec: str, store: Store, beside_plain: bool = False) -> ConceptSet:
    """Open a concept set.

    Parameters
    ----------
    spec : str
        What :func:`workbench.data.concepts.load_concept_set` takes, or ``coop:NAME`` for learned prompts.
    store : Store
        The workspace that the learned prompts are of.
    beside_plain : bool
        Of learned prompts, put the texts of the concept set they were learned for beside them.

    Raises
    ------
    SpecError, ConceptSetError
        There is no such concept set, or it cannot be used.
    """
    if not spec.startswith(PREFIX):
        return load_concept_set(spec)
    found = find_coop(spec, store)
    return found.beside_plain if beside_plain else found.concepts


def concept_texts(concepts: ConceptSet, clip: Clip, store: Store, progress: Progress = SILENT) -> Floats:
    """Return a concept set's texts as unit vectors, float32 ``(T, C, D)``: T templates, C concepts.

    Raises
    ------
    SpecError, ModelError
        The texts are prompts learned for another CLIP, or for this one as it was before.
    """
    if isinstance(concepts, LearnedConcepts):
        check_clip(concepts, clip)
        return concepts.vectors[None]
    prompts = concepts.prompts()
    flat = [sentence for sentences in prompts for sentence in sentences]
    return embed_texts(flat, clip, store, progress).reshape(len(prompts), len(concepts.concepts), -1)


def check_clip(concepts: LearnedConcepts, clip: Clip) -> None:
    """Raise where learned prompts do not belong to a CLIP; see :func:`concept_texts`."""
    if clip.fingerprint == concepts.clip_fingerprint:
        return
    if clip.name != concepts.clip:
        raise SpecError(f"{concepts.name} was learned for {concepts.clip}; its vectors mean nothing to {clip.name}")
    raise ModelError(
        f"{concepts.name}: {clip.name} is no longer the CLIP it was learned for: other weights or preprocessing; learn "
        "the prompts again"
    )


def known_images(concepts: ConceptSet, clip: Clip) -> TrainingImages | None:
    """Return which images a CLIP, and prompts learned for it, were trained on; None where nothing is known."""
    if isinstance(concepts, LearnedConcepts):
        return read_training_images(concepts.source_artifact).union(clip.training_images)
    return clip.training_images
