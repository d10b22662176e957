"""Figures of a reweighting show the numbers they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.figures.reweight import (
    CONTROL,
    DOWN,
    class_changes,
    controls_strip,
    protocols,
    sweep_lines,
    sweep_surface,
    threshold_histogram,
)

SWEEP: dict[str, Any] = {
    "threshold": np.array([0.5, 0.5, -1.0, -1.0]),
    "factor": np.array([2.0, 1.5, 2.0, 1.5]),
    "up": np.array([3, 3, 7, 7]),
    "change": np.array([0.01, -0.02, 0.0, 0.005]),
    "report_change": np.array([0.001, 0.002, 0.003, 0.004]),
}
GAIN = {"value": 0.002, "low": -0.003, "high": 0.007}


def test_the_surface_holds_every_setting_in_its_place_and_frames_the_chosen() -> None:
    figure = sweep_surface(SWEEP, 1)
    heat = figure.data[0]
    assert list(heat.x) == ["1.5", "2"]
    assert list(heat.y) == ["-1", "0.5"]
    assert np.allclose(heat.z, [[0.5, 0.0], [-2.0, 1.0]])
    assert np.array_equal(heat.customdata, [[7, 7], [3, 3]])
    assert (heat.zmin, heat.zmax) == (-2, 2)
    assert [list(line) for line in heat.text] == [["+0.50", "0"], ["-2.00", "+1.00"]]
    frame = figure.layout.shapes[0]
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (-0.5, 0.5, 0.5, 1.5)
    assert not sweep_surface(SWEEP, None).layout.shapes


def test_the_surface_of_a_single_setting_that_changes_nothing_can_be_drawn() -> None:
    one = {name: values[2:3] for name, values in SWEEP.items()}
    assert sweep_surface(one, 0).data[0].zmax > 0
    assert len(sweep_lines(one, None).data) == 1


def test_a_line_a_factor_runs_over_the_thresholds() -> None:
    figure = sweep_lines(SWEEP, 0, values="report_change")
    assert [line.name for line in figure.data] == ["x 1.5", "x 2", "chosen"]
    assert list(figure.data[0].x) == [-1.0, 0.5]
    assert list(figure.data[0].y) == pytest.approx([0.4, 0.2])
    assert list(figure.data[2].y) == pytest.approx([0.1])


def test_controls_that_do_as_well_stand_out() -> None:
    controls = {"random": np.array([0.001, 0.002, 0.004]), "shuffled": np.zeros(0), "norm": np.array([-0.001])}
    figure = controls_strip(GAIN, controls)
    random, norm, own = figure.data
    assert list(random.marker.color) == [CONTROL, DOWN, DOWN]
    assert list(norm.marker.color) == [CONTROL]
    assert list(random.x) == pytest.approx([0.1, 0.2, 0.4])
    assert own.error_x.array[0] == pytest.approx(0.5)
    assert list(figure.layout.yaxis.ticktext) == [
        "<b>this network</b>",
        "random sets of units (3)",
        "by weight norm (1)",
    ]
    band = figure.layout.shapes[0]
    assert (band.x0, band.x1) == (pytest.approx(-0.3), pytest.approx(0.7))


def test_changes_of_classes_carry_their_intervals_and_escape_their_names() -> None:
    change = {
        "name": "<b>sad</b>",
        "images": 40,
        "before": 0.5,
        "after": 0.6,
        "change": {**GAIN, "value": 0.1, "high": 0.2},
    }
    bar = class_changes([change]).data[0]
    assert bar.y[0].startswith("&lt;b")
    assert bar.x[0] == pytest.approx(10)
    assert bar.error_x.array[0] == pytest.approx(10)
    assert "50.0 to 60.0" in bar.hovertemplate


def test_protocols_are_drawn_in_order_from_the_top() -> None:
    figure = protocols([("honest", -0.002, -0.004, 0.001), ("<i>flattered</i>", 0.003, 0.003, 0.003)])
    assert [point.y[0] for point in figure.data] == ["honest", "&lt;i&gt;flattered&lt;/i&gt;"]
    assert [point.text[0] for point in figure.data] == ["-0.20", "+0.30"]
    low, high = figure.layout.yaxis.range
    assert low > 1 > 0 > high


@pytest.mark.parametrize("by", ["tau", "q"])
def test_no_bar_of_the_histogram_holds_units_of_both_sides(by: str) -> None:
    values = np.random.default_rng(0).normal(size=300)
    figure = threshold_histogram([*values.tolist(), float("nan")], 0.3, by)
    up, down = figure.data
    assert sum(up.y) == (values <= 0.3).sum() if by == "q" else (values > 0.3).sum()
    assert sum(up.y) + sum(down.y) == 300
    assert not any(a and b for a, b in zip(up.y, down.y, strict=True))
