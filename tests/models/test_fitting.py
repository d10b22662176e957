"""The training loop: resumed bit for bit, cancelled, stopped early, diverging; rates, class weights, absent classes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.conftest import StopAfter
from tests.studies.review_data import pictures
from workbench.errors import Cancelled, ModelError
from workbench.models import fitting
from workbench.models.epochs import Epoch
from workbench.models.fitting import Faces, Fitted, answers, fit
from workbench.models.networks import Architecture, plan
from workbench.models.recipes import AUGMENTATION, Recipe, class_weights, number_format, optimizer_of, strengthened
from workbench.models.training import Augmentation, augment, load_state
from workbench.progress import SILENT, Progress

CLASSES = ("angry", "happy", "sad")
FAST = Recipe("adamw", 0.002, 0.0001, "constant", 3, 16, 0, 0.5, "full", 0)
PUBLISHED = replace(FAST, optimizer="sgd", schedule="plateau", rate=0.01)
EVEN = torch.ones(3)


def faces(count: int, seed: int = 0) -> Faces:
    pixels, labels = pictures(count, seed)
    return Faces(torch.from_numpy(pixels), torch.tensor([CLASSES.index(label) for label in labels]))


def begun(name: str = "lenet", seed: int = 0) -> tuple[Architecture, torch.nn.Module]:
    architecture = plan(name, CLASSES, 1)
    torch.manual_seed(seed)
    return architecture, architecture.build()


def trained(
    folder: Path,
    recipe: Recipe = FAST,
    name: str = "lenet",
    training: Faces | None = None,
    weights: torch.Tensor = EVEN,
    progress: Progress = SILENT,
) -> Fitted:
    architecture, module = begun(name)
    folder.mkdir(exist_ok=True)
    shown = training if training is not None else faces(100)
    return fit(module, architecture, shown, faces(30, 1), weights, recipe, folder / ".state.pt", progress)


def same(first: Fitted, second: Fitted) -> bool:
    curves = [[epoch._replace(seconds=0) for epoch in fitted.curve] for fitted in (first, second)]
    weights = all(torch.equal(value, second.weights[name]) for name, value in first.weights.items())
    return weights and curves[0] == curves[1] and first.chosen == second.chosen


@pytest.mark.parametrize(
    ("name", "recipe", "stop"),
    [
        ("lenet", FAST, 1),
        ("lenet", replace(FAST, schedule="cosine"), 8),
        ("lenet", PUBLISHED, 7),
        ("vgg-small", PUBLISHED, 8),
    ],
)
def test_a_stopped_and_resumed_training_equals_one_that_never_stopped(
    tmp_path: Path, name: str, recipe: Recipe, stop: int
) -> None:
    recipe = replace(recipe, epochs=2)
    whole = trained(tmp_path / "whole", recipe, name)
    with pytest.raises(Cancelled):
        trained(tmp_path / "cut", recipe, name, progress=StopAfter(stop))
    assert (tmp_path / "cut" / ".state.pt").exists()
    torch.manual_seed(77)  # what else draws random numbers meanwhile does not matter
    assert same(trained(tmp_path / "cut", recipe, name), whole)


def test_a_training_cut_off_without_a_word_goes_on_from_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(tmp_path / "whole")
    monkeypatch.setattr(fitting, "SAVE_EVERY", 0.0)

    class Kill(StopAfter):
        def advance(self, count: int = 1) -> None:
            self.left -= count > 0
            if self.left < 0:
                raise MemoryError

    with pytest.raises(MemoryError):
        trained(tmp_path / "cut", progress=Kill(9))
    kept = load_state(tmp_path / "cut" / ".state.pt")
    assert kept is not None
    step, steps = kept["state"]["step"], 100 // FAST.batch
    assert step % steps, "the last whole step within an epoch was kept, not the last epoch's end"
    assert same(trained(tmp_path / "cut"), whole)


def test_an_interrupt_within_a_step_leaves_the_last_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(tmp_path / "whole")
    steps = iter(range(20))
    real = functional.cross_entropy

    def interrupted(*given: torch.Tensor) -> torch.Tensor:
        if next(steps) == 8:
            raise KeyboardInterrupt
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(functional, "cross_entropy", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "cut")
    assert same(trained(tmp_path / "cut"), whole)


def test_the_seed_alone_decides(tmp_path: Path) -> None:
    first, again = trained(tmp_path / "a"), trained(tmp_path / "b")
    other = trained(tmp_path / "c", replace(FAST, seed=1))
    assert same(first, again)
    assert not same(first, other)


def test_it_learns_and_keeps_the_first_of_the_best_epochs(tmp_path: Path) -> None:
    found = trained(tmp_path / "a", replace(FAST, epochs=12, augment=0.0))
    shares = [epoch.accuracy for epoch in found.curve]
    architecture, module = begun()
    module.load_state_dict(found.weights)
    shown = faces(30, 1)
    right = answers(module, architecture, shown.pixels).argmax(axis=1) == shown.labels.numpy()
    assert max(shares) > 0.8
    assert found.chosen == shares.index(max(shares)) + 1
    assert float(right.mean()) == pytest.approx(max(shares))
    assert found.curve[-1].train_loss < found.curve[0].train_loss
    assert [epoch.epoch for epoch in found.curve] == list(range(1, 13))


def test_a_rate_that_diverges_is_stopped_and_named(tmp_path: Path) -> None:
    recipe = replace(FAST, optimizer="sgd", rate=1e4)
    with pytest.raises(ModelError, match=r"diverged in step \d+: at a rate of 10000 .* try a rate of 1000"):
        trained(tmp_path / "a", recipe)
    assert not (tmp_path / "a" / ".state.pt").exists()


def test_a_loss_that_stays_finite_and_explodes_is_stopped_after_its_epoch(tmp_path: Path) -> None:
    recipe = replace(FAST, rate=0.3)
    words = r"diverged in step 6: at a rate of 0\.3 its loss is \S+ in epoch 1, and that of guessing 1\.10; try"
    with pytest.raises(ModelError, match=words):
        trained(tmp_path / "a", recipe)
    assert not (tmp_path / "a" / ".state.pt").exists()


def test_an_explosion_in_the_last_step_is_stopped(tmp_path: Path) -> None:
    recipe = replace(FAST, optimizer="adam", rate=100.0, epochs=1, batch=100)
    words = (
        r"diverged in step 1: at a rate of 100 its loss is \S+ in epoch 1, and that of guessing 1\.10; try a rate of 10"
    )
    with pytest.raises(ModelError, match=words):
        trained(tmp_path / "a", recipe)
    assert not (tmp_path / "a" / ".state.pt").exists()


def test_averages_of_batch_norm_that_lag_behind_stop_no_training(tmp_path: Path) -> None:
    curve = trained(tmp_path / "a", replace(FAST, batch=20), "resnet18", faces(20)).curve
    assert max(epoch.validation_loss for epoch in curve) > fitting.FAR * math.log(3)
    assert curve[-1].train_loss < curve[0].train_loss


def test_the_rate_falls_where_validation_stalls(tmp_path: Path) -> None:
    stuck = replace(FAST, optimizer="sgd", rate=1e-9, schedule="plateau", epochs=9)
    rates = [epoch.rate for epoch in trained(tmp_path / "a", stuck).curve]
    assert rates[:7] == [1e-9] * 7
    assert rates[7:] == pytest.approx([0.75e-9] * 2)


def test_it_stops_where_validation_gains_no_more(tmp_path: Path) -> None:
    found = trained(tmp_path / "a", replace(FAST, optimizer="sgd", rate=1e-9, epochs=20, patience=3))
    assert found.early
    assert found.chosen == 1
    assert len(found.curve) == 4
    assert not trained(tmp_path / "b").early


def test_a_cosine_ends_near_zero(tmp_path: Path) -> None:
    rates = [epoch.rate for epoch in trained(tmp_path / "a", replace(FAST, schedule="cosine")).curve]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] < FAST.rate
    assert rates[-1] < 0.02 * FAST.rate


def test_the_curve_is_told_after_each_epoch_and_when_it_goes_on(tmp_path: Path) -> None:
    told: list[list[Epoch]] = []
    architecture, module = begun()
    for epochs in (2, 3):
        recipe = replace(FAST, epochs=epochs)
        fit(module, architecture, faces(40), faces(9, 1), EVEN, recipe, tmp_path / "s.pt", SILENT, told.append)
    assert [len(curve) for curve in told] == [0, 1, 2, 2, 3]


def test_a_batch_may_be_larger_than_what_there_is(tmp_path: Path) -> None:
    assert len(trained(tmp_path / "a", replace(FAST, batch=500), training=faces(20)).curve) == 3


def test_class_weights_count_classes_alike() -> None:
    labels = torch.tensor([0] * 8 + [1] * 2 + [3] * 5)
    weights = class_weights(labels, 5, "weights")
    counts = torch.bincount(labels, minlength=5)
    assert weights[[2, 4]].tolist() == [0, 0]
    assert torch.allclose((weights * counts)[[0, 1, 3]], torch.tensor(5.0))
    assert float(weights[labels].mean()) == pytest.approx(1)
    assert class_weights(labels, 5, "none").tolist() == [1, 1, 0, 1, 0]


def test_weights_have_rare_faces_answered_more_often(tmp_path: Path) -> None:
    shown = faces(300)
    rare = torch.where(shown.labels == 2)[0]
    keep = torch.ones(300, dtype=torch.bool)
    keep[rare[6:]] = False
    few = Faces(shown.pixels[keep], shown.labels[keep])
    architecture, module = begun()
    recipe = replace(FAST, epochs=4, augment=0.0)
    answered = {}
    for balance in ("none", "weights"):
        found = trained(tmp_path / balance, recipe, training=few, weights=class_weights(few.labels, 3, balance))
        module.load_state_dict(found.weights)
        answered[balance] = int((answers(module, architecture, faces(90, 1).pixels).argmax(axis=1) == 2).sum())
    assert answered["weights"] > answered["none"]


def test_a_class_without_training_images_is_never_answered_and_does_not_spoil_the_loss(tmp_path: Path) -> None:
    shown = faces(90)
    some = Faces(shown.pixels[shown.labels != 1], shown.labels[shown.labels != 1])
    found = trained(tmp_path / "a", training=some, weights=class_weights(some.labels, 3, "weights"))
    architecture, module = begun()
    module.load_state_dict(found.weights)
    assert 1 not in answers(module, architecture, faces(60, 2).pixels).argmax(axis=1)
    assert all(epoch.validation_loss < 10 for epoch in found.curve)


def test_a_damaged_checkpoint_and_one_of_another_network_are_named(tmp_path: Path) -> None:
    (tmp_path / ".state.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelError, match=r"state.pt: a damaged training checkpoint; delete it to start again"):
        trained(tmp_path)
    (tmp_path / ".state.pt").unlink()
    trained(tmp_path, replace(FAST, epochs=1), "vgg-small")
    with pytest.raises(ModelError, match=r"state.pt: the checkpoint of another training; delete it to start again"):
        trained(tmp_path)


def test_ten_views_are_asked_for_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    architecture, module = begun()
    pixels = faces(11).pixels
    whole = answers(module, architecture, pixels, 10)
    monkeypatch.setattr(fitting, "_EVALUATED_AT_ONCE", 4)
    assert np.allclose(answers(module, architecture, pixels, 10), whole, atol=1e-5)
    assert not np.allclose(answers(module, architecture, pixels), whole, atol=1e-3)


@pytest.mark.parametrize(("name", "kind"), [("sgd", "SGD"), ("adam", "Adam"), ("adamw", "AdamW")])
def test_optimizers_are_made_as_asked_for(name: str, kind: str) -> None:
    made = optimizer_of(begun()[1], replace(FAST, optimizer=name))
    group = made.param_groups[0]
    assert type(made).__name__ == kind
    assert (group["lr"], group["weight_decay"]) == (FAST.rate, FAST.weight_decay)
    assert name != "sgd" or (group["momentum"], group["nesterov"]) == (0.9, True)


def test_arithmetic_is_mixed_on_a_gpu_only_unless_asked_for() -> None:
    assert number_format("auto", torch.device("cpu")) is None
    assert number_format("full", torch.device("cuda")) is None
    assert number_format("mixed", torch.device("cpu")) is torch.bfloat16


def test_mixed_arithmetic_trains_on_a_cpu_too(tmp_path: Path) -> None:
    found = trained(tmp_path / "a", replace(FAST, precision="mixed", epochs=1))
    assert all(value.dtype is torch.float32 for value in found.weights.values() if value.is_floating_point())
    assert not same(found, trained(tmp_path / "b", replace(FAST, epochs=1)))


def test_augmentation_is_as_published_at_one_and_nothing_at_zero() -> None:
    assert strengthened(1.0, 40 / 48) == replace(AUGMENTATION, field=40 / 48)
    shown = faces(6).pixels
    still = augment(shown, 40, strengthened(0.0, 40 / 48), torch.Generator().manual_seed(0))
    assert torch.allclose(still, shown[:, 4:44, 4:44].unsqueeze(1).float() / 255, atol=1e-4)


def test_a_spared_face_is_one_of_ten_crops() -> None:
    strength = replace(strengthened(1.0, 40 / 48), chance=0.0, cutout=0.0)
    shown = faces(60).pixels
    seen = augment(shown, 40, strength, torch.Generator().manual_seed(0)).squeeze(1)
    found = set()
    for face, crop in zip(shown.float() / 255, seen, strict=True):
        crops = {}
        for top, left in ((0, 0), (0, 8), (8, 0), (8, 8), (4, 4)):
            part = face[top : top + 40, left : left + 40]
            crops |= {(top, left, False): part, (top, left, True): part.flip(-1)}
        fitting_crop = [place for place, wanted in crops.items() if torch.allclose(crop, wanted, atol=1e-3)]
        assert len(fitting_crop) == 1
        found.add(fitting_crop[0])
    assert len(found) == 10


def test_what_is_shown_of_an_augmentation_names_stored_encoders_as_before() -> None:
    assert repr(Augmentation()) == (
        "Augmentation(flip=0.5, degrees=12.0, shift=0.08, zoom=0.12, contrast=0.3, brightness=0.15, cutout=0.4, "
        "field=1.0)"
    )
