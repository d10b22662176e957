"""Curves of a training."""

from __future__ import annotations

from typing import NamedTuple

from workbench.figures.training import curve, losses


class Epoch(NamedTuple):
    epoch: int
    rate: float
    train_loss: float
    validation_loss: float
    accuracy: float


def epochs(rates: list[float]) -> list[Epoch]:
    return [Epoch(n, rate, 2 - n / 10, 1.9 - n / 10, n / 10) for n, rate in enumerate(rates, 1)]


def test_accuracy_is_drawn_in_percent_and_the_kept_epoch_stands_out() -> None:
    trace = curve(epochs([0.1] * 5), 4).data[0]
    assert list(trace.x) == [1, 2, 3, 4, 5]
    assert [round(y) for y in trace.y] == [10, 20, 30, 40, 50]
    assert max(range(5), key=lambda place: trace.marker.size[place]) == 3
    assert "(kept)" in trace.hovertext[3]
    assert "rate 0.1" in trace.hovertext[0]


def test_a_rate_that_falls_in_steps_is_marked_and_one_that_slides_is_not() -> None:
    stepped, sliding = curve(epochs([0.1] * 4 + [0.075] * 4)), curve(epochs([0.1 / n for n in range(1, 9)]))
    assert [shape.x0 for shape in stepped.layout.shapes] == [4.5]
    assert not sliding.layout.shapes


def test_both_losses_are_drawn() -> None:
    drawn = losses(epochs([0.1] * 3), 2)
    assert [trace.name for trace in drawn.data] == ["training, disturbed", "validation"]
    assert [round(y, 1) for y in drawn.data[1].y] == [1.8, 1.7, 1.6]
    assert drawn.layout.shapes[0].x0 == 2


def test_a_training_that_has_just_begun_has_an_empty_curve() -> None:
    assert len(curve([]).data[0].x) == 0
    assert len(losses([]).data[0].x) == 0
