"""Weights from files: read without running code, fitted to a network with an error that names the keys, hashed."""

from __future__ import annotations

import hashlib
import pickle
import textwrap
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from workbench.errors import ModelError
from workbench.files import check_zip

_NESTED = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
"""Under which names training scripts keep the weights in a checkpoint."""
_PREFIXES = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and Lightning put before every name."""
_SHOWN = 3
_DEEPEST = 8
"""How many levels down a checkpoint is searched for weights."""


@dataclass(frozen=True)
class Weights:
    """A file of weights.

    Parameters
    ----------
    path : Path
        Where they came from.
    tensors : mapping of str to Tensor
        By state-dict name.
    classes : tuple of str, optional
        Names of the network's outputs, where the file gives them under ``classes``.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    classes: tuple[str, ...] | None = None


def read_weights(path: Path) -> Weights:
    """Read a state dict from a safetensors file or from a file of ``torch.save``; no code in it is run.

    The state dict may stand under ``state_dict`` or a like name in a checkpoint; a prefix that all names share because
    of DataParallel, ``torch.compile`` or Lightning is taken off by :func:`fit_weights` where the network has none.

    Raises
    ------
    ModelError
        There is no such file, it is damaged, it holds more than plain weights, no tensors, or others than plain dense
        ones of real numbers.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file of weights")
    try:
        content = load_file(path) if path.suffix == ".safetensors" else _load_plain(path)
    except ModelError:
        raise
    except Exception as error:  # on damaged bytes the readers raise nearly anything
        raise ModelError(f"{path}: the weights cannot be read ({_first_sentence(error)})") from error
    tensors = _state_dict(content)
    if not tensors:
        raise ModelError(f"{path}: no state dict in it; save one with torch.save(network.state_dict(), path)")
    _check_plain(path, tensors)
    names = content.get("classes") if isinstance(content, Mapping) else None
    return Weights(path, tensors, tuple(map(str, names)) if isinstance(names, list | tuple) and names else None)


def fit_weights(module: nn.Module, weights: Weights) -> None:
    """Put weights into a network whose names and shapes they must have.

    Raises
    ------
    ModelError
        Names are missing, unexpected, of another shape or whole numbers where the network has fractions; the text
        gives the first few of each and their number.
    """
    given = without_prefix(weights.tensors, module.state_dict().keys())
    expected = module.state_dict()
    real = [name for name, value in expected.items() if value.is_floating_point() and name in given]
    missing = [name for name in expected if name not in given and not name.endswith("num_batches_tracked")]
    faults = [
        _fault("missing", missing),
        _fault("unexpected", [name for name in given if name not in expected]),
        _fault("of another shape", [f"{name} {words}" for name, words in misshapen(module, weights).items()]),
        _fault("no floating-point numbers", [name for name in real if not given[name].is_floating_point()]),
    ]
    if any(faults):
        raise ModelError(f"{weights.path}: does not fit the network: {'; '.join(filter(None, faults))}")
    module.load_state_dict(dict(given), strict=False)


def misshapen(module: nn.Module, weights: Weights) -> dict[str, str]:
    """Return the names that both have in different shapes, each with both shapes in words."""
    expected = module.state_dict()
    given = without_prefix(weights.tensors, expected.keys())
    return {
        name: f"{_shape(value)} where the network has {_shape(expected[name])}"
        for name, value in given.items()
        if name in expected and value.shape != expected[name].shape
    }


def check_finite(where: str | Path, tensors: Mapping[str, Tensor]) -> None:
    """Refuse weights with NaN or infinite values, which everything made with them would have too.

    Raises
    ------
    ModelError
        The text names the first tensor that has some.
    """
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value.float()).all()):
            raise ModelError(
                f"{where}: {name} holds values that are no finite numbers; give weights without NaN or inf"
            )


def fit_outputs(build: Callable[[int | None], nn.Module], weights: Weights) -> nn.Module:
    """Build a network with as many outputs as weights have, and put them in.

    Parameters
    ----------
    build : callable
        From a number of outputs, or ``None`` for its own, to a network.
    weights : Weights
        Of that network, perhaps with another number of outputs.
    """
    module = build(None)
    expected = module.state_dict()
    given = without_prefix(weights.tensors, expected.keys())
    wrong = misshapen(module, weights)
    outputs = {int(given[name].shape[0]) for name in wrong if given[name].ndim}
    if len(outputs) == 1 and all(given[name].shape[1:] == expected[name].shape[1:] for name in wrong):
        module = build(outputs.pop())
    fit_weights(module, weights)
    return module


def fingerprint(head: str, tensors: Mapping[str, Tensor]) -> str:
    """Return a hash, 16 hex digits, of a text (preprocessing, architecture) and of all weights."""
    digest = hashlib.sha256(head.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}:{tuple(tensor.shape)}:{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def _load_plain(path: Path) -> Any:
    check_zip(path)  # which torch does not
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, AttributeError, ImportError) as error:
        raise _refused(path) from error
    except RuntimeError as error:
        if "torchscript" in str(error).lower().replace(" ", ""):
            raise _refused(path) from error
        raise


def _refused(path: Path) -> ModelError:
    return ModelError(
        f"{path}: holds more than plain weights, and loading it could run code, so it is refused; save the weights "
        "alone with torch.save(network.state_dict(), path), or as safetensors"
    )


def _state_dict(content: Any, depth: int = 0) -> dict[str, Tensor]:
    if not isinstance(content, Mapping) or depth > _DEEPEST:  # a damaged one may hold itself
        return {}
    for name in _NESTED:
        if isinstance(content.get(name), Mapping):
            return _state_dict(content[name], depth + 1)
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}


def _check_plain(path: Path, tensors: Mapping[str, Tensor]) -> None:
    for name, value in tensors.items():
        kinds = {
            "is sparse": value.layout is not torch.strided,
            "is quantized": value.is_quantized,
            "is of complex numbers": value.is_complex(),
            "has a shape but no values (device meta)": value.is_meta,
        }
        if any(kinds.values()):
            fault = next(words for words, found in kinds.items() if found)
            raise ModelError(f"{path}: {name} {fault}; save plain dense floating-point weights instead")


def without_prefix(tensors: Mapping[str, Tensor], expected: Collection[str]) -> Mapping[str, Tensor]:
    """Take off a prefix that all names share because of DataParallel or the like, where the network has none."""
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in tensors) and not any(name.startswith(prefix) for name in expected):
            shorter = {name.removeprefix(prefix): value for name, value in tensors.items()}
            return without_prefix(shorter, expected)
    return tensors


def _fault(what: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} {what}: {', '.join(names[:_SHOWN])}{more}"


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def _first_sentence(error: BaseException) -> str:
    sentence = (str(error) or type(error).__name__).splitlines()[0].split(". ")[0]
    return textwrap.shorten(sentence, 200, placeholder=" ...")
