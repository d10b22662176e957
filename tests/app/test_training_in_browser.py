"""Classifiers trained through the page in a browser: a probe, and a network that is watched, stopped, gone on with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.app.conftest import Visit, open_tab, serve
from tests.conftest import write_source
from workbench.app.launch import stop
from workbench.data.images import encode_png
from workbench.specs import ImportSpec
from workbench.store import Store

pytestmark = pytest.mark.browser
LONG = 240_000


@pytest.fixture
def tab(chromium: Browser, tmp_path: Path) -> Iterator[Visit]:
    from workbench.studies.importing import import_dataset

    store = Store(tmp_path / "workspace")
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 90)), "faces"), store)
    child, address = serve(store.root)
    for visit in open_tab(chromium, address):
        yield visit
        assert visit.outside == []
        assert visit.errors == []
    stop(child)


def number(form: Locator, name: str, value: str) -> None:
    field = form.get_by_role("spinbutton", name=name).or_(form.get_by_role("textbox", name=name)).first
    field.fill(value)
    field.press("Tab")


def chosen(main: Locator, name: str) -> Locator:
    return main.locator(".models tbody tr.chosen", has_text=name).first


def ask_for_network(tab: Visit, main: Locator, epochs: str) -> None:
    """Ask for a LeNet of so many epochs that does not stop by itself before."""
    main.get_by_role("tab", name="Network").click()
    form = main.locator("[data-testid=stForm]").filter(has_text="Augmentation")
    form.get_by_role("combobox", name="Network").click()
    tab.page.get_by_role("option", name="lenet", exact=True).click()
    number(form, "Epochs", epochs)
    if not form.get_by_role("spinbutton", name="Batch").or_(form.get_by_role("textbox", name="Batch")).is_visible():
        form.get_by_text("More", exact=True).click()
    number(form, "Patience", "0")
    number(form, "Batch", "15")
    form.get_by_role("button", name="Train", exact=True).click()


def test_a_probe_is_trained_tried_and_handed_on(tab: Visit, tiny_clip_folder: Path, tmp_path: Path) -> None:
    main = tab.page.locator("[data-testid=stMain]")
    tab.go("training")
    main.get_by_role("textbox", name="CLIP").first.fill(f"local-dir:{tiny_clip_folder}")
    main.get_by_role("button", name="Train", exact=True).first.click()
    expect(main).to_contain_text("Linear probe", timeout=LONG)
    expect(chosen(main, "linear probe")).to_be_visible(timeout=LONG)
    tab.page.wait_for_url(lambda url: tab.values(url).get("model", "").startswith("probe:faces-linear"))
    expect(main).to_contain_text("Strength of the penalty", timeout=LONG)
    main.locator(".models thead button", has_text="Time").click()
    tab.wait_for_value("sort", "seconds")
    (tmp_path / "face.png").write_bytes(encode_png(np.full((48, 48), 90, dtype=np.uint8)))
    tab.go("training?part=try&whose=whole")
    tab.page.locator("input[type=file]").set_input_files(tmp_path / "face.png")
    expect(main).to_contain_text("Emotion", timeout=LONG)
    assert main.locator("[data-testid=stException]").count() == 0
    main.get_by_role("link", name="Use it on a video").click()
    expect(tab.page.locator("[data-testid=stMultiSelect]")).to_contain_text("probe:faces-linear", timeout=LONG)


def test_a_network_is_watched_stopped_and_gone_on_with(tab: Visit) -> None:
    main = tab.page.locator("[data-testid=stMain]")
    tab.go("training")
    ask_for_network(tab, main, "9000")
    expect(main).to_contain_text("Best so far", timeout=LONG)
    expect(main.locator(".js-plotly-plot").first).to_be_visible(timeout=LONG)
    main.get_by_role("button", name="Stop", exact=True).click()
    stopped = re.compile(r"was stopped; [\d,]+ epochs? and the last checkpoint are kept")
    expect(main).to_contain_text(stopped, timeout=LONG)
    main.get_by_role("button", name="Start the same again").click()
    expect(main).to_contain_text("Best so far", timeout=LONG)
    main.get_by_role("button", name="Stop", exact=True).click()
    expect(main).to_contain_text("was stopped", timeout=LONG)
    main.get_by_role("button", name="Leave it").click()
    expect(main).not_to_contain_text("was stopped", timeout=LONG)

    tab.settle()
    ask_for_network(tab, main, "2")
    expect(chosen(main, "network lenet")).to_be_visible(timeout=LONG)
    expect(main).to_contain_text("2 epochs: all that were asked for", timeout=LONG)
    expect(main.get_by_role("link", name="Dissect it")).to_be_visible(timeout=LONG)
