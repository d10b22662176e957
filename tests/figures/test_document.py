"""Documents: one file that opens offline and cannot be made to run what it shows."""

from __future__ import annotations

import io
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from workbench.figures.document import Document
from workbench.figures.score_document import RESPONSIBLE_USE, ScoreReport, score_document
from workbench.methods.bootstrap import Estimate
from workbench.methods.peak_end import Settings, frame_scores, peak_end
from workbench.methods.score_evidence import block_bootstrap, sensitivity

HOSTILE = "</script></title><img src=x onerror=alert(1)>&\x00\ud800"


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    return buffer.getvalue()


class Tags(HTMLParser):
    """Collects tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._inside = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        self.words += "" if self._inside in ("script", "style") else data

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside if tag != self._inside else ""


def hostile_document() -> str:
    document = Document(HOSTILE).heading(HOSTILE).text(HOSTILE).note(HOSTILE).numbers([(HOSTILE, HOSTILE, HOSTILE)])
    document.table([HOSTILE], [[HOSTILE]]).definitions({HOSTILE: HOSTILE}).spec(HOSTILE)
    document.pictures([(HOSTILE, png())]).figure(go.Figure(go.Scatter(x=[1], y=[2], name=HOSTILE[:-1])))
    return document.versions().html()


def test_hostile_text_stays_text_everywhere() -> None:
    text = hostile_document()
    found = Tags(text)
    images = [attrs for tag, attrs in found.tags if tag == "img"]
    assert len(images) == 1
    assert str(images[0]["src"]).startswith("data:image/png;base64,")
    assert not any(name.startswith("on") for _, attrs in found.tags for name in attrs)
    assert found.words.count("onerror=alert(1)") == 14
    text.encode("utf-8")
    held = re.search(r'<script type="application/json">(.*?)</script>', text)
    assert held
    assert json.loads(held.group(1))["data"][0]["name"] == HOSTILE[:-1]


def test_a_document_asks_for_nothing_from_outside() -> None:
    found = Tags(hostile_document())
    for tag, attrs in found.tags:
        assert tag not in ("link", "iframe", "object", "base")
        assert not (attrs.get("src") or attrs.get("href") or "").startswith(("http", "//"))
    policy = next(attrs["content"] for tag, attrs in found.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_plotly_is_there_once_for_all_figures_and_not_at_all_without() -> None:
    figure = go.Figure(go.Scatter(x=[1], y=[2]))
    assert len(Document("none").text("words").html()) < 10_000
    one, two = (Document("some").figure(figure).html(), Document("some").figure(figure).figure(figure).html())
    assert len(one) > 1_000_000
    assert len(two) - len(one) < 10_000
    assert two.count('class="plot"') == 2


def test_columns_of_numbers_are_aligned_right_and_what_is_missing_is_a_dash() -> None:
    text = Document("t").table(["name", "n", "x"], [["a", 12345, 0.123456], ["b", None, math.nan]]).html()
    assert '<td>a</td><td class="n">12,345</td><td class="n">0.1235</td>' in text
    assert '<td>b</td><td class="n">–</td><td class="n">–</td>' in text
    assert "<tbody></tbody>" in Document("t").table(["nothing"], []).html()
    with pytest.raises(ValueError, match="needs 2 cells"):
        Document("t").table(["a", "b"], [["one"]])


def test_an_interval_stays_on_one_line() -> None:
    text = Document("t").table(["a", "b"], [["linear probe", "90.9 (88.3 to 93.5)"], ["of (a to b)", "–"]]).html()
    assert '<td>linear probe</td><td class="i">90.9 (88.3 to 93.5)</td>' in text
    assert ".i { white-space: nowrap; }" in text


def test_a_picture_must_be_one() -> None:
    with pytest.raises(ValueError, match="'x' is neither a PNG nor a JPEG"):
        Document("t").pictures([("x", b"<svg onload=alert(1)>")])


def test_versions_name_what_is_installed_and_pass_over_what_is_not() -> None:
    text = Document("t").versions(["numpy", "no-such-thing"]).html()
    assert f"numpy {np.__version__}" in text
    assert "no-such-thing" not in text
    assert "Python 3." in text


SCORES = np.array([1.0, 5.0, 3.0])
CLASSES = ("angry", "happy", "neutral")


def report(frames: int, how: Settings, **others: object) -> ScoreReport:
    """Return a report of a video of which every fifth frame is a gap, but not the last."""
    numbers, times = np.arange(frames), np.arange(frames) / 10
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), frames)
    probabilities[(numbers % 5 == 0) & (numbers < frames - 1)] = np.nan
    course = frame_scores(probabilities, SCORES)
    values = {
        "video": {"name": "<b>greeting</b>.mp4", "width": 640, "height": 360, "duration": 12.5, "rate": None},
        "model": "face-clip",
        "frames": numbers,
        "times": times,
        "course": course,
        "class_probabilities": probabilities,
        "classes": CLASSES,
        "emotions": [(name, name, float(score), 0.25) for name, score in zip(CLASSES, SCORES, strict=True)],
        "result": peak_end(numbers, times, course, how),
        "settings": how,
        "interval": block_bootstrap(numbers, times, course, how, resamples=50, scale=(1, 5)),
        "sensitivity": sensitivity(numbers, times, probabilities, SCORES, np.eye(3, dtype=bool), CLASSES, how),
    }
    return ScoreReport(**(values | others))  # type: ignore[arg-type]


def test_the_document_of_a_score_tells_all_of_it() -> None:
    how = Settings(end_seconds=2, parts=(1, 1, 2), peak="robust", smoothing=0.2)
    given = report(
        100,
        how,
        reported=3.5,
        notes=["a <note>"],
        fault={"time": 61.0, "frame": 100, "message": "the rest is <missing>"},
        pictures=[("Earlier peak, 0:01.2", png())],
        spec='kind = "score"',
    )
    words = Tags(score_document(given)).words
    result = given.result
    added = f"0.25 × {result.end:.2f} + 0.25 × {result.earlier:.2f} + 0.5 × {result.later:.2f} = {result.video:.2f}"
    for expected in (
        "Satisfaction score of <b>greeting</b>.mp4",
        f"{result.video:.2f}",
        f"{given.interval.low:.2f} to {given.interval.high:.2f}",
        f"{given.sensitivity.grid_low:.2f}–{given.sensitivity.grid_high:.2f}",
        added,
        "The last 2 seconds carry 95 %",
        "mean of the highest or lowest twentieth",
        "smoothed over 0.2 seconds",
        f"computed minus reported: {result.video - 3.5:+.2f}",
        "12.50 s (0:12.5)",
        "80 of 100 looked at",
        "20 (20.0%), in 20 stretches",
        "a <note>",
        "scored up to 1:01.0. the rest is <missing>",
        "Earlier peak, 0:01.2",
        'kind = "score"',
        "expression-workbench",
        RESPONSIBLE_USE,
    ):
        assert expected in words
    assert "Frames a second" not in words  # which this video does not tell
    assert words.count("without") >= len(CLASSES)


def test_a_score_of_one_frame_has_a_document_that_claims_no_interval() -> None:
    given = report(1, Settings())
    words = Tags(score_document(given)).words
    assert "too few frames were scored" in words
    assert "nan" not in words.lower()
    assert "Frames behind the score" not in words
    assert "damaged" not in words
    assert given.interval != Estimate(given.result.video, given.result.video, given.result.video)
