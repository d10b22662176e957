"""Target networks by spec: the ones we look into.

Reading order: :class:`Target` is what a study gets, :func:`load_target` makes one, :data:`KINDS` holds a function for
each kind of spec.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import timm
import timm.data
import torch
import torchvision
from PIL import Image
from torch import Tensor, nn

from workbench.errors import ModelError, SpecError, unknown_name
from workbench.models.architectures import Vgg, VggConfig, load_checkpoint, normalise_gray
from workbench.models.clip import ASSETS, load_clip
from workbench.models.fingerprints import TrainingImages
from workbench.models.hub import library_errors, offline_when_unreachable
from workbench.models.networks import Architecture, restore
from workbench.models.user_code import load_user_network
from workbench.models.weights import Weights, fingerprint, fit_outputs, fit_weights, read_weights
from workbench.store import Store

RANDOM = "random"
"""What stands for random weights in ``torchvision:NAME/random`` and ``timm:NAME/random``."""
NETWORK = "network"
"""Kind of the artifacts that hold a changed network: arrays ``weights`` and a summary that names the base."""

TRAINED = "trained"
"""Kind of the artifacts that hold a network trained here: arrays ``weights``; its summary says how to build it."""

Prepare = Callable[[Sequence[Image.Image]], Tensor]
"""From pictures (``L`` or ``RGB``, any size) to a network's input ``(N, C, H, W)``."""


@dataclass(frozen=True)
class Target:
    """A network to look into.

    Parameters
    ----------
    spec : str
        What it was loaded by.
    module : nn.Module
        In evaluation mode, float32, no gradients.
    classes : tuple of str or None
        Names of its outputs, in order; ``None`` where it has none (a CLIP's image tower) or they are not known.
    fingerprint : str
        Hash of architecture, weights and preprocessing: equal fingerprints give equal activations.
    training_images : TrainingImages or None
        Which images it was trained on, where that is known.
    notes : tuple of str
        What a reader of its figures must know, such as that its weights are random.
    prepare : callable
        From pictures (``L`` or ``RGB``, any size) to its input, a float32 Tensor ``(N, C, H, W)``.
    """

    spec: str
    module: nn.Module
    classes: tuple[str, ...] | None
    fingerprint: str
    training_images: TrainingImages | None
    notes: tuple[str, ...]
    prepare: Prepare

    def logits(self, inputs: Tensor) -> Tensor:
        """Return the network's output for what :attr:`prepare` made; shape ``(N, K)``, higher is more likely.

        Raises
        ------
        ModelError
            The output is no matrix with a row an image and a column a class, or not finite.
        """
        with torch.inference_mode():
            try:
                output = self.module(inputs)
            except Exception as error:  # a user's network may raise anything
                shape = " x ".join(map(str, inputs.shape))
                raise ModelError(f"{self.spec}: fails on an input of {shape}: {_first_line(error)}") from error
        return self.check(output, len(inputs))

    def check(self, output: Any, count: int) -> Tensor:
        """Return a network's output for ``count`` images if it may be logits; see :meth:`logits`."""
        if not isinstance(output, Tensor):
            raise ModelError(f"{self.spec}: the network gives a {type(output).__name__}, not a tensor of logits (N, K)")
        if output.ndim != 2 or len(output) != count:
            shape = " x ".join(map(str, output.shape))
            raise ModelError(f"{self.spec}: the network gives {shape} for {count} images, not logits (N, K)")
        if self.classes is not None and output.shape[1] != len(self.classes):
            raise ModelError(f"{self.spec}: {output.shape[1]} outputs do not fit the {len(self.classes)} classes named")
        if not bool(torch.isfinite(output).all()):
            raise ModelError(f"{self.spec}: the network gives NaN or infinite values")
        return output


@dataclass(frozen=True)
class _Parts:
    """What a kind of spec contributes to a :class:`Target`."""

    module: nn.Module
    prepare: Prepare
    preprocessing: str
    classes: tuple[str, ...] | None = None
    training_images: TrainingImages | None = None
    notes: tuple[str, ...] = ()


def load_target(spec: str, weights: str = "", store: Store | None = None) -> Target:
    """Load a target network.

    Parameters
    ----------
    spec : str
        ``face-cnn``, ``torchvision:NAME/WEIGHTS``, ``torchvision:NAME/random``, ``timm:NAME``, ``timm:NAME/random``,
        ``clip:<CLIP spec>``, ``checkpoint:FOLDER``, ``network:NAME`` or ``trained:NAME`` (of the
        workspace) or ``python:package.module:callable``. The last runs code.
    weights : str
        A file of a state dict for ``torchvision:NAME``, ``timm:NAME`` and ``python:``; no code in it is run.
    store : Store, optional
        The workspace, for ``network:NAME`` and ``trained:NAME``.

    Raises
    ------
    SpecError
        The spec has another form, or names something that does not exist.
    ModelError
        The weights cannot be had or do not fit, or the user's callable does not give a network.
    """
    kind, _, name = spec.partition(":")
    if kind not in KINDS or (not name) != (kind in _NAMELESS):
        raise unknown_name("target", spec, _FORMS)
    if weights and kind not in _TAKE_WEIGHTS:
        raise SpecError(f"{spec} has weights of its own; a file of weights goes with {', '.join(_TAKE_WEIGHTS)}")
    parts = KINDS[kind](name, read_weights(Path(weights).expanduser()) if weights else None, store)
    if parts.classes and len(set(parts.classes)) < len(parts.classes):
        raise ModelError(f"{spec}: two of its classes have one name: {', '.join(parts.classes)}")
    try:
        module = parts.module.float().eval().requires_grad_(False)
    except ValueError as error:
        raise ModelError(f"{spec}: the network cannot be used as it is: {_first_line(error)}") from error
    if kind == "python":
        _check_repeatable(spec, module, parts.prepare)
    head = f"{parts.preprocessing}\n{module!r}"
    mark = fingerprint(head, module.state_dict())
    return Target(spec, module, parts.classes, mark, parts.training_images, parts.notes, parts.prepare)


def _check_repeatable(spec: str, module: nn.Module, prepare: Prepare) -> None:
    """Refuse a network whose answer for a picture depends on the call or on the other pictures of a batch.

    A network that fails, or whose output is no tensor with a row a picture, is left to :meth:`Target.logits`.
    """
    noise = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    pictures = [Image.fromarray(pixels) for pixels in noise]
    try:
        with torch.inference_mode():
            once, again = (module(prepare(pictures)) for _ in range(2))
            alone = module(prepare(pictures[:1]))
    except ModelError:
        raise
    except Exception:  # a user's network may raise anything; whoever runs it says so
        return
    if not all(isinstance(output, Tensor) for output in (once, again, alone)) or len(once) != 3 or len(alone) != 1:
        return
    if not torch.allclose(once, again, rtol=1e-3, atol=1e-4, equal_nan=True):
        raise ModelError(
            f"{spec}: the network answers differently each time for the same pictures; it must not be random"
        )
    if not torch.allclose(once[:1], alone, rtol=1e-2, atol=1e-3, equal_nan=True):
        raise ModelError(f"{spec}: the network's answer for a picture depends on the other pictures of its batch")


def _bundled(name: str, *_: object) -> _Parts:
    return _vgg(ASSETS / (name or "face-cnn"))


def _checkpoint(path: str, *_: object) -> _Parts:
    return _vgg(Path(path).expanduser())


def _vgg(folder: Path) -> _Parts:
    module: Vgg = load_checkpoint(folder)
    config = module.config
    return _Parts(
        module,
        lambda images: prepare_gray(images, config),
        f"gray {_side(config)}: crop {config.crop}, mean {config.mean}, std {config.std}",
        config.classes,
        TrainingImages.read(folder),
    )


def _side(config: VggConfig) -> int:
    """Side of the face a network takes its centre crop from: 48 pixels for a crop of 40, as in its training."""
    return round(config.crop * 6 / 5)


def prepare_gray(images: Sequence[Image.Image], config: VggConfig) -> Tensor:
    """Turn pictures into the input of a `Vgg`: gray, squashed to 48 x 48 pixels, centre crop, normalised.

    Parameters
    ----------
    images : sequence of Image
        ``L`` or ``RGB``, any size.
    config : VggConfig
        The network's configuration; a crop of 40 pixels is taken from faces of 48, others in proportion.

    Returns
    -------
    Tensor, shape (N, 1, crop, crop), float32
    """
    size = (_side(config), _side(config))
    gray = [image if image.mode == "L" else image.convert("L") for image in images]
    faces = [image if image.size == size else image.resize(size, Image.Resampling.BICUBIC) for image in gray]
    return normalise_gray(torch.from_numpy(np.stack([np.asarray(face) for face in faces])), config)


def _torchvision(name: str, weights: Weights | None, __: Store | None) -> _Parts:
    name, _, tag = name.partition("/")
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise unknown_name("torchvision model", name, known)
    choices = torchvision.models.get_model_weights(name)
    _check_tag("torchvision", name, tag, [*choices.__members__], weights)
    chosen = choices[tag] if tag in choices.__members__ else None

    def build(outputs: int | None) -> nn.Module:
        more = {} if outputs is None else {"num_classes": outputs}
        module: nn.Module = torchvision.models.get_model(name, weights=chosen, progress=False, **more)
        return module

    with library_errors(f"torchvision:{name}"):
        torch.manual_seed(0)
        if (
            chosen
        ):  # torchvision would read them as any pickle; once read as plain weights, the file in its cache is safe
            chosen.get_state_dict(progress=False, check_hash=True, weights_only=True)
        module = fit_outputs(build, weights) if weights else build(None)
    transform = (chosen or choices.DEFAULT).transforms()
    categories = chosen.meta.get("categories") if chosen else None
    classes = weights.classes if weights else tuple(categories) if categories else None
    return _Parts(module, _stacked(transform), repr(transform), classes, notes=_random_notes(name, tag))


def _timm(name: str, weights: Weights | None, __: Store | None) -> _Parts:
    library: Any = timm
    hub, _, tag = name.rpartition("/") if name.endswith(f"/{RANDOM}") else (name, "", "")
    if not re.match(r"(hf-hub|local-dir):", hub) and not timm.is_model(hub.partition(".")[0]):
        raise unknown_name("timm model", hub.partition(".")[0], timm.list_models())
    if tag and weights:
        raise SpecError(f"timm:{hub}: give either /{RANDOM} or a file of weights")

    def build(outputs: int | None) -> nn.Module:
        more = {} if outputs is None else {"num_classes": outputs}
        module: nn.Module = library.create_model(hub, pretrained=not tag and weights is None, **more)
        return module

    with library_errors(f"timm:{hub}"), offline_when_unreachable():
        torch.manual_seed(0)
        module = fit_outputs(build, weights) if weights else build(None)
    config = library.data.resolve_data_config({}, model=module)
    transform = library.data.create_transform(**config, is_training=False)
    names = None if tag else getattr(module, "pretrained_cfg", {}).get("label_names")
    classes = weights.classes if weights else tuple(names) if names else None
    return _Parts(module, _stacked(transform), repr(transform), classes, notes=_random_notes(hub, tag))


def _check_tag(kind: str, name: str, tag: str, valid: list[str], weights: Weights | None) -> None:
    if weights and tag:
        raise SpecError(f"{kind}:{name}: give either /{tag} or a file of weights")
    if not weights and not tag:
        raise SpecError(
            f"{kind}:{name} names no weights; add /{', /'.join([*valid, RANDOM])}, or give a file of weights"
        )
    if tag and tag not in [*valid, RANDOM]:
        raise unknown_name(f"weights of {name}", tag, [*valid, RANDOM])


def _random_notes(name: str, tag: str) -> tuple[str, ...]:
    return (f"the weights of {name} are random: what its units seem to encode is chance",) if tag == RANDOM else ()


def _stacked(transform: Callable[[Image.Image], Tensor]) -> Prepare:
    return lambda images: torch.stack([transform(image.convert("RGB")) for image in images])


def _clip(spec: str, *_: object) -> _Parts:
    clip = load_clip(spec)
    return _Parts(clip.image_tower, clip.prepare, clip.preprocessing, training_images=clip.training_images)


def _python(name: str, weights: Weights | None, __: Store | None) -> _Parts:
    network = load_user_network(name)
    if weights:
        fit_weights(network.module, weights)
    notes = network.notes
    if not weights:
        notes = (*notes, f"no file of weights was given: the network is as {name} made it")
    classes = network.classes or (weights.classes if weights else None)
    return _Parts(network.module, network.prepare, network.preprocessing, classes, notes=notes)


def _network(name: str, _: Weights | None, store: Store | None) -> _Parts:
    if store is None:
        raise SpecError(f"network:{name}: a stored network is named within a workspace, and none was given")
    artifact = store.artifact(NETWORK, name)
    summary = artifact.summary
    base = load_target(str(summary["base"]), str(summary["base_weights"]), store)
    if base.fingerprint != summary["base_fingerprint"]:
        raise ModelError(
            f"network:{name}: its base {base.spec} is no longer what it was made from: other weights or "
            "preprocessing; make it again"
        )
    changed = {key: torch.from_numpy(value.copy()) for key, value in artifact.arrays("weights").items()}
    state = base.module.state_dict()
    wrong = [key for key, value in changed.items() if key not in state or state[key].shape != value.shape]
    if wrong:
        raise ModelError(f"network:{name}: {wrong[0]} does not fit {base.spec}")
    base.module.load_state_dict(changed, strict=False)
    return _Parts(base.module, base.prepare, base.fingerprint, base.classes, base.training_images, base.notes)


def _trained(name: str, _: Weights | None, store: Store | None) -> _Parts:
    if store is None:
        raise SpecError(f"trained:{name}: a trained network is named within a workspace, and none was given")
    artifact = store.named(TRAINED, name)
    try:
        architecture = Architecture.from_dict(artifact.summary["architecture"])
        module = restore(architecture, artifact.arrays("weights"), artifact.path)
    except (ModelError, KeyError) as error:
        raise ModelError(f"trained:{artifact.name} cannot be used: {error}; train it again") from error
    table, view = artifact.table(), architecture.view
    digests = np.asarray(table["digest"].to_pylist(), dtype="U16")
    seen = TrainingImages(np.sort(digests), np.sort(table["perceptual_hash"].to_numpy().astype(np.uint64)))
    absent = ", ".join(artifact.summary["absent"])
    notes = (f"no image it was trained on is labelled {absent}: it never answers so",) if absent else ()
    return _Parts(module, lambda images: view.centre(view.faces(images)), repr(view), architecture.classes, seen, notes)


KINDS: Mapping[str, Callable[[str, Weights | None, Store | None], _Parts]] = {
    "face-cnn": _bundled,
    "torchvision": _torchvision,
    "timm": _timm,
    "clip": _clip,
    "checkpoint": _checkpoint,
    NETWORK: _network,
    TRAINED: _trained,
    "python": _python,
}
"""The kinds of target, by what stands before the first colon."""

_NAMELESS = ("face-cnn",)
_TAKE_WEIGHTS = ("torchvision", "timm", "python")
_FORMS = (
    "face-cnn",
    "torchvision:NAME/WEIGHTS",
    "timm:NAME",
    "clip:CLIP",
    "checkpoint:FOLDER",
    "network:NAME",
    "trained:NAME",
    "python:package.module:callable",
)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
