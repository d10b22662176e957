"""The Neurons page at 10,000 units and 35,887 images in a headless Chromium: sort, filter, a unit and its faces."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.app.conftest import CHROMIUM_FLAGS
from tests.app.synthetic import write_dissection
from tests.benchmarks.faces36k import source
from workbench import ImportSpec, Store, import_dataset
from workbench.app.launch import ADDRESS, command, environment, free_port, stop, wait_until_ready

UNITS = 10_000
TURNS = 6
SHOWN = ".units[data-shown]:not([data-shown=''])"
ORDERS = ("similarity", "q", "emotion", "label", "accuracy", "stability", "lead", "unit")
INSIDE = """const inside = (selector) => [...document.querySelectorAll('*')].filter((node) => node.shadowRoot)
    .map((node) => node.shadowRoot.querySelector(selector)).find(Boolean);"""
_WAIT = """async ([inner, action, done]) => {
    const inside = new Function(`${inner}; return inside`)();
    const before = inside('.units')?.dataset.shown;
    const title = document.querySelector('h3')?.innerText;
    const started = performance.now();
    new Function('inside', action)(inside);
    const ended = new Function('inside', 'before', 'title', `return ${done}`);
    while (!ended(inside, before, title)) {
        if (performance.now() - started > 60000) throw new Error('not shown within 60 s');
        await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    return performance.now() - started;
}"""
_FETCH = """async (sheet) => {
    const started = performance.now();
    await (await fetch(sheet, { cache: 'no-store' })).blob();
    return performance.now() - started;
}"""
_TURNED = "inside('.units')?.dataset.shown && inside('.units').dataset.shown !== before"
_OPENED = (
    "inside('.unitfaces button') && document.querySelector('h3') && document.querySelector('h3').innerText !== title"
)
_DRAWN = "document.querySelectorAll('.stPlotlyChart .main-svg').length >= 3 && inside('.unitlinks a')"


def run() -> list[tuple[str, str]]:
    """Import 35,887 images, write a dissection of 10,000 units with random evidence, then drive the page on it."""
    executable = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if executable is None:
        return [("neurons", "not measured: no Chromium on this machine")]
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name) / "workspace")
        import_dataset(ImportSpec(str(source(Path(name))[0]), "faces"), store)
        write_dissection(store, "faces", UNITS)
        return measure(store.root, "faces", executable)


def measure(root: Path, dataset: str, executable: str) -> list[tuple[str, str]]:
    """Serve the workspace ``root`` and time the Neurons page of a dataset that has been dissected."""
    port = free_port()
    child = subprocess.Popen(command(port), env=environment(root), stdout=subprocess.DEVNULL)
    address = f"http://{ADDRESS}:{port}"
    try:
        wait_until_ready(child, address)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_FLAGS))
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            paint = [_paint(page, f"{address}/neurons?dataset={dataset}") for _ in range(3)]
            figures = {"first visit": paint[:1], "first paint": paint[1:], **_table(page), **_units(page)}
            browser.close()
    finally:
        stop(child)
    return [
        (name, f"{statistics.median(values):.0f} ms, slowest of {len(values)}: {max(values):.0f} ms")
        for name, values in figures.items()
    ]


def _table(page: Page) -> dict[str, list[float]]:
    sort = [_timed(page, f"inside('.units [data-order=\"{name}\"]').click()", _TURNED) for name in ORDERS]
    sheet = page.locator(".units").get_attribute("data-shown") or ""
    fetch = [float(page.evaluate(_FETCH, sheet.split()[-1])) for _ in range(TURNS)]
    key = "new KeyboardEvent('keydown', {key: 'PageDown', bubbles: true, composed: true})"
    turn = [_timed(page, f"inside('.units a').dispatchEvent({key})", _TURNED) for _ in range(TURNS)]
    choices = [("Emotion", "happy"), ("Emotion", "sad"), ("Layer", "lin1"), ("Concept", "Smile"), ("Emotion", "any")]
    return {
        "sort": sort,
        "fetching the pictures of one page alone": fetch,
        "turn the page": turn,
        "filter": [_filter(page, *choice) for choice in choices],
    }


def _units(page: Page) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"open a unit": [], "open a unit, all charts": [], "next unit": [], "back": []}
    for place in range(3):
        for name, done in (("open a unit", _OPENED), ("open a unit, all charts", _DRAWN)):
            row = f"inside('.units').querySelectorAll('tbody tr')[{3 * place}].click()"
            found[name].append(_timed(page, row, done))
            after = "document.querySelector('.st-key-neurons-unit-after button').click()"
            found["next unit"].append(_timed(page, after, _OPENED))
            back = "document.querySelector('.st-key-neurons-all-units button').click()"
            found["back"].append(_timed(page, back, "inside('.units')?.dataset.shown"))
    _timed(page, "inside('.units').querySelector('tbody tr').click()", _OPENED)
    faces = "[...document.querySelectorAll('button')].find((node) => node.textContent.includes('All faces')).click()"
    found["all faces by activation, first of a layer"] = [_timed(page, faces, "inside('.faces')?.dataset.shown")]
    picks = [
        _timed(page, f"inside('.faces').querySelectorAll('button')[{place}].click()", _card(place)) for place in (3, 5)
    ]
    return {**found, "a face of them": picks}


def _card(place: int) -> str:
    return f"inside('.card img')?.src.endsWith('/' + inside('.faces').querySelectorAll('button')[{place}].dataset.row)"


def _paint(page: Page, link: str) -> float:
    started = time.perf_counter()
    page.goto(link)
    page.wait_for_selector(SHOWN, timeout=120_000)
    return (time.perf_counter() - started) * 1000


def _timed(page: Page, action: str, done: str) -> float:
    """Return the milliseconds from an action, a script, to what shows that it is done."""
    milliseconds = float(page.evaluate(_WAIT, [INSIDE, action, done]))
    page.wait_for_timeout(700)
    return milliseconds


def _filter(page: Page, name: str, option: str) -> float:
    box = page.get_by_role("combobox", name=re.compile(name)).first
    box.click()
    box.fill(option)
    choice = page.get_by_role("option", name=option, exact=True)
    choice.wait_for()
    return _timed(page, "document.querySelector('[role=option]').click()", _TURNED)
