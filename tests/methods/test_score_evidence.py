from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks import bench_score_interval
from tests.references import score_evidence as reference
from workbench.errors import SpecError
from workbench.methods import score_evidence as module
from workbench.methods.peak_end import Settings, frame_scores, peak_end
from workbench.methods.score_evidence import agreement, block_bootstrap, sensitivity

SCORES = np.array([1.0, 2.0, 5.0, 4.0, 3.0])
MEMBERSHIP = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=bool)
CLASSES = ("angry", "happy", "neutral")


def video(frames: int, seed: int = 0, gaps: float = 0.2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return frame numbers, times and probabilities of a video."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(5, 0.4), frames)
    missing = generator.random(frames) < gaps
    missing[generator.integers(frames)] = False
    probabilities[missing] = np.nan
    return np.arange(frames) * 2, np.arange(frames) / 10, probabilities


HOW = [
    Settings(),
    Settings(end_frames=30, parts=(1, 1, 1), peak="robust", smoothing=0.5),
    Settings(end_seconds=2, smoothing=0.3),
]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("frames", [1, 2, 90])
def test_the_grid_equals_scoring_each_combination_from_scratch(how: Settings, frames: int) -> None:
    numbers, times, probabilities = video(frames)
    found = sensitivity(numbers, times, probabilities, SCORES, MEMBERSHIP, CLASSES, how)
    expected = reference.grid(numbers, times, frame_scores(probabilities, SCORES), how)
    assert found.combinations == len(expected)
    assert (found.grid_low, found.grid_high) == pytest.approx(tuple(np.quantile(expected, [0.05, 0.95])))


@pytest.mark.parametrize("how", HOW)
def test_leaving_a_class_out_equals_the_literal_reference(how: Settings) -> None:
    numbers, times, probabilities = video(60)
    found = sensitivity(numbers, times, probabilities, SCORES, MEMBERSHIP, CLASSES, how)
    alone = {choice.name: choice for choice in found.choices if choice.group == "without"}
    assert tuple(alone) == CLASSES
    base = peak_end(numbers, times, frame_scores(probabilities, SCORES), how).video
    for place, name in enumerate(CLASSES):
        course = reference.without(probabilities, SCORES, MEMBERSHIP, place)
        assert alone[name].video == pytest.approx(peak_end(numbers, times, course, how).video)
        assert alone[name].change == pytest.approx(alone[name].video - base)


def test_each_choice_changes_one_thing_and_the_set_one_is_not_among_them() -> None:
    numbers, times, probabilities = video(200)
    course = frame_scores(probabilities, SCORES)
    found = sensitivity(numbers, times, probabilities, SCORES, MEMBERSHIP, CLASSES, Settings())
    scored = {(choice.group, choice.name): choice.video for choice in found.choices}
    assert len(scored) == len(found.choices) == 3 + 1 + 4 + 4 + 3
    for group, name, how in [
        ("smoothing", "over 1 s", Settings(smoothing=1.0)),
        ("peak", "mean of a twentieth", Settings(peak="robust")),
        ("end window", "last 30 frames", Settings(end_frames=30)),
        ("parts", "0.5 / 0.25 / 0.25", Settings(parts=(0.5, 0.25, 0.25))),
    ]:
        assert scored[group, name] == pytest.approx(peak_end(numbers, times, course, how).video)
    videos = [*scored.values(), peak_end(numbers, times, course, Settings()).video]
    assert (found.low, found.high) == (min(videos), max(videos))
    robust = sensitivity(
        numbers, times, probabilities, SCORES, MEMBERSHIP, CLASSES, Settings(peak="robust", smoothing=1.0)
    )
    names = [(choice.group, choice.name) for choice in robust.choices]
    assert ("peak", "single frame") in names
    assert ("smoothing", "none") in names
    assert ("smoothing", "over 1 s") not in names


def test_a_constant_course_moves_only_when_emotions_are_left_out() -> None:
    probabilities = np.tile([0.2, 0.1, 0.3, 0.2, 0.2], (50, 1))
    found = sensitivity(np.arange(50), np.arange(50) / 5, probabilities, SCORES, MEMBERSHIP, CLASSES, Settings())
    assert found.grid_low == pytest.approx(found.grid_high)
    for choice in found.choices:
        assert (abs(choice.change) > 0.01) == (choice.group == "without")


def test_a_class_that_alone_has_scores_cannot_be_left_out() -> None:
    only = np.ones((5, 1), dtype=bool)
    numbers, times, probabilities = video(30)
    found = sensitivity(numbers, times, probabilities, SCORES, only, ["all"], Settings())
    assert not [choice for choice in found.choices if choice.group == "without"]
    sure = np.tile([1.0, 0, 0, 0, 0], (30, 1))  # without anger nothing is left of any frame
    found = sensitivity(numbers, times, sure, SCORES, MEMBERSHIP, CLASSES, Settings())
    assert [choice.name for choice in found.choices if choice.group == "without"] == ["happy", "neutral"]


def test_a_video_of_gaps_has_no_sensitivity_and_no_interval() -> None:
    gaps = np.full((20, 5), np.nan)
    with pytest.raises(SpecError, match="none of the 20 scored frames"):
        sensitivity(np.arange(20), np.arange(20.0), gaps, SCORES, MEMBERSHIP, CLASSES, Settings())
    with pytest.raises(SpecError, match="none of the 20 scored frames"):
        block_bootstrap(np.arange(20), np.arange(20.0), gaps[:, 0], Settings())


@pytest.mark.parametrize("how", [Settings(), Settings(peak="robust", end_seconds=1.0, parts=(1, 2, 3))])
@pytest.mark.parametrize("frames", [12, 31, 200])
def test_the_interval_equals_recordings_drawn_one_by_one(how: Settings, frames: int) -> None:
    times = np.arange(frames) / 5
    scores = np.random.default_rng(frames).uniform(1, 5, frames)
    found = block_bootstrap(np.arange(frames), times, scores, how, resamples=60, seed=3)
    low, high = reference.bootstrap(times, scores, how, 60, 3)
    assert (found.low, found.high) == pytest.approx((low, high))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(10, 120),
    st.integers(0, 99),
    st.sampled_from(HOW),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([(1.0, 5.0), (-math.inf, math.inf)]),
)
def test_the_interval_holds_the_score_and_stays_on_the_scale(
    frames: int, seed: int, how: Settings, gaps: float, scale: tuple[float, float]
) -> None:
    numbers, times, probabilities = video(frames, seed, gaps)
    scores = frame_scores(probabilities, SCORES)
    found = block_bootstrap(numbers, times, scores, how, resamples=50, scale=scale)
    assert found.value == peak_end(numbers, times, scores, how).video
    if np.isfinite(scores).sum() < 10:
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    else:
        assert scale[0] - 1e-9 <= found.low <= found.value <= found.high <= scale[1] + 1e-9
        assert found == block_bootstrap(numbers, times, scores, how, resamples=50, scale=scale)


@pytest.mark.parametrize("course", ["constant", "high, then low", "waves"])
def test_the_interval_holds_the_score_of_another_recording(course: str) -> None:
    scores = bench_score_interval.courses(500)[course]
    holds, _, _ = bench_score_interval.coverage(scores, 0.1, Settings(), simulations=30)
    assert holds >= 0.86


def test_the_interval_of_a_course_without_noise_is_narrow_and_grows_with_the_noise() -> None:
    times = np.arange(750) / 25
    scores = np.full(750, 3.0)
    assert block_bootstrap(np.arange(750), times, scores, Settings()) == pytest.approx((3, 3, 3))
    noise = np.random.default_rng(0).normal(size=750)
    widths = []
    for size in (0.05, 0.2):
        found = block_bootstrap(np.arange(750), times, scores + size * noise, Settings())
        widths.append(found.high - found.low)
    assert 0 < widths[0] < widths[1]


@pytest.mark.parametrize("peak", ["extreme", "robust"])
def test_a_long_videos_groups_of_frames_give_about_the_same_interval(
    peak: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(1)
    times = np.arange(3000) / 25
    scores = 3 + np.sin(times / 10) + 0.2 * generator.normal(size=3000)
    exact = block_bootstrap(np.arange(3000), times, scores, Settings(peak=peak), resamples=400)
    monkeypatch.setattr(module, "_WORK", 400_000)
    monkeypatch.setattr(module, "_CHUNK", 50_000)
    grouped = block_bootstrap(np.arange(3000), times, scores, Settings(peak=peak), resamples=400)
    assert grouped == pytest.approx(exact, abs=0.03)
    assert grouped != exact


def test_frames_at_one_time_and_seconds_far_apart_have_an_interval() -> None:
    scores = np.random.default_rng(0).uniform(2, 4, 40)
    for times in (np.zeros(40), np.arange(40) * 60.0):
        found = block_bootstrap(np.arange(40), times, scores, Settings(), resamples=50)
        assert found.low < found.high


def test_agreement_measures_error_bias_and_rank() -> None:
    reported = np.array([1.0, 2.0, 3.0, 4.0])
    found = agreement(reported, reported + np.array([0.5, -0.1, 0.5, 0.3]))
    assert found.mae.value == pytest.approx(0.35)
    assert 0.1 <= found.mae.low < 0.35 < found.mae.high <= 0.5
    assert found.bias == pytest.approx(0.3)
    assert found.spearman == pytest.approx(1.0)
    assert found.videos == 4


def test_agreement_of_few_videos_claims_nothing_it_cannot_know() -> None:
    one = agreement(np.array([3.0]), np.array([4.0]))
    assert one.mae.value == 1.0
    assert math.isnan(one.mae.low)
    assert one.spearman is None
    assert agreement(np.full(5, 3.0), np.arange(5.0)).spearman is None


def test_scores_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(SpecError, match="nothing to compare"):
        agreement(np.zeros(0), np.zeros(0))
    with pytest.raises(SpecError, match="video 1 are not both numbers"):
        agreement(np.array([1.0, np.nan]), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="must both be"):
        agreement(np.zeros(2), np.zeros(3))
    with pytest.raises(SpecError, match="resamples is 0"):
        block_bootstrap(np.arange(3), np.arange(3.0), np.arange(3.0), Settings(), resamples=0)
