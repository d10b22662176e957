"""Verdicts: from a key to the next face on the screen, and 10,000 of two writers with one of them killed."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.app.conftest import CHROMIUM_FLAGS, serve
from tests.app.review_workspace import write_suspects
from tests.benchmarks.faces36k import source
from tests.conftest import write_source
from workbench import ImportSpec, Store, import_dataset
from workbench.app.launch import stop
from workbench.data.datasets import open_dataset
from workbench.data.verdicts import Entry, Verdicts

FACES = 60
EACH = 5_000
SINGLE = 200
ROOT = Path(__file__).parents[2]
SHOWN = ".review[data-shown]:not([data-shown=''])"


def run() -> list[tuple[str, str]]:
    """Judge faces of a dataset of 35,887 by keyboard, then write 10,000 verdicts from two processes."""
    with tempfile.TemporaryDirectory() as name:
        return [*judge(Path(name)), *write(Path(name))]


def judge(folder: Path) -> list[tuple[str, str]]:
    """Time from the key to the frame in which the next face is drawn, with a person's pause between verdicts."""
    executable = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if executable is None:
        return [("verdict to next face", "not measured: no Chromium on this machine")]
    store = Store(folder / "workspace")
    import_dataset(ImportSpec(str(source(folder)[0]), "faces"), store)
    write_suspects(store, "faces")
    child, address = serve(store.root)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_FLAGS))
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{address}/review?dataset=faces")
            page.get_by_label("Your name as a reviewer").fill("bench")
            page.keyboard.press("Enter")
            page.wait_for_selector(SHOWN)
            page.wait_for_timeout(2000)
            times = [next_face(page, key) for key in ("Enter", "k", "a", "s", "2") * (FACES // 5)]
            browser.close()
    finally:
        stop(child)
    saved = len(Verdicts(store).rows("faces"))
    quick = sorted(times)[int(0.95 * len(times))]
    shown = f"{statistics.median(times):.0f} ms, 95 % within {quick:.0f} ms, slowest of {FACES}: {max(times):.0f} ms"
    return [("verdict to next face", shown), ("verdicts on the disk afterwards", f"{saved} of {FACES}")]


def next_face(page: Page, key: str) -> float:
    """Press a key and return the milliseconds until the next face was drawn, as the page measured it."""
    before = page.locator(".review").get_attribute("data-row")
    page.keyboard.press(key)
    page.locator(f'.review:not([data-shown="{before}"])').wait_for()
    took = page.locator(".review").get_attribute("data-took")
    page.wait_for_timeout(250)
    return float(took or "nan")


def write(folder: Path) -> list[tuple[str, str]]:
    """Time one verdict at a time, and have two writers send 10,000, one of them killed and started again."""
    store = Store(folder / "writers")
    import_dataset(ImportSpec(str(write_source(folder / "few.parquet", 60)), "faces"), store)
    dataset, verdicts = open_dataset(store, "faces"), Verdicts(store)
    started = time.perf_counter()
    for number in range(SINGLE):
        verdicts.add(dataset, [Entry(f"face-{number % 60:04d}", "one", "skip")])
    single = (time.perf_counter() - started) / SINGLE
    wanted = {name: tokens(folder / f"{name}.tokens", name) for name in ("ann", "bob")}
    started = time.perf_counter()
    bob, ann = writer(store, folder, "bob"), writer(store, folder, "ann")
    notes = folder / "ann.acknowledged"
    while not notes.exists() or len(notes.read_text().split()) < EACH // 2:
        time.sleep(0.01)
    ann.kill()
    ann.wait()
    again = writer(store, folder, "ann")
    ended = again.wait(), bob.wait()
    seconds = time.perf_counter() - started
    found = Counter(row.token for row in verdicts.rows("faces") if row.reviewer != "one")
    expected = {token for each in wanted.values() for token in each}
    lost, doubled = len(expected - found.keys()), sum(count > 1 for count in found.values())
    return [
        ("one verdict onto the disk", f"{single * 1000:.0f} ms"),
        (
            f"{2 * EACH:,} verdicts, two writers, one killed at half and started again",
            f"{lost} lost, {doubled} doubled, exit statuses {ended}, {seconds:.0f} s",
        ),
    ]


def tokens(path: Path, name: str) -> list[str]:
    """Write what a writer is to send; see tests.data.verdict_writer."""
    made = [f"{name}-{index:06d}" for index in range(EACH)]
    path.write_text("".join(f"{token} face-{index % 60:04d} skip\n" for index, token in enumerate(made)))
    return made


def writer(store: Store, folder: Path, name: str) -> subprocess.Popen[bytes]:
    """Start a writer."""
    files = str(folder / f"{name}.tokens"), str(folder / f"{name}.acknowledged")
    command = [sys.executable, "-m", "tests.data.verdict_writer", str(store.root), "faces", name, *files]
    return subprocess.Popen(command, cwd=ROOT)
