"""The networks that can be trained: what they see, what they answer, what they begin with, how they are built again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch.nn import functional

from tests.conftest import write_clip
from tests.models.conftest import noise
from workbench.errors import ModelError, SpecError
from workbench.models.clip import load_clip
from workbench.models.networks import (
    NETWORKS,
    Architecture,
    TenViews,
    View,
    begin,
    digest,
    plan,
    read_start,
    restore,
    silence,
)
from workbench.models.towers import Tower, take_tower
from workbench.models.weights import Weights

CLASSES = ("angry", "happy", "sad")
SMALL = ("lenet", "vgg-small")


def built(name: str, seed: int = 0, classes: tuple[str, ...] = CLASSES) -> tuple[Architecture, torch.nn.Module]:
    architecture = plan(name, classes, 1)
    torch.manual_seed(seed)
    return architecture, architecture.build()


def arrays(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_answers_faces_and_learns_in_all_its_weights(name: str) -> None:
    architecture, module = built(name)
    inputs = architecture.view.centre(architecture.view.faces(noise(2)))
    logits = module.train()(inputs)
    assert logits.shape == (2, len(CLASSES))
    functional.cross_entropy(logits, torch.tensor([0, 2])).backward()
    assert all(weight.grad is not None for weight in module.parameters())
    assert isinstance(module.get_submodule(architecture.head), torch.nn.Linear)


@pytest.mark.parametrize("size", [(48, 48), (20, 20), (120, 90)])
def test_pictures_of_any_size_and_colour_are_squashed_to_gray_faces(size: tuple[int, int]) -> None:
    view = View(48, 40)
    picture = noise(1, 150, "RGB")[0].resize(size)
    expected = np.asarray(picture.convert("L").resize((48, 48), Image.Resampling.BICUBIC))
    faces = view.faces([picture])
    assert np.array_equal(faces[0].numpy(), expected)
    inputs = view.centre(faces)
    assert torch.allclose(inputs[0, 0], (faces[0, 4:44, 4:44].float() / 255 - 0.5) / 0.25)


def test_faces_kept_small_are_enlarged_as_pictures_are() -> None:
    view = View(96, 80)
    pictures = noise(3)
    pixels = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    assert torch.equal(view.squash(pixels), view.faces(pictures))
    assert view.squash(view.faces(pictures)).shape == (3, 96, 96)


def test_three_channels_show_the_same_gray() -> None:
    architecture = plan("resnet18", CLASSES, 1)
    view = architecture.view
    inputs = view.centre(view.faces(noise(1)))
    gray = [inputs[0, channel] * view.std[channel] + view.mean[channel] for channel in range(3)]
    assert inputs.shape == (1, 3, 80, 80)
    assert torch.allclose(gray[0], gray[1], atol=1e-6)
    assert torch.allclose(gray[0], gray[2], atol=1e-6)


def test_ten_views_are_the_mean_of_ten_explicit_crops() -> None:
    architecture, module = built("lenet")
    view = architecture.view
    faces = view.whole(view.faces(noise(4)))
    corners = [faces[..., top : top + 40, left : left + 40] for top, left in ((0, 0), (0, 8), (8, 0), (8, 8), (4, 4))]
    crops = [*corners, *(crop.flip(-1) for crop in corners)]
    with torch.inference_mode():
        expected = torch.stack([module(crop) for crop in crops]).mean(dim=0)
        found = TenViews(module, view.crop)(faces)
        library = torchvision.transforms.functional.ten_crop(faces, [40, 40])
        by_library = torch.stack([module(crop) for crop in library]).mean(dim=0)
    assert len(library) == len(crops)
    assert torch.allclose(found, expected, atol=1e-6)
    assert torch.allclose(found, by_library, atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_a_network_is_built_again_from_plain_values_and_arrays(name: str, tmp_path: Path) -> None:
    architecture, module = built(name)
    again = Architecture.from_dict(architecture.to_dict())
    restored = restore(again, arrays(module), tmp_path)
    inputs = architecture.view.centre(architecture.view.faces(noise(2)))
    assert again == architecture
    assert torch.equal(restored(inputs), module.eval()(inputs))


def test_arrays_of_another_network_or_broken_ones_are_refused(tmp_path: Path) -> None:
    architecture, module = built("lenet")
    with pytest.raises(ModelError, match=r"does not fit the network: .* missing: conv1.weight"):
        restore(architecture, arrays(built("vgg-small")[1]), tmp_path)
    with pytest.raises(ModelError, match=r"lin3.weight 5x84 where the network has 3x84"):
        restore(architecture, arrays(built("lenet", classes=tuple("abcde"))[1]), tmp_path)
    broken = arrays(module) | {"lin3.bias": np.full(3, np.nan, np.float32)}
    with pytest.raises(ModelError, match=r"lin3.bias holds values that are no finite numbers"):
        restore(architecture, broken, tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": "alexnet"}, "its network 'alexnet' is not known here"),
        ({"network": "clip"}, "not known here"),
        ({"view": None}, "no description of a network"),
        ({"view": {"side": 48}}, "no description of a network"),
    ],
)
def test_values_that_describe_no_network_are_refused(change: dict[str, object], words: str) -> None:
    values = plan("lenet", CLASSES, 1).to_dict() | change
    with pytest.raises(ModelError, match=words):
        Architecture.from_dict(values)


def test_an_unknown_network_is_named_with_those_there_are() -> None:
    with pytest.raises(SpecError, match="did you mean 'resnet18'"):
        plan("resnet-18", CLASSES, 1)


def test_a_file_of_weights_begins_a_network_of_other_classes_but_for_its_output_layer(tmp_path: Path) -> None:
    _, other = built("vgg-small", seed=1, classes=tuple("abcdefg"))
    torch.save({"state_dict": other.state_dict()}, tmp_path / "weights.pt")
    architecture, module = built("vgg-small")
    fresh = module.get_submodule("lin3").weight.detach().clone()
    given = read_start("vgg-small", str(tmp_path / "weights.pt"))
    assert given is not None
    why = begin(module, architecture, given)
    assert why == f"{tmp_path / 'weights.pt'}: lin3.weight is 7x384 where the network has 3x384"
    assert torch.equal(module.state_dict()["conv4b.weight"], other.state_dict()["conv4b.weight"])
    assert torch.equal(module.state_dict()["lin3.weight"], fresh)


def test_a_file_with_the_same_outputs_begins_with_them_and_another_file_is_another_start(tmp_path: Path) -> None:
    architecture, module = built("lenet")
    given = Weights(tmp_path, built("lenet", seed=1)[1].state_dict())
    assert begin(module, architecture, given) == ""
    assert torch.equal(module.state_dict()["lin3.weight"], given.tensors["lin3.weight"])
    assert digest(given) != digest(Weights(tmp_path, built("lenet", seed=2)[1].state_dict()))
    assert digest(None) == ""


@pytest.mark.parametrize(
    ("head", "words"),
    [({}, "lin3.bias is missing"), ({"lin3.bias": torch.zeros(())}, "lin3.bias is a number where the network has 3")],
)
def test_a_file_without_a_whole_output_layer_begins_the_others_and_says_why(
    tmp_path: Path, head: dict[str, torch.Tensor], words: str
) -> None:
    architecture, module = built("lenet")
    given = built("lenet", seed=1)[1].state_dict()
    given.pop("lin3.bias")
    assert begin(module, architecture, Weights(tmp_path / "w.pt", given | head)) == f"{tmp_path / 'w.pt'}: {words}"
    assert torch.equal(module.state_dict()["conv1.weight"], given["conv1.weight"])
    assert not torch.equal(module.state_dict()["lin3.weight"], given["lin3.weight"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_start_that_holds_no_finite_numbers_is_refused(tmp_path: Path, value: float) -> None:
    given = built("lenet")[1].state_dict()
    given["conv2.bias"][3] = value
    torch.save(given, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"w\.pt: conv2\.bias holds values that are no finite numbers; give weights"):
        read_start("lenet", str(tmp_path / "w.pt"))


@pytest.mark.parametrize(
    ("network", "start", "words"),
    [
        ("lenet", "IMAGENET1K_V1", "a file of weights that exists"),
        ("resnet18", "IMAGENET1K_V3", "did you mean 'IMAGENET1K_V1'"),
        ("clip:face-clip", "text", "did you mean 'texts'"),
        ("vgg", "gone.pt", "unknown start of vgg 'gone.pt'"),
    ],
)
def test_a_start_that_is_neither_name_nor_file_is_refused(network: str, start: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        read_start(network, start)


def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.pt").write_text("no weights")
    with pytest.raises(ModelError, match="holds more than plain weights"):
        read_start("lenet", str(tmp_path / "notes.pt"))
    architecture, module = built("lenet")
    with pytest.raises(ModelError, match="does not fit the network"):
        begin(module, architecture, Weights(tmp_path, built("vgg-small")[1].state_dict()))


def test_weights_of_torchvision_are_taken_by_name_without_their_auxiliary_outputs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(1)
    library = torchvision.models.googlenet(weights=None, init_weights=False)
    monkeypatch.setattr(
        torchvision.models.GoogLeNet_Weights, "get_state_dict", lambda *_, **__: dict(library.state_dict())
    )
    given = read_start("googlenet", "IMAGENET1K_V1")
    architecture, module = built("googlenet")
    assert given is not None
    assert any(name.startswith("aux") for name in given.tensors)
    assert "fc.weight is 1000x1024 where the network has 3x1024" in begin(module, architecture, given)
    assert torch.equal(module.state_dict()["conv1.conv.weight"], library.state_dict()["conv1.conv.weight"])


def test_weights_that_cannot_be_fetched_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.models.ResNet18_Weights, "get_state_dict", fail)
    with pytest.raises(ModelError, match=r"the weights cannot be had \(no route to host\)"):
        read_start("resnet18", "IMAGENET1K_V1")


def test_a_silenced_class_is_never_answered() -> None:
    architecture, module = built("lenet")
    silence(module, architecture, [1])
    view = architecture.view
    with torch.inference_mode():
        probabilities = module(view.centre(view.faces(noise(20)))).softmax(dim=1)
    assert float(probabilities[:, 1].max()) == 0


def test_a_tower_with_the_texts_for_weights_answers_as_zero_shot_does(tiny_clip_folder: Path) -> None:
    clip = load_clip(f"local-dir:{tiny_clip_folder}")
    architecture = plan("clip:tiny", CLASSES, 1, clip)
    module = architecture.build().eval()
    assert isinstance(module, Tower)
    take_tower(module, clip)
    texts = clip.encode_texts(list(CLASSES))
    with torch.no_grad():
        module.head.weight.copy_(torch.from_numpy(texts))
    pictures = noise(3)
    with torch.inference_mode():
        logits = module(architecture.view.centre(architecture.view.faces(pictures))).numpy()
    expected = clip.logit_scale * clip.encode_images(pictures) @ texts.T
    assert np.allclose(logits, expected, atol=0.3)  # the two resize by libraries that round differently
    assert np.array_equal(logits.argmax(axis=1), expected.argmax(axis=1))


def test_a_tower_is_built_again_without_its_clip(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    clip = load_clip(f"local-dir:{write_clip(folder, seed=3)}")
    architecture = plan("clip:tiny", CLASSES, 10, clip)
    module = architecture.build()
    assert isinstance(module, Tower)
    take_tower(module, clip)
    for path in folder.iterdir():
        path.unlink()
    again = restore(Architecture.from_dict(architecture.to_dict()), arrays(module), tmp_path)
    inputs = architecture.view.centre(architecture.view.faces(noise(2)))
    assert architecture.view.side == round(architecture.view.crop * 6 / 5)
    assert torch.equal(again(inputs), module.eval()(inputs))
