"""The app at 35,887 images in a headless Chromium: first paint, and cell click to faces shown."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.app.conftest import CHROMIUM_FLAGS
from tests.benchmarks.faces36k import source
from tests.conftest import write_clip
from workbench import ClassifySpec, ImportSpec, Store, classify, import_dataset
from workbench.app.launch import ADDRESS, command, environment, free_port, stop, wait_until_ready
from workbench.models.clip import BUNDLED

VISITS = 3
CLICKS = 20
SHOWN = ".faces[data-shown]:not([data-shown=''])"
_CLICK_TO_SHOWN = """async (place) => {
    const inside = (selector) => [...document.querySelectorAll('*')].filter((node) => node.shadowRoot)
        .map((node) => node.shadowRoot.querySelector(selector)).find(Boolean);
    const before = inside('.faces').dataset.shown;
    const started = performance.now();
    const cells = [...inside('.matrix').querySelectorAll('td:not(.zero) button')];
    cells[(place * 11) % cells.length].click();
    while (!inside('.faces')?.dataset.shown || inside('.faces').dataset.shown === before) {
        if (performance.now() - started > 30000) throw new Error('no faces within 30 s');
        await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    const shown = performance.now() - started;
    const fetched = performance.now();
    await (await fetch(inside('.faces').dataset.shown, { cache: 'no-store' })).blob();
    return [shown, performance.now() - fetched];
}"""


def run() -> list[tuple[str, str]]:
    """Import and classify 35,887 images, then drive the app on them."""
    executable = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if executable is None:
        return [("app", "not measured: no Chromium on this machine")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(folder / "workspace")
        path, _ = source(folder)
        import_dataset(ImportSpec(str(path), "faces"), store)
        clip = (
            "face-clip" if BUNDLED["face-clip"].is_dir() else f"local-dir:{write_clip(_made(folder / 'clip'), seed=0)}"
        )
        classify(ClassifySpec("faces", clip), store)
        return measure(store.root, "faces", executable)


def measure(root: Path, dataset: str, executable: str) -> list[tuple[str, str]]:
    """Serve the workspace ``root`` and time the Confusions page of a dataset that has been classified."""
    port = free_port()
    child = subprocess.Popen(command(port), env=environment(root), stdout=subprocess.DEVNULL)
    address = f"http://{ADDRESS}:{port}"
    try:
        wait_until_ready(child, address)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_FLAGS))
            link = f"{address}/confusions?dataset={dataset}&split=all"
            first, *later = [paint(browser, link, SHOWN) for _ in range(VISITS + 1)]
            start = statistics.median(paint(browser, address, "[data-testid=stPageLink]") for _ in range(VISITS))
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(link)
            page.wait_for_selector(SHOWN)
            clicks, fetches = zip(*(_click(page, place) for place in range(CLICKS)), strict=True)
            browser.close()
    finally:
        stop(child)
    paint, click, fetch = (statistics.median(values) for values in (later, clicks, fetches))
    return [
        ("first visit after the server's start, faces shown", f"{first:.1f} s"),
        ("first paint with matrix and faces", f"{paint:.1f} s ({paint / start:.1f} x the Start page alone)"),
        ("cell click to faces shown", f"{click:.0f} ms, slowest of {CLICKS}: {max(clicks):.0f} ms"),
        ("cell click / fetching its pictures alone", f"{click / fetch:.1f} x the time"),
    ]


def paint(browser: Browser, link: str, selector: str) -> float:
    """Return the seconds from an empty tab without a cache to the selector being there."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    started = time.perf_counter()
    page.goto(link)
    page.wait_for_selector(selector, timeout=120_000)
    seconds = time.perf_counter() - started
    context.close()
    return seconds


def _click(page: Page, place: int) -> tuple[float, float]:
    """Click a cell that has not been clicked before; return milliseconds to its faces, and of fetching them again."""
    shown, fetched = page.evaluate(_CLICK_TO_SHOWN, place)
    page.wait_for_timeout(300)
    return float(shown), float(fetched)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
