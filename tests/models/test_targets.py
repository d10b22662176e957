"""Every kind of target: what it loads, what it refuses, and what makes it another."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.models.conftest import noise, own_target
from workbench.errors import ModelError, SpecError, StoreError
from workbench.models import hub
from workbench.models.architectures import Vgg, VggConfig, load_checkpoint, normalise_gray, save_checkpoint
from workbench.models.clip import ASSETS, load_clip
from workbench.models.targets import Target, load_target, prepare_gray
from workbench.store import ArtifactKey, Build, Store

TINY = VggConfig(channels=(2, 3), hidden=4, crop=8, classes=("happy", "sad"))


@pytest.fixture(scope="module")
def face_cnn() -> Target:
    return load_target("face-cnn")


def checkpoint(folder: Path, seed: int = 0, config: VggConfig = TINY) -> str:
    torch.manual_seed(seed)
    save_checkpoint(Vgg(config), folder, torch.float32)
    return f"checkpoint:{folder}"


def test_face_cnn_gives_its_own_logits_from_the_centre_of_gray_faces(face_cnn: Target) -> None:
    images = noise(3)
    own = load_checkpoint(ASSETS / "face-cnn")
    pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
    assert face_cnn.classes == own.config.classes
    assert face_cnn.training_images is not None
    assert torch.allclose(face_cnn.logits(face_cnn.prepare(images)), own(normalise_gray(pixels, own.config)))


def test_a_target_is_in_evaluation_mode_and_needs_no_gradients(face_cnn: Target) -> None:
    assert not any(module.training for module in face_cnn.module.modules())
    assert not any(weight.requires_grad for weight in face_cnn.module.parameters())


@pytest.mark.parametrize(("size", "mode"), [(20, "L"), (48, "RGB"), (300, "RGB")])
def test_pictures_of_any_size_and_colour_become_gray_faces(size: int, mode: str) -> None:
    config = VggConfig()
    for image in noise(2, size, mode):
        gray = image.convert("L").resize((48, 48), Image.Resampling.BICUBIC)
        expected = normalise_gray(torch.from_numpy(np.asarray(gray).copy())[None], config)
        assert torch.equal(prepare_gray([image], config), expected)


def test_a_checkpoint_is_a_target_with_its_classes(tmp_path: Path) -> None:
    target = load_target(checkpoint(tmp_path))
    assert target.classes == ("happy", "sad")
    assert target.logits(target.prepare(noise(2))).shape == (2, 2)


def test_the_image_tower_of_a_clip_gives_its_embeddings_before_they_are_normalised(tiny_clip_folder: Path) -> None:
    spec = f"local-dir:{tiny_clip_folder}"
    target, clip = load_target(f"clip:{spec}"), load_clip(spec)
    outputs = target.logits(target.prepare(noise(3)))
    assert target.classes is None
    assert np.allclose(nn.functional.normalize(outputs).numpy(), clip.encode_images(noise(3)), atol=1e-6)


@pytest.mark.parametrize("spec", ["torchvision:squeezenet1_0/random", "timm:test_vit/random"])
def test_a_network_with_random_weights_says_so_and_is_the_same_each_time(spec: str) -> None:
    first, again = load_target(spec), load_target(spec)
    assert "random" in first.notes[0]
    assert first.classes is None
    assert first.fingerprint == again.fingerprint
    assert first.logits(first.prepare(noise(1, mode="RGB"))).shape == (1, 1000)


@pytest.mark.parametrize("spec", ["torchvision:squeezenet1_0", "timm:test_resnet"])
def test_a_library_network_takes_a_file_of_weights_with_other_outputs(spec: str, tmp_path: Path) -> None:
    state = load_target(f"{spec}/random").module.state_dict()
    fewer = {name: value[:7] if value.ndim and len(value) == 1000 else value for name, value in state.items()}
    torch.save({"state_dict": fewer}, tmp_path / "w.pt")
    target = load_target(spec, str(tmp_path / "w.pt"))
    assert target.logits(target.prepare(noise(1))).shape == (1, 7)
    assert target.notes == ()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("face-cnm", "did you mean 'face-cnn'"),
        ("face-cnn:x", "unknown target"),
        ("", "unknown target"),
        ("clip:", "unknown target"),
        ("clip:face-clap", "did you mean 'face-clip'"),
        ("torchvision:resnet81/random", "did you mean 'resnet18'"),
        ("torchvision:resnet18", "add /IMAGENET1K_V1"),
        ("torchvision:resnet18/IMAGENET", "IMAGENET1K_V1"),
        ("timm:resnett18", "unknown timm model 'resnett18'"),
        ("network:x", "named within a workspace, and none was given"),
        ("python:os.path", "python:package.module:callable"),
        ("python:../x:y", "python:package.module:callable"),
    ],
)
def test_a_wrong_spec_says_what_would_be_right(spec: str, words: str) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        load_target(spec)
    assert "\n" not in str(caught.value)


def test_weights_are_refused_where_a_target_has_its_own(tmp_path: Path) -> None:
    for spec in ("face-cnn", "clip:face-clip", f"checkpoint:{tmp_path}"):
        with pytest.raises(SpecError, match="has weights of its own"):
            load_target(spec, "weights.pt")


@pytest.mark.parametrize("spec", ["timm:test_resnet", "torchvision:resnet18/IMAGENET1K_V1"])
def test_weights_out_of_reach_are_one_line(spec: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hub, "_hub_reachable", lambda: False)
    monkeypatch.setattr(hub.hub, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", _unreachable)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", _unreachable)
    with pytest.raises(ModelError, match="use face-cnn, which is bundled") as caught:
        load_target(spec)
    assert "\n" not in str(caught.value)


def test_torchvisions_own_weights_are_first_read_as_plain_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    state = load_target("torchvision:squeezenet1_0/random").module.state_dict()
    asked: list[bool] = []

    def load(*_: object, weights_only: bool = False, **__: object) -> dict[str, torch.Tensor]:
        asked.append(weights_only)
        return dict(state)

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", load)
    target = load_target("torchvision:squeezenet1_0/IMAGENET1K_V1")
    assert asked[0]
    assert target.classes is not None
    assert len(target.classes) == 1000
    assert target.notes == ()


def _unreachable(*_: object, **__: object) -> None:
    raise OSError("Name or service not known")


def test_weights_preprocessing_and_architecture_each_make_another_fingerprint(tmp_path: Path) -> None:
    marks = [
        load_target(checkpoint(tmp_path / "a", seed=0)).fingerprint,
        load_target(checkpoint(tmp_path / "b", seed=1)).fingerprint,
        load_target(checkpoint(tmp_path / "c", 0, dataclasses.replace(TINY, mean=0.4))).fingerprint,
        load_target(checkpoint(tmp_path / "d", 0, dataclasses.replace(TINY, dropout=0.1))).fingerprint,
    ]
    assert len(set(marks)) == 4
    assert load_target(checkpoint(tmp_path / "e", seed=0)).fingerprint == marks[0]


class _Gives(nn.Module):
    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def forward(self, inputs: torch.Tensor) -> object:
        logits = inputs.flatten(1)[:, :2]
        return {
            "NaN": logits / 0 * 0,
            "tuple": (logits, logits),
            "image": inputs,
            "three": inputs.flatten(1)[:, :3],
            "one": logits[:1],
            "error": logits @ logits if self.what == "error" else None,
        }[self.what]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("NaN", "gives NaN or infinite values"),
        ("tuple", "gives a tuple, not a tensor of logits"),
        ("image", "gives 3 x 3 x 32 x 32 for 3 images, not logits"),
        ("three", "3 outputs do not fit the 2 classes"),
        ("one", "gives 1 x 2 for 3 images"),
        ("error", "own: fails on an input of 3 x 3 x 32 x 32: "),
    ],
)
def test_an_output_that_is_no_logits_is_one_line(what: str, words: str) -> None:
    target = own_target(_Gives(what), ("happy", "sad"))
    with pytest.raises(ModelError, match=words) as caught:
        target.logits(target.prepare(noise(3)))
    assert "\n" not in str(caught.value)


def stored_network(store: Store, base: Target, changed: dict[str, np.ndarray], **other: str) -> str:
    key = ArtifactKey("network", "reweighted", {"base": base.fingerprint})
    with store.build(key, {}) as build:
        assert isinstance(build, Build)
        build.write_arrays("weights", changed)
        summary = {"base": base.spec, "base_weights": "", "base_fingerprint": base.fingerprint, "classes": None}
        return build.finish(summary | other).name


def test_a_stored_network_is_its_base_with_the_changed_tensors(store: Store, tmp_path: Path) -> None:
    base = load_target(checkpoint(tmp_path / "base"))
    changed = base.module.state_dict()["lin1.weight"] * 2
    target = load_target(f"network:{stored_network(store, base, {'lin1.weight': changed.numpy()})}", store=store)
    assert torch.equal(target.module.state_dict()["lin1.weight"], changed)
    assert torch.equal(target.module.state_dict()["lin2.weight"], base.module.state_dict()["lin2.weight"])
    assert target.classes == base.classes
    assert target.fingerprint != base.fingerprint


def test_a_stored_network_whose_base_changed_is_refused(store: Store, tmp_path: Path) -> None:
    base = load_target(checkpoint(tmp_path / "base"))
    name = stored_network(store, base, {"lin1.weight": np.zeros((4, 12), np.float32)})
    checkpoint(tmp_path / "base", seed=5)
    with pytest.raises(ModelError, match="is no longer what it was made from"):
        load_target(f"network:{name}", store=store)


def test_a_stored_network_with_tensors_that_do_not_fit_names_one(store: Store, tmp_path: Path) -> None:
    base = load_target(checkpoint(tmp_path / "base"))
    name = stored_network(store, base, {"lin1.weight": np.zeros((4, 9), np.float32)})
    with pytest.raises(ModelError, match=r"lin1\.weight does not fit"):
        load_target(f"network:{name}", store=store)


def test_a_stored_network_that_is_not_there_says_so(store: Store) -> None:
    with pytest.raises(StoreError, match="no network named 'x'"):
        load_target("network:x", store=store)


NETWORK = """
import torch
from torch import nn
class Net(nn.Module):
    classes = {classes}
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.last = nn.Linear(4, 2)
    def forward(self, x):
        x = {before}
        return self.last(self.conv(x).mean((2, 3)))
"""


@pytest.mark.parametrize(
    ("name", "before", "classes", "words"),
    [
        ("restless", "x + torch.rand(1)", ("a", "b"), "answers differently each time"),
        ("mixing", "x * torch.arange(len(x), 0, -1).view(-1, 1, 1, 1)", ("a", "b"), "depends on the other pictures"),
        ("twins", "x", ("a", "a"), "two of its classes have one name"),
        ("steady", "x", ("a", "b"), ""),
    ],
)
def test_a_network_that_cannot_be_judged_is_refused(
    name: str, before: str, classes: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{name}_network.py").write_text(NETWORK.format(before=before, classes=classes))
    if words:
        with pytest.raises(ModelError, match=words):
            load_target(f"python:{name}_network:Net")
    else:
        assert load_target(f"python:{name}_network:Net").classes == classes
