"""A stored probe as a network: the CLIP's image tower whose embeddings it reads, or the bare pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from workbench.errors import ModelError, SpecError
from workbench.models.clip import load_clip
from workbench.models.targets import Target
from workbench.studies.case import read_training_images
from workbench.studies.pixels import SIDE, gray_pixels
from workbench.studies.probing import StoredProbe

if TYPE_CHECKING:
    from PIL import Image

    from workbench.models.clip import Clip


def probe_target(probe: StoredProbe) -> tuple[Target, Clip | None]:
    """Load what a probe reads.

    Returns
    -------
    target : Target
        The image tower, or a network that hands the pixels through. It knows the images that the probe and its CLIP
        were trained on.
    clip : Clip or None
        The CLIP, where there is one.

    Raises
    ------
    ModelError
        The CLIP cannot be had any more, or is another than the one the probe was trained on.
    """
    learned_from = read_training_images(probe.artifact)
    if not probe.clip:
        pixels = torch.nn.Flatten()
        return Target(probe.model, pixels, None, f"gray pixels {SIDE}", learned_from, probe.notes, _as_pictures), None
    try:
        clip = load_clip(probe.clip)
    except (ModelError, SpecError) as error:
        raise ModelError(f"{probe.model} reads embeddings of {probe.clip}, which cannot be loaded: {error}") from error
    if clip.fingerprint != probe.clip_fingerprint:
        raise ModelError(
            f"{probe.model}: {probe.clip} is no longer the CLIP it was trained on: other weights or preprocessing; "
            "train the probe again"
        )
    images = learned_from.union(clip.training_images)
    return Target(probe.model, clip.image_tower, None, clip.fingerprint, images, probe.notes, clip.prepare), clip


def _as_pictures(pictures: Sequence[Image.Image]) -> torch.Tensor:
    return torch.from_numpy(gray_pixels(pictures).reshape(len(pictures), 1, SIDE, SIDE))
