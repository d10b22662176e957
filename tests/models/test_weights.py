"""Weights from files: no code is run, and what does not fit is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from workbench.errors import ModelError
from workbench.models.weights import fit_outputs, fit_weights, read_weights


def network(outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, outputs))


def state(seed: int, outputs: int = 3) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return dict(network(outputs).state_dict())


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {"model": s}])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "model."])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_state_dict_is_read_however_it_was_saved(tmp_path: Path, wrap, prefix: str, legacy: bool) -> None:
    given = state(1)
    content = wrap({prefix + name: value for name, value in given.items()})
    torch.save(content, tmp_path / "weights.pt", _use_new_zipfile_serialization=not legacy)
    module = network()
    fit_weights(module, read_weights(tmp_path / "weights.pt"))
    assert all(torch.equal(value, given[name]) for name, value in module.state_dict().items())


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(state(2), tmp_path / "weights.safetensors")
    module = network()
    fit_weights(module, read_weights(tmp_path / "weights.safetensors"))
    assert torch.equal(module[0].weight, state(2)["0.weight"])


def test_class_names_in_a_checkpoint_are_kept(tmp_path: Path) -> None:
    torch.save({"state_dict": state(1), "classes": ["a", "b", "c"]}, tmp_path / "weights.pt")
    assert read_weights(tmp_path / "weights.pt").classes == ("a", "b", "c")


class _RunsWhenLoaded:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_is_not_plain_weights_is_refused_and_not_run(tmp_path: Path, legacy: bool) -> None:
    trace = tmp_path / "it-ran"
    content = {"state_dict": state(1), "extra": _RunsWhenLoaded(trace)}
    torch.save(content, tmp_path / "evil.pt", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ModelError, match="it is refused; save the weights alone"):
        read_weights(tmp_path / "evil.pt")
    assert not trace.exists()


@pytest.mark.parametrize("legacy", [False, True])
def test_a_whole_pickled_module_is_refused(tmp_path: Path, legacy: bool) -> None:
    torch.save(network(), tmp_path / "module.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ModelError, match="it is refused"):
        read_weights(tmp_path / "module.pth")


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
@pytest.mark.parametrize("content", [b"", b"\x80", b"PK\x03\x04 not an archive", b"hello" * 100, b"\xff" * 64])
def test_damaged_files_are_one_line_that_names_them(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=name) as caught:
        read_weights(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_cut_file_is_one_line_that_names_it(tmp_path: Path) -> None:
    torch.save(state(1), tmp_path / "weights.pt")
    data = (tmp_path / "weights.pt").read_bytes()
    (tmp_path / "weights.pt").write_bytes(data[: len(data) // 2])
    whole = r"weights\.pt: the weights cannot be read \([^.]* failed finding central directory\)$"  # no half sentence
    with pytest.raises(ModelError, match=whole):
        read_weights(tmp_path / "weights.pt")


def test_a_missing_file_and_one_without_tensors_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        read_weights(tmp_path / "none.pt")
    torch.save([1, 2, 3], tmp_path / "list.pt")
    with pytest.raises(ModelError, match="no state dict in it"):
        read_weights(tmp_path / "list.pt")


def test_keys_that_do_not_fit_are_named_and_counted(tmp_path: Path) -> None:
    given = state(1) | {"0.weight": torch.zeros(5, 9)} | {f"new{index}": torch.zeros(1) for index in range(5)}
    del given["2.bias"]
    torch.save(given, tmp_path / "weights.pt")
    module = network()
    before = module[0].bias.clone()
    with pytest.raises(ModelError) as caught:
        fit_weights(module, read_weights(tmp_path / "weights.pt"))
    text = str(caught.value)
    assert "1 missing: 2.bias;" in text
    assert "5 unexpected: new0, new1, new2 and 2 more;" in text
    assert "1 of another shape: 0.weight 5x9 where the network has 5x4" in text
    assert torch.equal(module[0].bias, before)


def test_a_counter_of_batches_that_old_files_lack_is_no_fault(tmp_path: Path) -> None:
    module = nn.Sequential(nn.BatchNorm1d(3))
    given = {name: value + 1 for name, value in module.state_dict().items() if not name.endswith("tracked")}
    torch.save(given, tmp_path / "weights.pt")
    fit_weights(module, read_weights(tmp_path / "weights.pt"))
    assert torch.equal(module[0].running_mean, torch.ones(3))


def test_a_network_gets_as_many_outputs_as_the_weights_have(tmp_path: Path) -> None:
    torch.save(state(1, outputs=7), tmp_path / "weights.pt")
    module = fit_outputs(lambda outputs: network(outputs or 3), read_weights(tmp_path / "weights.pt"))
    assert module(torch.zeros(1, 4)).shape == (1, 7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (torch.Tensor.to_sparse, "is sparse"),
        (lambda value: value.to("meta"), r"has a shape but no values \(device meta\)"),
        (lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8), "is quantized"),
        (lambda value: value.to(torch.complex64), "is of complex numbers"),
    ],
    ids=["sparse", "meta", "quantized", "complex"],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch speaks of how it stores these
def test_tensors_that_are_no_plain_dense_numbers_are_refused(tmp_path: Path, change, words: str) -> None:
    torch.save({name: change(value) for name, value in state(1).items()}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=rf"w\.pt: 0\.weight {words}; save plain dense floating-point weights"):
        read_weights(tmp_path / "w.pt")


def test_whole_numbers_are_refused_where_the_network_has_fractions(tmp_path: Path) -> None:
    module = nn.Sequential(nn.BatchNorm1d(3))
    torch.save(module.state_dict(), tmp_path / "fits.pt")
    fit_weights(module, read_weights(tmp_path / "fits.pt"))  # its counter of batches is a whole number on both sides
    torch.save({name: value.long() for name, value in module.state_dict().items()}, tmp_path / "w.pt")
    with pytest.raises(
        ModelError, match=r"4 no floating-point numbers: 0\.weight, 0\.bias, 0\.running_mean and 1 more"
    ):
        fit_weights(module, read_weights(tmp_path / "w.pt"))


def test_half_precision_is_taken(tmp_path: Path) -> None:
    torch.save({name: value.half() for name, value in state(1).items()}, tmp_path / "w.pt")
    module = network()
    fit_weights(module, read_weights(tmp_path / "w.pt"))
    assert torch.allclose(module[0].weight, state(1)["0.weight"], atol=1e-3)


def test_a_checkpoint_that_holds_itself_has_no_weights(tmp_path: Path) -> None:
    content: dict[str, object] = {}
    content["state_dict"] = {"model": content}
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"w\.pt: no state dict in it"):
        read_weights(tmp_path / "w.pt")


def test_weights_with_a_changed_byte_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"weight": torch.full((50,), 0.5)}, path)
    data, value = path.read_bytes(), torch.tensor(0.5).numpy().tobytes()
    path.write_bytes(data.replace(value * 50, value * 49 + torch.tensor(0.25).numpy().tobytes()))
    with pytest.raises(ModelError, match=r"weights\.pt: the weights cannot be read \(.* does not match its checksum"):
        read_weights(path)
