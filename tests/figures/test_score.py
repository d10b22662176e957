"""Figures of a video score show the numbers they are given, whatever the video's length."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from workbench.figures import score as figures
from workbench.figures.theme import EMOTIONS
from workbench.figures.timeline import MOST_GAPS, buckets, gap_spans, means, thinned, with_breaks
from workbench.methods.bootstrap import Estimate
from workbench.methods.peak_end import Settings, peak_end
from workbench.methods.score_evidence import Choice, Sensitivity

NO_INTERVAL = Estimate(3.0, math.nan, math.nan)
CLASSES = ["angry", "happy", "neutral"]


def trace(figure: go.Figure, name: str) -> Any:
    """Return the trace whose name begins so."""
    return next(each for each in figure.data if (each.name or "").startswith(name))


def video(frames: int, gap: slice = slice(0, 0)) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(frames) / 10
    scores = 3 + np.sin(times) + 0.01 * np.arange(frames) / frames
    scores[gap] = np.nan
    return times, scores


def test_the_course_marks_peaks_end_and_scores_and_shades_gaps() -> None:
    times, scores = video(100, slice(40, 50))
    result = peak_end(np.arange(100), times, scores, Settings())
    figure = figures.course(times, scores, result, interval=Estimate(result.video, 2.0, 4.0), reported=3.5)
    line = trace(figure, "frame score")
    assert np.nanmax(line.y) == np.nanmax(scores)
    assert np.isnan(line.y).any()
    assert (trace(figure, "earlier peak").x[0], trace(figure, "earlier peak").y[0]) == (
        times[result.earlier_row],
        result.earlier,
    )
    assert trace(figure, "later peak").y[0] == result.later
    assert trace(figure, "end score").x[0] == times[-1]
    assert trace(figure, "video score").y[0] == result.video
    assert trace(figure, "reported").y[0] == 3.5
    gap = trace(figure, "no face")
    assert (gap.x[0], gap.x[1]) == (pytest.approx(3.95), pytest.approx(4.95))
    weights = next(each for each in figure.data if each.yaxis == "y2")
    assert sum(weights.y) == pytest.approx(1)
    band = next(each for each in figure.data if each.fill == "toself" and each.y[0] == 2.0)
    assert max(band.y) == 4.0


def test_smoothed_scores_are_drawn_over_the_scores_as_they_are() -> None:
    times, scores = video(100)
    result = peak_end(np.arange(100), times, scores, Settings(smoothing=0.5))
    figure = figures.course(times, scores, result, interval=NO_INTERVAL)
    assert np.array_equal(trace(figure, "frame score").y, scores)
    assert np.array_equal(trace(figure, "smoothed").y, result.course)
    assert not [each for each in figure.data if each.fill == "toself"]


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_videos_of_a_few_frames_have_all_figures(frames: int) -> None:
    times, scores = video(frames)
    result = peak_end(np.arange(frames), times, scores, Settings())
    figure = figures.course(times, scores, result, fault_time=0.0)
    assert trace(figure, "frame score").mode == "lines+markers"
    low, high = figure.layout.xaxis.range
    assert low < times[0] <= times[-1] < high
    strip = figures.strip(times, np.full((frames, 3), 1 / 3), CLASSES)
    assert sum(trace(strip, "happy").y) == pytest.approx(frames / 3)
    assert min(trace(strip, "happy").width) > 0


def test_one_frame_among_gaps_is_a_point_between_them() -> None:
    times, scores = video(60)
    scores[np.arange(60) != 20] = np.nan
    result = peak_end(np.arange(60), times, scores, Settings())
    figure = figures.course(times, scores, result)
    assert trace(figure, "frame score").mode == "lines+markers"
    probabilities = np.where(np.isnan(scores)[:, None], np.nan, [[0.2, 0.5, 0.3]])
    strip = figures.strip(times, probabilities, CLASSES)
    happy = trace(strip, "happy")
    assert list(happy.y) == [0.5]
    assert (happy.x[0], happy.width[0]) == (pytest.approx(1.95), pytest.approx(0.1))


def test_a_long_video_is_thinned_and_keeps_its_peaks_and_gaps() -> None:
    times = np.arange(90_000) / 25
    scores = 3 + 0.5 * np.random.default_rng(0).normal(size=90_000).clip(-2, 2)
    scores[30_000:40_000] = np.nan
    scores[12_345], scores[77_777] = 1.0, 5.0
    result = peak_end(np.arange(90_000), times, scores, Settings())
    figure = figures.course(times, scores, result)
    line = trace(figure, "frame score")
    assert len(line.x) < 4200
    assert (np.nanmin(line.y), np.nanmax(line.y)) == (1.0, 5.0)
    inside = (np.array(line.x) > times[30_000]) & (np.array(line.x) < times[39_999])
    assert np.isnan(np.array(line.y)[inside]).all()
    weights = next(each for each in figure.data if each.yaxis == "y2")
    assert max(weights.y) == result.end_weights.max()
    probabilities = np.tile([0.2, 0.5, 0.3], (90_000, 1))
    probabilities[np.isnan(scores)] = np.nan
    strip = figures.strip(times, probabilities, CLASSES)
    assert len(trace(strip, "angry").x) <= 620
    assert np.allclose(trace(strip, "angry").y, 0.2)


def test_thinning_keeps_the_extremes_of_each_stretch_and_what_must_stay() -> None:
    values = np.random.default_rng(3).normal(size=1000)
    values[200:300] = np.nan
    rows = thinned(values, 100, keep=(555,))
    assert len(rows) <= 103
    assert {0, 555, 999, int(np.nanargmax(values)), int(np.nanargmin(values))} <= set(rows.tolist())
    for part in np.split(np.arange(1000), 50):
        if np.isfinite(values[part]).any():
            assert np.nanmax(values[part]) in values[rows]
    x, y = with_breaks(np.arange(1000.0), values, rows)
    assert len(x) == len(y)
    assert np.isnan(np.array(y)[(np.array(x) > 200) & (np.array(x) < 299)]).all()
    assert np.array_equal(thinned(values, 1000), np.arange(1000))


def test_a_short_gap_between_two_rows_breaks_the_line() -> None:
    values = np.array([1.0, np.nan, 2.0, 3.0])
    x, y = with_breaks(np.arange(4.0), values, np.array([0, 2, 3]))
    assert x == [0, 1, 2, 3]
    assert np.array_equal(y, [1, np.nan, 2, 3], equal_nan=True)


def test_gaps_last_half_way_to_the_frames_beside_them_and_the_longest_are_shaded() -> None:
    times = np.array([0.0, 1.0, 2.0, 4.0])
    assert gap_spans(times, np.array([False, True, False, False])) == [(-0.5, 0.5), (1.5, 5.0)]
    assert gap_spans(times, np.ones(4, bool)) == []
    flicker = np.ones(4000, bool)
    flicker[::2] = False
    flicker[1000:1100] = False
    spans = gap_spans(np.arange(4000.0), flicker)
    assert len(spans) == MOST_GAPS
    assert max(stop - start for start, stop in spans) >= 100


def test_stretches_of_the_strip_do_not_reach_over_gaps() -> None:
    present = np.array([True, True, False, True])
    edges, rows = buckets(np.arange(4.0), present, 600)
    assert [part.tolist() for part in rows] == [[0], [1], [3]]
    assert edges.tolist() == [[-0.5, 0.5], [0.5, 1.5], [2.5, 3.5]]
    assert means(np.array([[0.0], [1.0], [np.nan], [3.0]]), rows).tolist() == [[0], [1], [3]]
    none, parts = buckets(np.arange(4.0), np.zeros(4, bool), 600)
    assert none.shape == (0, 2)
    assert parts == []


def test_the_sum_shows_each_part_where_the_one_before_ends() -> None:
    scores = np.array([3.0, 1.0, 5.0, 4.0])
    result = peak_end(np.arange(4), np.arange(4.0), scores, Settings(parts=(2, 1, 1), end_frames=0.01))
    bar = figures.parts(result, Settings(parts=(2, 1, 1))).data[0]
    assert list(bar.x) == pytest.approx([2.0, 0.25, 1.25, 3.5])
    assert list(bar.base) == pytest.approx([0, 2.0, 2.25, 0])
    assert list(bar.text) == ["+2.00", "+0.25", "+1.25", "<b>3.50</b>"]
    assert bar.y[1] == "0.25 × earlier peak 1.00"


def test_sensitivity_draws_a_line_from_the_score_to_each_choice() -> None:
    choices = (Choice("peak", "mean of a twentieth", 2.5, -0.5), Choice("without", "<i>happy</i>", 2.0, -1.0))
    moved = Sensitivity((*choices, Choice("without", "sad", 3.1, 0.1)), 2.0, 3.1, 2.4, 3.2, 200)
    figure = figures.sensitivity(moved, Estimate(3.0, 2.7, 3.4))
    spans = {each.y[0]: list(each.x) for each in figure.data if len(each.x) == 2}
    assert spans["<b>interval over time, 95 %</b>"] == [2.7, 3.4]
    assert spans["<b>all 200 combinations, 5–95 %</b>"] == [2.4, 3.2]
    assert [3.0, 2.5] in spans.values()
    names = [each.y[0] for each in figure.data]
    assert any("&lt;i&gt;happy" in name for name in names)
    sad = next(each for each in figure.data if len(each.x) == 1 and each.y[0].endswith("sad"))
    assert sad.marker.color == EMOTIONS["sad"]
    low, high = figure.layout.xaxis.range
    assert low < 2.0
    assert high > 3.4
    assert "interval over time" not in str(figures.sensitivity(moved, NO_INTERVAL).data)


def test_models_are_drawn_against_the_reported_scores_and_rows_without_are_left_out() -> None:
    rows = [
        {"video": "<b>a</b>", "model": "face-clip", "reported": 2.0, "computed": 2.5},
        {"video": "b", "model": "face-clip", "reported": 4.0, "computed": 3.0},
        {"video": "b", "model": "<i>x</i>", "reported": 4.0, "computed": 4.5},
        {"video": "c", "model": "face-clip", "reported": None, "computed": 3.0},
    ]
    figure = figures.models(rows)
    clip, other = figure.data[1:]
    assert clip.name == "face-clip (mean error 0.75)"
    assert (list(clip.x), list(clip.y)) == ([2.0, 4.0], [2.5, 3.0])
    assert clip.customdata[0] == "&lt;b&gt;a&lt;/b&gt;"
    assert other.name.startswith("&lt;i&gt;x")
    assert clip.marker.color != other.marker.color
    assert len(figures.models([]).data) == 1


def test_a_class_with_a_hostile_name_is_escaped_in_the_strip() -> None:
    strip = figures.strip(np.arange(3.0), np.full((3, 1), 1.0), ["<script>%{x}"])
    assert strip.data[0].name == "&lt;script&gt;%{x}"
    assert "%{x}" not in strip.data[0].hovertemplate


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0, "0:00.0"), (62.54, "1:02.5"), (59.96, "1:00.0"), (3600, "1:00:00.0")]
)
def test_times_are_told_as_on_a_clock(seconds: float, words: str) -> None:
    assert figures.clock(seconds) == words
