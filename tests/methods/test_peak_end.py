from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import peak_end as reference
from workbench.errors import SpecError
from workbench.methods import peak_end as module
from workbench.methods.peak_end import Settings, durations, end_weights, frame_scores, peak_end, smooth, without


def course(frames: int, seed: int, gaps: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return frame numbers, irregular times and scores of which a share is missing."""
    generator = np.random.default_rng(seed)
    numbers = np.cumsum(generator.integers(1, 4, frames)).astype(np.int64)
    times = np.cumsum(generator.uniform(0.01, 0.2, frames))
    scores = generator.uniform(1, 5, frames)
    missing = generator.random(frames) < gaps
    missing[generator.integers(frames)] = False
    scores[missing] = np.nan
    return numbers, times, scores


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(0, 999),
    st.sampled_from([0.0, 0.4, 0.99]),
    st.sampled_from([(40.0, 0.0), (3.0, 0.0), (40.0, 2.0)]),
    st.sampled_from(["extreme", "robust"]),
    st.sampled_from([0.0, 0.3]),
)
def test_the_video_score_equals_the_literal_reference(
    frames: int, seed: int, gaps: float, end: tuple[float, float], peak: str, sigma: float
) -> None:
    numbers, times, scores = course(frames, seed, gaps)
    how = Settings(end_frames=end[0], end_seconds=end[1], parts=(1, 0.2, 0.8), peak=peak, smoothing=sigma)
    found = peak_end(numbers, times, scores, how)
    expected = reference.video_score(numbers, times, scores, end, how.parts, peak == "robust", sigma)
    assert (found.video, found.end, found.earlier, found.later) == pytest.approx(expected[:4])
    assert (found.earlier_row, found.later_row) == expected[4:]
    assert {found.highest_row, found.lowest_row} == {found.earlier_row, found.later_row}
    assert found.low - 1e-9 <= found.end <= found.high + 1e-9 or peak == "robust"
    assert found.mean == pytest.approx(np.nanmean(scores))
    assert found.median == pytest.approx(np.nanmedian(scores))
    assert np.array_equal(np.isnan(found.course), np.isnan(scores))


def test_the_source_studys_weights_give_its_score() -> None:
    scores = np.array([3.0, 1.0, 3.0, 5.0, 4.0])
    found = peak_end(np.arange(5), np.arange(5.0), scores, Settings(end_frames=1e-3))
    assert (found.end, found.earlier, found.later) == (4.0, 1.0, 5.0)
    assert found.video == pytest.approx(0.5 * 4 + 0.1 * 1 + 0.4 * 5)
    assert (found.highest_row, found.lowest_row) == (3, 1)


def test_the_order_of_the_peaks_decides_their_weights() -> None:
    scores = np.array([3.0, 1.0, 3.0, 5.0, 3.0])
    forward = peak_end(np.arange(5), np.arange(5.0), scores, Settings())
    backward = peak_end(np.arange(5), np.arange(5.0), scores[::-1], Settings())
    assert (forward.earlier, forward.later) == (1.0, 5.0)
    assert (backward.earlier, backward.later) == (5.0, 1.0)
    assert backward.video < forward.video


def test_the_last_frames_of_the_window_carry_95_percent() -> None:
    frames = np.arange(2000)
    weights = end_weights(frames, frames / 25, np.ones(2000, bool), Settings(end_frames=40))
    assert weights[-40:].sum() == pytest.approx(0.95)
    assert weights[-30:].sum() > 0.85
    in_seconds = end_weights(frames, frames / 25, np.ones(2000, bool), Settings(end_seconds=1.6))
    assert np.allclose(weights, in_seconds)


def test_the_window_in_frames_counts_the_videos_frames_not_the_scored_ones() -> None:
    scores = 3 + np.sin(np.arange(3000) / 200)
    whole = peak_end(np.arange(3000), np.arange(3000) / 25, scores, Settings())
    fifth = np.arange(4, 3000, 5)
    thinned = peak_end(fifth, fifth / 25, scores[fifth], Settings())
    assert thinned.end == pytest.approx(whole.end, abs=0.01)
    assert thinned.end_weights[-8:].sum() == pytest.approx(0.95)


def test_the_window_in_seconds_does_not_depend_on_the_sampling() -> None:
    def rising(times: np.ndarray) -> float:
        found = peak_end(np.arange(len(times)), times, 2 + times / 10, Settings(end_seconds=4.0))
        return found.end

    regular = np.arange(0, 20.001, 0.02)
    generator = np.random.default_rng(0)
    dense_late = np.concatenate([np.arange(0, 18, 0.1), np.arange(18, 20.001, 0.01)])
    irregular = np.append(np.sort(generator.uniform(0, 20, 2000)), 20.0)
    assert rising(dense_late) == pytest.approx(rising(regular), abs=0.01)
    assert rising(irregular) == pytest.approx(rising(regular), abs=0.01)


def test_a_face_that_leaves_early_gives_the_end_to_its_last_frames() -> None:
    scores = np.full(500, np.nan)
    scores[:200] = np.linspace(1, 5, 200)
    found = peak_end(np.arange(500), np.arange(500) / 25, scores, Settings())
    assert found.end_weights[200:].sum() == 0
    assert found.end_weights[160:200].sum() == pytest.approx(0.95)
    assert found.end > 4.5


@given(st.integers(2, 50), st.integers(0, 99), st.integers(0, 49))
def test_gaps_change_nothing_but_their_own_rows(frames: int, seed: int, at: int) -> None:
    numbers, times, scores = course(frames, seed)
    before = peak_end(numbers, times, scores, Settings())
    place = at % frames
    with_gap = np.insert(scores, place, np.nan)
    middle = np.insert(times, place, times[place])
    after = peak_end(np.insert(numbers, place, numbers[place]), middle, with_gap, Settings())
    assert after.video == pytest.approx(before.video)
    assert after.end_weights[place] == 0
    assert math.isnan(after.course[place])


@pytest.mark.parametrize("sigma", [0.0, 0.4])
@pytest.mark.parametrize("peak", ["extreme", "robust"])
@pytest.mark.parametrize("score", [0.1, 3.3, 5.0])
def test_a_constant_course_has_one_peak_row_and_its_own_score(score: float, peak: str, sigma: float) -> None:
    numbers, times, _ = course(200, 4)
    found = peak_end(numbers, times, np.full(200, score), Settings(peak=peak, smoothing=sigma))
    assert found.video == pytest.approx(score)
    assert found.earlier_row == found.later_row
    assert found.highest_row == found.lowest_row
    assert peak == "robust" or found.highest_row == 0


@pytest.mark.parametrize("how", [Settings(), Settings(peak="robust", smoothing=1.0, end_seconds=3.0)])
def test_one_frame_and_one_frame_among_gaps_score_as_that_frame(how: Settings) -> None:
    assert peak_end(np.array([7]), np.array([0.3]), np.array([4.25]), how).video == pytest.approx(4.25)
    scores = np.full(100, np.nan)
    scores[60] = 2.5
    found = peak_end(np.arange(100), np.arange(100) / 25, scores, how)
    assert found.video == pytest.approx(2.5)
    assert (found.earlier_row, found.later_row) == (60, 60)
    assert found.end_weights[60] == 1


def test_a_course_of_gaps_is_refused() -> None:
    with pytest.raises(SpecError, match="none of the 3 scored frames shows the chosen face"):
        peak_end(np.arange(3), np.arange(3.0), np.full(3, np.nan), Settings())


def test_a_robust_peak_is_the_mean_of_a_twentieth_and_resists_one_wild_frame() -> None:
    scores = 3 + np.sin(np.arange(200) / 30)
    wild = scores.copy()
    wild[100] = 5.0
    quiet = peak_end(np.arange(200), np.arange(200.0), scores, Settings(peak="robust"))
    assert quiet.high == pytest.approx(np.sort(scores)[-10:].mean())
    assert quiet.low == pytest.approx(np.sort(scores)[:10].mean())
    shaken = peak_end(np.arange(200), np.arange(200.0), wild, Settings(peak="robust"))
    assert shaken.high - quiet.high < 0.15
    assert peak_end(np.arange(200), np.arange(200.0), wild, Settings()).high == 5.0


def test_smoothing_draws_a_single_wild_frame_in() -> None:
    scores = np.full(100, 3.0)
    scores[50] = 5.0
    found = peak_end(np.arange(100), np.arange(100) / 25, scores, Settings(smoothing=0.2))
    assert 3.1 < found.high < 3.3
    assert found.highest_row == 50
    assert found.mean == pytest.approx(scores.mean())


@given(st.integers(2, 80), st.integers(0, 99), st.sampled_from([0.05, 0.5, 5.0]))
def test_smoothing_equals_the_literal_reference_and_stays_within_the_scores(
    frames: int, seed: int, sigma: float
) -> None:
    _, times, scores = course(frames, seed, 0.3)
    found = smooth(times, scores, sigma)
    assert np.allclose(found, reference.smooth(times.tolist(), scores.tolist(), sigma), equal_nan=True)
    assert np.nanmin(scores) - 1e-9 <= np.nanmin(found)
    assert np.nanmax(found) <= np.nanmax(scores) + 1e-9


def test_smoothing_a_long_video_on_a_grid_agrees_with_the_exact_result(monkeypatch: pytest.MonkeyPatch) -> None:
    _, times, scores = course(3000, 1, 0.3)
    exact = smooth(times, scores, 2.0)
    monkeypatch.setattr(module, "_DIRECT", 0)
    assert np.allclose(smooth(times, scores, 2.0), exact, atol=0.001, equal_nan=True)
    assert not np.array_equal(smooth(times, scores, 2.0), exact, equal_nan=True)
    monkeypatch.setattr(module, "_GRID", 10)
    assert np.array_equal(smooth(times, scores, 2.0), exact, equal_nan=True)


def test_equal_times_neither_divide_by_zero_nor_lose_a_frame() -> None:
    assert (durations(np.zeros(4)) == 1).all()
    times = np.array([0.0, 1.0, 1.0, 1.0, 2.0])
    assert durations(times).min() > 0
    found = peak_end(np.arange(5), times, np.array([1, 2, 3, 4, 5.0]), Settings(end_seconds=1.0, smoothing=0.5))
    assert np.isfinite(found.course).all()
    assert found.end_weights.sum() == pytest.approx(1)


def test_frame_scores_are_expected_scores_and_gaps_stay_gaps() -> None:
    probabilities = np.array([[0.25, 0.75], [np.nan, np.nan], [1.0, 0.0]], dtype=np.float32)
    found = frame_scores(probabilities, np.array([1.0, 5.0]))
    assert found.dtype == np.float64
    assert np.array_equal(found, [4.0, np.nan, 1.0], equal_nan=True)


def test_leaving_an_emotion_out_shares_its_probability_among_the_others() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [np.nan] * 3, [1.0, 0.0, 0.0]])
    found = without(probabilities, np.array([False, True, True]))
    assert np.allclose(found[0], [0, 0.6, 0.4])
    assert np.isnan(found[1:]).all()  # the last frame says nothing about the two that are kept
    assert np.array_equal(without(probabilities, np.ones(3, bool))[0], probabilities[0])
    with pytest.raises(SpecError, match="keep at least one"):
        without(probabilities, np.zeros(3, bool))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"end_frames": 0.0}, "end_frames is 0"),
        ({"end_frames": math.nan}, "end_frames is nan"),
        ({"end_seconds": -1.0}, "end_seconds is -1"),
        ({"smoothing": math.inf}, "smoothing is inf"),
        ({"peak": "robbust"}, "did you mean 'robust'"),
        ({"parts": (0.0, 0.0, 0.0)}, "parts are all 0"),
        ({"parts": (1.0, -0.1, 0.1)}, "three numbers from 0 on"),
        ({"parts": (1.0, 1.0)}, "three numbers from 0 on"),
    ],
)
def test_settings_out_of_range_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Settings(**values)  # type: ignore[arg-type]


def test_the_parts_are_divided_by_their_sum() -> None:
    assert Settings(parts=(5, 1, 4)).shares == pytest.approx((0.5, 0.1, 0.4))
