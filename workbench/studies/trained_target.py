"""A network that was trained here as a model: one view of a face, or ten whose answers are averaged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.models.networks import Architecture, TenViews
from workbench.models.targets import Target, load_target
from workbench.store import Store, content_hash
from workbench.studies.trained import find_trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from PIL import Image


def trained_target(model: str, weights: str, store: Store) -> Target:
    """Load ``trained:NAME`` to classify with: with as many views of a face as it is reported with.

    :func:`workbench.models.targets.load_target` gives the same network with one view, to look into.

    Raises
    ------
    SpecError, ModelError
        As :func:`workbench.models.targets.load_target`.
    """
    target = load_target(model, weights, store)
    trained = find_trained(model, store)
    if trained.crops == 1:
        return target
    view = Architecture.from_dict(trained.architecture).view

    def prepare(pictures: Sequence[Image.Image]) -> torch.Tensor:
        return view.whole(view.faces(pictures))

    module = TenViews(target.module, view.crop).eval().requires_grad_(False)
    return replace(
        target, module=module, prepare=prepare, fingerprint=content_hash([target.fingerprint, trained.crops])
    )
