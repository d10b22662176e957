from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from workbench.errors import Cancelled
from workbench.progress import Console, EventFile, describe_rate


def test_rate_and_time_left_are_told() -> None:
    assert describe_rate(1200, 3000, 4.0) == "1,200 of 3,000 · 300/s · 6 s left"
    assert describe_rate(5, 10, 10.0) == "5 of 10 · 0.5/s · 10 s left"
    assert describe_rate(3, None, 0.0) == "3"


def test_a_stream_that_is_no_terminal_gets_one_line_a_step() -> None:
    stream = io.StringIO()
    console = Console(stream)
    console.step("decode", 3)
    for _ in range(3):
        console.advance()
    console.note("look here")
    console.step("write")
    console.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "note: look here"
    assert lines[1].startswith("decode: 3 of 3")
    assert lines[2].startswith("write")
    assert "\x1b" not in stream.getvalue()


def test_events_are_one_object_a_line_and_a_cancel_file_stops_the_work(tmp_path: Path) -> None:
    events = EventFile(tmp_path / "events.jsonl", interval=0.0)
    events.step("encode", 10)
    events.advance(4)
    (tmp_path / "cancel").touch()
    with pytest.raises(Cancelled, match="finished parts are kept"):
        events.advance(2)
    last = json.loads((tmp_path / "events.jsonl").read_text().splitlines()[-1])
    assert (last["step"], last["done"], last["total"]) == ("encode", 6, 10)
