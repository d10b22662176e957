"""How often the bootstrap interval of a video score holds what it should.

``python -m tests.benchmarks.bench_score_interval [FRAMES] [SIMULATIONS]``. Each course below is recorded twice, again
and again, with correlated noise (AR(1), standard deviation 0.3). The interval comes from the first recording. Counted
is how often it holds the score of the *other recording*, and the score of the *course without noise*.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from workbench.methods.peak_end import Settings, peak_end
from workbench.methods.score_evidence import block_bootstrap

RATE = 25.0
NOISE = 0.3
DECAYS = (0.0, 0.1, 0.3, 1.0)
"""Seconds after which the correlation of the noise has fallen to 1 / e."""
HOW = {
    "as the source study": Settings(),
    "robust peaks": Settings(peak="robust"),
    "smoothed over 0.5 s": Settings(smoothing=0.5),
}


def courses(frames: int) -> dict[str, np.ndarray]:
    """Return noiseless courses of so many frames, on the scale 1 to 5."""
    times = np.arange(frames) / RATE
    part = times / times[-1]
    return {
        "constant": np.full(frames, 3.0),
        "high, then low": 3 + 1.2 * _bump(part, 0.4, 0.08) - 0.8 * _bump(part, 0.75, 0.06),
        "rise": 2.5 + 1.5 / (1 + np.exp(-(part - 0.6) / 0.05)),
        "waves": 3 + 0.6 * np.sin(2 * np.pi * times / 8) + 0.3 * np.sin(2 * np.pi * times / 3.1),
        "a brief smile": 3 + 1.5 * _bump(times, times[-1] / 2, 0.25),
    }


def _bump(place: np.ndarray, middle: float, width: float) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * ((place - middle) / width) ** 2))


def noise(generator: np.random.Generator, shape: tuple[int, int], decay: float) -> np.ndarray:
    """Return AR(1) noise (recordings, frames)."""
    kept = np.exp(-1 / (RATE * decay)) if decay else 0.0
    drawn = generator.normal(size=shape)
    for frame in range(1, shape[1]):
        drawn[:, frame] = kept * drawn[:, frame - 1] + np.sqrt(1 - kept**2) * drawn[:, frame]
    return NOISE * drawn


def coverage(
    course: np.ndarray, decay: float, how: Settings, simulations: int, seed: int = 0
) -> tuple[float, float, float]:
    """Return the share of intervals that hold another recording's score, the noiseless score, and their mean width."""
    generator = np.random.default_rng(seed)
    frames, times = np.arange(len(course)), np.arange(len(course)) / RATE
    truth = peak_end(frames, times, course, how).video
    first, second = course + noise(generator, (2 * simulations, len(course)), decay).reshape(2, simulations, -1)
    holds = np.zeros(3)
    for one, other in zip(first, second, strict=True):
        found = block_bootstrap(frames, times, one, how, resamples=400, seed=seed)
        again = peak_end(frames, times, other, how).video
        holds += [found.low <= again <= found.high, found.low <= truth <= found.high, found.high - found.low]
    return tuple((holds / simulations).tolist())


def run(frames: int, simulations: int) -> Iterator[str]:
    """Yield a line for each way of scoring, decay and course."""
    for name, how in HOW.items():
        every = []
        for decay in DECAYS:
            for course_name, course in courses(frames).items():
                found = coverage(course, decay, how, simulations)
                every.append((decay, *found))
                yield (
                    f"{name:22} noise over {decay:3.1f} s, {course_name:15} other recording {found[0]:4.0%}, "
                    f"noiseless {found[1]:4.0%}, width {found[2]:.2f}"
                )
        table = np.array(every)
        quick, slow = table[table[:, 0] < 1, 1], table[table[:, 0] == 1, 1]
        yield (
            f"{name:22} other recording: mean {quick.mean():.0%}, least {quick.min():.0%} (noise up to 0.3 s); mean "
            f"{slow.mean():.0%}, least {slow.min():.0%} (noise over 1 s); noiseless course: {table[:, 2].min():.0%} to "
            f"{table[:, 2].max():.0%}"
        )


if __name__ == "__main__":
    for line in run(*map(int, sys.argv[1:3] or (750, 100))):
        sys.stdout.write(line + "\n")
