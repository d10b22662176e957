"""A user's own network: ``python:package.module:callable`` imports a module and calls what it names. Runs code."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.functional import normalize, pil_to_tensor

from workbench.errors import ModelError, SpecError, unknown_name

_IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@dataclass(frozen=True)
class UserNetwork:
    """What a user's callable gave.

    Parameters
    ----------
    module : nn.Module
        The network.
    prepare : callable
        From pictures to a batch.
    preprocessing : str
        Words and hashes that change with the code and with the preprocessing.
    classes : tuple of str or None
        The attribute ``classes`` of the network or of the callable.
    notes : tuple of str
        What was assumed.
    """

    module: nn.Module
    prepare: Callable[[Sequence[Image.Image]], Tensor]
    preprocessing: str
    classes: tuple[str, ...] | None
    notes: tuple[str, ...]


def load_user_network(name: str) -> UserNetwork:
    """Import ``package.module`` (the present folder counts as a place to find it) and call ``callable()`` in it.

    Parameters
    ----------
    name : str
        ``package.module:callable``. The callable takes nothing and returns a network, or a network and a transform from
        one picture (PIL, ``L`` or ``RGB``) to its input ``(C, H, W)``. Without a transform a network whose first
        convolution takes one channel gets gray faces of 48 x 48 pixels in 0 to 1, any other RGB of 224 x 224 pixels
        normalised as for ImageNet.

    Raises
    ------
    SpecError
        The name has another form; there is no such module or callable.
    ModelError
        The import or the call raises, or gives something else; the transform fails or differs from call to call.
    """
    if not re.fullmatch(r"\w+(\.\w+)*:\w+", name):
        raise SpecError(f"python:{name} is not of the form python:package.module:callable")
    where, _, what = name.partition(":")
    with _present_folder_first():
        source = _import(where)
        factory = getattr(source, what, None)
        if factory is None:
            public = [key for key, value in vars(source).items() if callable(value) and not key.startswith("_")]
            raise unknown_name(f"callable of {where}", what, public)
        if not callable(factory):
            raise SpecError(f"python:{name}: {what} is a {type(factory).__name__}, not a callable")
        try:
            made = factory()
        except (Exception, SystemExit) as error:  # the user's code may raise anything
            raise ModelError(f"python:{name}: {what}() raised {_described(error)}") from error
    module, transform = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not isinstance(module, nn.Module) or not (transform is None or callable(transform)):
        found = type(module if not isinstance(made, tuple) else made).__name__
        raise ModelError(
            f"python:{name}: {what}() gives a {found}; it must give an nn.Module, or an nn.Module and a transform "
            "from a picture to a tensor"
        )
    return _user_network(name, module, transform, source, getattr(factory, "classes", None))


def _user_network(name: str, module: nn.Module, transform: Any, source: ModuleType, named: Any) -> UserNetwork:
    notes: tuple[str, ...] = ()
    if transform is None:
        transform, words = _default_transform(module)
        notes = (f"no transform was given, so pictures are made into {words}",)

    def prepare(images: Sequence[Image.Image]) -> Tensor:
        try:
            return torch.stack([torch.as_tensor(transform(image)).float() for image in images])
        except Exception as error:  # the user's code may raise anything
            raise ModelError(f"python:{name}: the transform fails: {_described(error)}") from error

    classes = getattr(module, "classes", None) or named
    return UserNetwork(
        module,
        prepare,
        f"{_code(source)} {_code(inspect.getmodule(type(module)))} {_prepared(name, prepare)}",
        tuple(map(str, classes)) if isinstance(classes, list | tuple) else None,
        notes,
    )


@contextmanager
def _present_folder_first() -> Iterator[None]:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _import(where: str) -> ModuleType:
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name and (where == error.name or where.startswith(f"{error.name}.")):
            raise SpecError(
                f"python:{where}: no module {error.name!r}, neither in {Path.cwd()} nor among the installed packages"
            ) from error
        raise ModelError(f"python:{where}: importing it raised {_described(error)}") from error
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        raise ModelError(f"python:{where}: importing it raised {_described(error)}") from error


def _default_transform(module: nn.Module) -> tuple[Callable[[Image.Image], Tensor], str]:
    first = next((layer for layer in module.modules() if isinstance(layer, nn.Conv2d)), None)
    if first is not None and first.in_channels == 1:
        return _gray, "gray faces of 48 x 48 pixels in 0 to 1"
    return _rgb, "RGB of 224 x 224 pixels, normalised as for ImageNet"


def _gray(image: Image.Image) -> Tensor:
    gray = image.convert("L")
    face: Tensor = pil_to_tensor(gray if gray.size == (48, 48) else gray.resize((48, 48), Image.Resampling.BICUBIC))
    return face / 255


def _rgb(image: Image.Image) -> Tensor:
    squashed = image.convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
    normalised: Tensor = normalize(pil_to_tensor(squashed) / 255, *_IMAGENET)
    return normalised


def _code(source: ModuleType | None) -> str:
    """Hash of a module's source, so that a changed forward method is another network; torch's own do not count."""
    if source is None or source.__name__.partition(".")[0] in ("torch", "torchvision", "timm", "open_clip"):
        return ""
    try:
        return hashlib.sha256(inspect.getsource(source).encode()).hexdigest()
    except (OSError, TypeError):
        return source.__name__


def _prepared(name: str, prepare: Callable[[Sequence[Image.Image]], Tensor]) -> str:
    """Hash of what becomes of a fixed picture, which must not differ from call to call."""
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    once, again = (prepare([Image.fromarray(pixels)]) for _ in range(2))
    if once.shape != again.shape or not torch.equal(once, again):
        raise ModelError(f"python:{name}: the transform gives another result at each call; it must not be random")
    rounded = (once * 1000).round().to(torch.int64).numpy()
    return hashlib.sha256(repr(rounded.shape).encode() + rounded.tobytes()).hexdigest()


def _described(error: BaseException) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
