"""Drive the app through its pages in a headless Chromium and take the README's pictures of them.

``python analyses/tour/run.py WORKSPACE``: the workspace is one that ``workbench demo`` built. What the demo leaves to
its visitors, learned prompts, a ladder and a look at robustness, is run before the pages that show it are visited.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from workbench import CoopSpec, LadderSpec, RobustnessSpec, Store
from workbench.app.launch import ADDRESS, command, environment, free_port, stop, wait_until_ready
from workbench.studies import run_study

PICTURES = Path(__file__).with_name("pictures")
_PICTURE_LOADED = """() => [...document.querySelectorAll('*')].filter((node) => node.shadowRoot)
    .some((node) => node.shadowRoot.querySelector('.card img')?.naturalWidth > 0)"""
SHOWN = ".faces[data-shown]:not([data-shown=''])"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PAGES = {
    "start": ("", "[data-testid=stPageLink]"),
    "data": ("data?dataset=demo&tab=images", SHOWN),
    "health": ("data?dataset=demo&tab=health", SHOWN),
    "confusions": ("confusions?dataset=demo&split=all&label=fear&predicted=surprise", SHOWN),
    "map": ("map?dataset=demo", ".scatter[data-frames]"),
    "angles": ("map?dataset=demo&tab=angles", "[data-testid=stPlotlyChart] .main-svg"),
    "review": ("review?dataset=demo&bin=wrong+label", ".review[data-shown]:not([data-shown=''])"),
    "suspects": ("review?dataset=demo&tab=suspects", "[data-testid=stPlotlyChart] .main-svg"),
    "cleaning": ("review?dataset=demo&tab=loop", "[data-testid=stPlotlyChart] .main-svg"),
    "slices": ("slices?dataset=demo", ".slices[data-shown]:not([data-shown=''])"),
    "attributes": ("slices?dataset=demo&tab=attributes", ".slices[data-shown]:not([data-shown=''])"),
    "neurons": ("neurons?dataset=demo", ".units[data-shown]:not([data-shown=''])"),
    "unit": ("neurons?dataset=demo&unit=conv4b:26&maps=yes", "[data-testid=stPlotlyChart] .main-svg"),
    "reweight": ("reweight?dataset=demo&layer=lin1", "[data-testid=stPlotlyChart] .main-svg"),
    "video": ("video?video=peak-late.mp4", ".player svg path"),
    "sensitivity": ("video?video=two-faces.mp4&tab=sensitivity", "[data-testid=stPlotlyChart] .main-svg"),
    "jobs": ("jobs", "h1"),
}
"""Picture: the page's address, and what must be on it before it is taken."""
TRAINED = {
    "prompts": ("prompts?dataset=demo", "[data-testid=stPlotlyChart] .main-svg"),
    "training": ("training?dataset=demo&sort=-accuracy", ".models tbody tr"),
    "ladder": ("ladder?dataset=demo", ".models tbody tr"),
    "robustness": ("ladder?dataset=demo&tab=robustness", "[data-testid=stPlotlyChart] .main-svg"),
}
"""The same, of pages that show what is run first."""

RUNGS = "names,template,ensemble,fine-sum,fine-max,rank-vote,linear,mlp,forest,knn,pixel-mlp,lenet,face-cnn"
RUN = (
    LadderSpec("demo", rungs=RUNGS, trees=100, epochs=20),
    CoopSpec("demo", epochs=30),
    RobustnessSpec("demo", models="clip:face-clip,face-cnn", images=200, faces=70),
)
"""What is run before the pictures of these are taken."""


def main() -> None:
    """Visit every page of the workspace's app and save a picture of each."""
    store = Store(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("workspace"))
    visit(store, PAGES)
    for spec in RUN:
        run_study(spec, store)
    visit(store, TRAINED)


def visit(store: Store, pages: dict[str, tuple[str, str]]) -> None:
    """Serve the workspace and save a picture of each of the pages."""
    port = free_port()
    child = subprocess.Popen(command(port), env=environment(store.root), stdout=subprocess.DEVNULL)
    address = f"http://{ADDRESS}:{port}"
    PICTURES.mkdir(exist_ok=True)
    try:
        wait_until_ready(child, address)
        with sync_playwright() as playwright:
            executable = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            for name, (place, wanted) in pages.items():
                _take(page, f"{address}/{place}", wanted, PICTURES / f"{name}.png")
            browser.close()
    finally:
        stop(child)


def _take(page: Page, address: str, wanted: str, path: Path) -> None:
    page.goto(address)
    if "bin=" in address:
        page.get_by_label("Your name as a reviewer").fill("Ada")
        page.keyboard.press("Enter")
    page.wait_for_selector(wanted, timeout=60_000)
    page.wait_for_load_state("networkidle")
    page.wait_for_selector("[data-testid=stSkeleton]", state="detached")
    if "confusions" in address:
        page.locator(".faces button").first.click()
        page.wait_for_selector(".card .near button")
        page.wait_for_function(_PICTURE_LOADED)
    page.screenshot(path=str(path))


if __name__ == "__main__":
    main()
