"""A user's own network in a file outside the repository."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from tests.models.conftest import noise
from workbench.errors import ModelError, SpecError
from workbench.models.targets import load_target

NETWORK = """
import torch
from torch import nn

class Mine(nn.Module):
    classes = ["happy", "sad"]

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d({channels}, 4, 5)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head({activation}(self.conv(x)).mean((2, 3)))

def build():
    torch.manual_seed(0)
    return Mine()

def with_transform():
    return build(), lambda image: torch.tensor(list(image.convert("L").resize((9, 9)).tobytes())).reshape(1, 9, 9) / 255

def random_transform():
    return build(), lambda image: torch.rand(1, 9, 9)

def failing_transform():
    return build(), lambda image: image.no_such_thing

def raising():
    raise RuntimeError("no file\\nof mine")

def leaving():
    return {{"not": "a network"}}

def needs_something(width):
    return build()

number = 3
_hidden = build
"""


def write(folder: Path, name: str, channels: int = 1, activation: str = "torch.relu") -> str:
    (folder / f"{name}.py").write_text(NETWORK.format(channels=channels, activation=activation))
    return name


@pytest.fixture
def name(here: Path, request: pytest.FixtureRequest) -> str:
    """A module of its own name, so that no test meets another's in Python's memory."""
    return write(here, f"network_{abs(hash(request.node.nodeid))}")


def test_a_network_in_the_present_folder_works_with_a_plain_state_dict(here: Path, name: str) -> None:
    made = load_target(f"python:{name}:build")
    weights = {key: value + 0.5 for key, value in made.module.state_dict().items()}
    torch.save(weights, here / "mine.pt")
    target = load_target(f"python:{name}:build", str(here / "mine.pt"))
    assert torch.equal(target.module.state_dict()["conv.weight"], weights["conv.weight"])
    assert target.classes == ("happy", "sad")
    assert target.fingerprint != made.fingerprint
    assert target.logits(target.prepare(noise(3))).shape == (3, 2)
    assert str(here) not in sys.path


def test_a_network_without_a_transform_or_weights_says_what_was_assumed(name: str) -> None:
    target = load_target(f"python:{name}:Mine")
    assert target.prepare(noise(1, 100, "RGB")).shape == (1, 1, 48, 48)
    assert "gray faces of 48 x 48" in target.notes[0]
    assert "no file of weights was given" in target.notes[1]


def test_a_network_that_takes_colour_gets_colour(here: Path) -> None:
    target = load_target(f"python:{write(here, 'network_in_colour', channels=3)}:build")
    assert target.prepare(noise(2)).shape == (2, 3, 224, 224)
    assert "RGB of 224 x 224" in target.notes[0]


def test_its_own_transform_is_used(name: str) -> None:
    assert load_target(f"python:{name}:with_transform").prepare(noise(2)).shape == (2, 1, 9, 9)


def test_edited_code_makes_another_fingerprint_though_the_weights_are_the_same(here: Path) -> None:
    first = load_target(f"python:{write(here, 'network_edited')}:build").fingerprint
    del sys.modules["network_edited"]
    write(here, "network_edited", activation="torch.sigmoid")
    assert load_target("python:network_edited:build").fingerprint != first


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("biuld", SpecError, "did you mean 'build'"),
        ("number", SpecError, "number is a int, not a callable"),
        ("raising", ModelError, r"raising\(\) raised RuntimeError: no file$"),
        ("needs_something", ModelError, "raised TypeError: .*width"),
        ("leaving", ModelError, r"leaving\(\) gives a dict; it must give an nn.Module"),
        ("random_transform", ModelError, "must not be random"),
        ("failing_transform", ModelError, "the transform fails: AttributeError"),
    ],
)
def test_a_callable_that_gives_no_network_is_one_line(name: str, what: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        load_target(f"python:{name}:{what}")
    assert "\n" not in str(caught.value)


def test_a_module_that_is_not_there_is_told_from_one_that_misses_another(here: Path) -> None:
    (here / "imports_nothing.py").write_text("import no_such_package\n")
    (here / "broken.py").write_text("def build(:\n")
    (here / "leaves.py").write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(SpecError, match=f"no module 'nowhere', neither in {here}"):
        load_target("python:nowhere:build")
    with pytest.raises(SpecError, match="no module 'nowhere'"):
        load_target("python:nowhere.deeper:build")
    for module, words in (
        ("imports_nothing", "raised ModuleNotFoundError: No module named 'no_such_package'"),
        ("broken", "raised SyntaxError"),
        ("leaves", "raised SystemExit"),
    ):
        with pytest.raises(ModelError, match=words):
            load_target(f"python:{module}:build")
    assert str(here) not in sys.path


def test_weights_that_do_not_fit_name_the_keys(here: Path, name: str) -> None:
    torch.save({"conv.weight": torch.zeros(4, 1, 5, 5), "haed.weight": torch.zeros(2, 4)}, here / "mine.pt")
    with pytest.raises(
        ModelError, match=r"3 missing: conv\.bias, head\.weight, head\.bias; 1 unexpected: haed\.weight"
    ):
        load_target(f"python:{name}:build", str(here / "mine.pt"))
