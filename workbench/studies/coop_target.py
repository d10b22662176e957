"""Learned prompts as a network: the image tower of the CLIP they were learned for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import ModelError, SpecError
from workbench.models.clip import load_clip
from workbench.models.targets import Target
from workbench.studies.case import read_training_images
from workbench.studies.concept_texts import check_clip
from workbench.studies.learned_prompts import LearnedPrompts

if TYPE_CHECKING:
    from workbench.models.clip import Clip


def coop_target(found: LearnedPrompts) -> tuple[Target, Clip]:
    """Load what learned prompts are compared with.

    Returns
    -------
    target : Target
        The image tower. It knows the images that the prompts and their CLIP were trained on.
    clip : Clip
        The CLIP.

    Raises
    ------
    ModelError
        The CLIP cannot be had any more, or is another than the one they were learned for.
    """
    try:
        clip = load_clip(found.clip)
    except (ModelError, SpecError) as error:
        raise ModelError(f"{found.model} was learned for {found.clip}, which cannot be loaded: {error}") from error
    check_clip(found.concepts, clip)
    images = read_training_images(found.artifact).union(clip.training_images)
    return Target(found.model, clip.image_tower, None, clip.fingerprint, images, found.notes, clip.prepare), clip
