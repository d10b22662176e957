"""The map in a headless Chromium: first paint and lasso to faces at 35,887 images, and 300,000 points on one board."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.app.conftest import CHROMIUM_FLAGS, serve
from tests.benchmarks.bench_app import paint
from tests.benchmarks.faces36k import source
from workbench import EmbedSpec, ImportSpec, MapSpec, Store, embed, import_dataset, lay_out
from workbench.app.launch import stop

VISITS, LASSOS = 3, 12
BOARD = ".scatter[data-frames]"
SHOWN = ".faces[data-shown]:not([data-shown=''])"
_INSIDE = """(selector) => [...document.querySelectorAll('*')].filter((node) => node.shadowRoot)
    .map((node) => node.shadowRoot.querySelector(selector)).find(Boolean)"""
_LET_GO_TO_SHOWN = f"""async (before) => {{
    const inside = {_INSIDE};
    while (!inside('.faces')?.dataset.shown || inside('.faces').dataset.shown === before) {{
        if (performance.now() - window.letGo > 30000) throw new Error('no faces within 30 s');
        await new Promise((resolve) => requestAnimationFrame(resolve));
    }}
    return performance.now() - window.letGo;
}}"""
_FRAMES = f"""async () => {{
    const canvas = ({_INSIDE})('.scatter canvas');
    const box = canvas.getBoundingClientRect();
    const started = performance.now();
    let [count, slowest, last] = [0, 0, started];
    while (last - started < 3000) {{
        canvas.dispatchEvent(new WheelEvent('wheel', {{ deltaY: count % 60 < 30 ? -20 : 20, bubbles: true,
            cancelable: true, clientX: box.left + 300, clientY: box.top + 200 }}));
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const now = performance.now();
        [count, slowest, last] = [count + 1, Math.max(slowest, now - last), now];
    }}
    return [count / 3, slowest];
}}"""


def run() -> list[tuple[str, str]]:
    """Lay 35,887 faces out by PCA and drive the Map page; then a board of 300,000 points by itself."""
    executable = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if executable is None:
        return [("map page", "not measured: no Chromium on this machine")]
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name) / "workspace")
        import_dataset(ImportSpec(str(source(Path(name))[0]), "faces"), store)
        embed(EmbedSpec("faces"), store)
        lay_out(MapSpec("faces", method="pca"), store)
        return measure(store.root, "faces", executable)


def measure(root: Path, dataset: str, executable: str) -> list[tuple[str, str]]:
    """Time the newest map of a dataset, and the component alone with 300,000 points."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_FLAGS))
        try:
            return [*_page(browser, root, dataset), *_board(browser, root)]
        finally:
            browser.close()


def _page(browser: Browser, root: Path, dataset: str) -> list[tuple[str, str]]:
    child, address = serve(root)
    try:
        link = f"{address}/map?dataset={dataset}"
        first, *later = [paint(browser, link, BOARD) for _ in range(VISITS + 1)]
        start = statistics.median(paint(browser, address, "[data-testid=stPageLink]") for _ in range(VISITS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(link)
        page.wait_for_selector(BOARD)
        page.evaluate("addEventListener('pointerup', () => { window.letGo = performance.now(); }, true)")
        lassos = [_lasso(page, place) for place in range(LASSOS)]
        frames, slowest = page.evaluate(_FRAMES)
    finally:
        stop(child)
    again = statistics.median(later)
    return [
        ("map, first visit after the server's start", f"{first:.1f} s"),
        ("map, first paint", f"{again:.1f} s ({again / start:.1f} x the Start page alone)"),
        (
            "lasso let go to its faces shown",
            f"{statistics.median(lassos):.0f} ms, slowest of {LASSOS}: {max(lassos):.0f} ms",
        ),
        ("zooming the map", f"{frames:.0f} frames/s, slowest frame {slowest:.0f} ms"),
    ]


def _board(browser: Browser, root: Path) -> list[tuple[str, str]]:
    child, address = serve(root, "scatter_serve.py")
    try:
        seconds = paint(browser, f"{address}/?case=huge", BOARD)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/?case=huge")
        page.wait_for_selector(BOARD)
        frames, slowest = page.evaluate(_FRAMES)
    finally:
        stop(child)
    return [
        ("a board of 300,000 points, first paint", f"{seconds:.1f} s"),
        ("zooming 300,000 points", f"{frames:.0f} frames/s, slowest frame {slowest:.0f} ms"),
    ]


def _lasso(page: Page, place: int) -> float:
    """Draw a square somewhere else than before; return milliseconds from letting go to its faces on the screen."""
    before = page.evaluate(f"() => ({_INSIDE})('.faces')?.dataset.shown ?? ''")
    box = page.locator(".scatter canvas").bounding_box()
    assert box is not None
    left = box["x"] + box["width"] * (0.3 + 0.1 * (place % 4))
    top = box["y"] + box["height"] * (0.35 + 0.1 * (place // 4))
    side = 0.08 * box["width"]
    page.keyboard.down("Shift")
    page.mouse.move(left, top)
    page.mouse.down()
    for right, down in ((1, 0), (1, 1), (0, 1), (0, 0)):
        page.mouse.move(left + right * side, top + down * side, steps=4)
    page.mouse.up()
    milliseconds = float(page.evaluate(_LET_GO_TO_SHOWN, before))
    page.keyboard.up("Shift")
    page.wait_for_timeout(300)
    return milliseconds
