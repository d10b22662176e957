"""Context vectors are learned where they can help, resume exactly, and stop where they diverge."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import StopAfter
from workbench.errors import Cancelled, ModelError, SpecError
from workbench.models.clip import load_clip
from workbench.models.coop import Coop, Examples, Learned, start
from workbench.models.prompt_tower import PromptTower
from workbench.progress import SILENT
from workbench.specs import CoopSpec

NAMES = ("angry", "happy", "sad", "neutral")


@pytest.fixture(scope="module")
def tower() -> PromptTower:
    return PromptTower(load_clip("face-clip"))


def planted(tower: PromptTower, count: int, seed: int) -> Examples:
    """Images that lie where a hidden context puts another class's name, so that no word classifies them."""
    hidden = torch.randn(1, 4, tower.width, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        texts = tower.encode(tower.prompts(NAMES, 4, "end"), hidden)
        plain = tower.encode(tower.prompts(NAMES, 1, "end"), tower.words("a"))
    aims = texts - texts.mean(dim=0) - (plain - plain.mean(dim=0))
    labels = torch.arange(count) % len(NAMES)
    noise = torch.randn(count, texts.shape[1], generator=torch.Generator().manual_seed(seed))
    features = aims[labels] + 0.02 * noise
    return Examples(torch.nn.functional.normalize(features, dim=1), labels)


def learn(tower: PromptTower, state: Path, spec: CoopSpec, stop: StopAfter | None = None, images: int = 64) -> Learned:
    begin = start(tower, spec, len(NAMES))
    prompts = tower.prompts(NAMES, begin.shape[1], spec.position)
    known, judged = planted(tower, images, 1), planted(tower, 40, 2)
    return Coop(tower, prompts, spec, known, judged).learn(begin, state, stop or SILENT)


def asked(**fields: object) -> CoopSpec:
    given: dict[str, object] = {"length": 4, "rate": 0.02, "batch": 16, "epochs": 15, "patience": 0}
    return CoopSpec("faces", **given | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("context", ["shared", "class"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_what_only_another_context_tells_apart_is_learned(
    tower: PromptTower, tmp_path: Path, context: str, optimizer: str
) -> None:
    spec = asked(context=context, optimizer=optimizer, words="a photo of a", rate=0.1, epochs=30)
    found = learn(tower, tmp_path / "state.pt", spec)
    judged = planted(tower, 40, 2)
    with torch.no_grad():
        plain = tower.encode(tower.prompts(NAMES, 4, "end"), tower.words("a photo of a"))
    assert float(((judged.features @ plain.T).argmax(dim=1) == judged.labels).float().mean()) < 0.7
    right = float(((judged.features @ found.texts.T).argmax(dim=1) == judged.labels).float().mean())
    assert right > 0.95
    assert found.curve[found.best_epoch]["accuracy"] == pytest.approx(right)
    assert found.context.shape == (4 if context == "class" else 1, 4, tower.width)


def test_the_start_is_the_words_or_small_chance(tower: PromptTower) -> None:
    torch.testing.assert_close(start(tower, asked(words="a photo"), 4)[0], tower.words("a photo"))
    assert start(tower, asked(words="a photo", context="class"), 4).shape == (4, 2, tower.width)
    drawn = start(tower, asked(length=64), 4)
    assert drawn.shape == (1, 64, tower.width)
    assert float(drawn.std()) == pytest.approx(0.02, rel=0.1)
    assert not torch.equal(drawn, start(tower, asked(length=64, seed=1), 4))


def test_the_curve_begins_at_the_start_and_the_best_epoch_is_kept(tower: PromptTower, tmp_path: Path) -> None:
    found = learn(tower, tmp_path / "state.pt", asked())
    assert [each["epoch"] for each in found.curve] == list(range(16))
    accuracies = [each["accuracy"] for each in found.curve]
    assert found.best_epoch == int(np.argmax(accuracies))
    begin = start(tower, asked(), 4)
    with torch.no_grad():
        texts = tower.encode(tower.prompts(NAMES, 4, "end"), begin)
    known = planted(tower, 64, 1)
    logits = tower.logit_scale * known.features @ texts.T
    own = logits.log_softmax(dim=1)[torch.arange(64), known.labels]
    assert found.curve[0]["loss"] == pytest.approx(-float(own.mean()), rel=1e-5)
    assert found.curve[-1]["loss"] < found.curve[0]["loss"]


def test_it_stops_where_the_images_that_choose_gain_nothing_more(tower: PromptTower, tmp_path: Path) -> None:
    found = learn(tower, tmp_path / "state.pt", asked(epochs=200, patience=3, words="a photo of a", rate=0.1))
    assert len(found.curve) < 201
    before, after = found.curve[:-25], found.curve[-25:]  # 4 steps an epoch: 100 steps are 25 epochs
    assert max(each["accuracy"] for each in after) <= max(each["accuracy"] for each in before)
    assert min(each["log_loss"] for each in after) >= min(each["log_loss"] for each in before) - 0.001


def test_one_seed_gives_one_result(tower: PromptTower, tmp_path: Path) -> None:
    first, second, other = (
        learn(tower, tmp_path / f"{number}.pt", asked(epochs=3, seed=seed)) for number, seed in enumerate((0, 0, 1))
    )
    assert torch.equal(first.context, second.context)
    assert first.curve == second.curve
    assert not torch.equal(first.context, other.context)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("after", [1, 4, 130])
def test_a_stopped_training_goes_on_bit_for_bit(tower: PromptTower, tmp_path: Path, optimizer: str, after: int) -> None:
    spec = asked(optimizer=optimizer, epochs=3, batch=8)
    whole = learn(
        tower, tmp_path / "whole.pt", spec, images=480
    )  # 60 steps an epoch: the state is also kept within one
    with pytest.raises(Cancelled):
        learn(tower, tmp_path / "state.pt", spec, StopAfter(after), images=480)
    resumed = learn(tower, tmp_path / "state.pt", spec, images=480)
    assert torch.equal(resumed.context, whole.context)
    assert torch.equal(resumed.texts, whole.texts)
    assert resumed.curve == whole.curve
    assert resumed.best_epoch == whole.best_epoch


def test_a_killed_training_goes_on_bit_for_bit(tower: PromptTower, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from tests.conftest import StopAfter\n"
        "from tests.models.test_coop import PromptTower, asked, learn, load_clip\n"
        "class Dies(StopAfter):\n"
        "    def advance(self, count=1):\n"
        "        self.left -= 1\n"
        "        if self.left < 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"learn(PromptTower(load_clip('face-clip')), Path({str(tmp_path / 'state.pt')!r}), asked(epochs=3), Dies(7))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    resumed = learn(tower, tmp_path / "state.pt", asked(epochs=3))
    whole = learn(tower, tmp_path / "whole.pt", asked(epochs=3))
    assert torch.equal(resumed.context, whole.context)
    assert resumed.curve == whole.curve


def test_a_state_goes_on_where_it_was_kept(tower: PromptTower, tmp_path: Path) -> None:
    class Counts(StopAfter):
        def __init__(self) -> None:
            super().__init__(10**9)
            self.reports: list[int] = []

        def advance(self, count: int = 1) -> None:
            self.reports.append(count)

    spec = asked(epochs=3, batch=8)
    with pytest.raises(Cancelled):
        learn(tower, tmp_path / "state.pt", spec, StopAfter(111), images=480)
    counts = Counts()
    learn(tower, tmp_path / "state.pt", spec, counts, images=480)
    assert counts.reports[0] == 100
    assert sum(counts.reports) == 180


def test_a_damaged_state_is_named(tower: PromptTower, tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"no state")
    with pytest.raises(ModelError, match=r"state\.pt: a damaged training checkpoint; delete it"):
        learn(tower, tmp_path / "state.pt", asked())


@pytest.mark.parametrize("parts", [{"module": {}}, {"course": {"step": 1}, "optimizer": {}}, {"course": []}])
def test_the_state_of_another_training_is_named(tower: PromptTower, tmp_path: Path, parts: dict[str, object]) -> None:
    torch.save(parts, tmp_path / "state.pt")
    with pytest.raises(ModelError, match=r"state\.pt: the state of another training; delete it to start again \("):
        learn(tower, tmp_path / "state.pt", asked())
    assert (tmp_path / "state.pt").exists()


def test_a_state_with_vectors_of_another_shape_is_named(tower: PromptTower, tmp_path: Path) -> None:
    learn(tower, tmp_path / "state.pt", asked(epochs=1))
    with pytest.raises(ModelError, match=r"its vectors are \(1, 4, 64\), not \(1, 5, 64\)"):
        learn(tower, tmp_path / "state.pt", asked(epochs=1, length=5))


def test_a_loss_that_is_not_finite_stops_and_names_the_rate(
    tower: PromptTower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = PromptTower.encode
    calls = []

    def breaks(self: PromptTower, *arguments: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return given(self, *arguments) * (math.nan if len(calls) > 6 else 1)  # type: ignore[arg-type]

    monkeypatch.setattr(PromptTower, "encode", breaks)
    with pytest.raises(
        SpecError, match=r"learning diverges at rate 0\.02: .* not finite; try a lower rate, such as 0\.0"
    ):
        learn(tower, tmp_path / "state.pt", asked())
    assert not (tmp_path / "state.pt").exists()


def test_a_loss_that_stays_far_above_chance_stops_and_names_the_rate(
    tower: PromptTower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tower, "logit_scale", 400.0)  # so that being wrong is expensive
    spec = asked(rate=100.0, words="a photo of a", epochs=20, batch=2)
    prompts, begin = tower.prompts(NAMES, 4, "end"), start(tower, spec, 4)
    with torch.no_grad():
        right = Examples(tower.encode(prompts, begin), torch.arange(4))  # the start could not be better
    stopped = r"diverges at rate 100: the loss of epochs \d+ to \d+ is .*, and guessing has 1\.4; try .* such as 10"
    with pytest.raises(SpecError, match=stopped):
        Coop(tower, prompts, spec, right, right).learn(begin, tmp_path / "state.pt", SILENT)
    assert not (tmp_path / "state.pt").exists()


def test_fewer_images_than_a_batch_are_one_step_an_epoch(tower: PromptTower, tmp_path: Path) -> None:
    spec = asked(batch=512)
    begin = start(tower, spec, 4)
    training = Coop(tower, tower.prompts(NAMES, 4, "end"), spec, planted(tower, 8, 1), planted(tower, 40, 2))
    assert training.steps == spec.epochs
    assert len(training.learn(begin, tmp_path / "state.pt", SILENT).curve) == spec.epochs + 1
