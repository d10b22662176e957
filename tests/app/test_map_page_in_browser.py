"""The Map page in a real browser: a lasso gives the faces it holds, and every state is a link."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.app.conftest import HOSTILE, Visit, open_tab, serve
from tests.app.test_map_page import map_of, mapped
from tests.app.test_scatter_in_browser import circle, pixel
from workbench.app.lasso import inside
from workbench.app.launch import stop
from workbench.data.datasets import open_dataset
from workbench.store import Store

__all__ = ["mapped"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def map_server(mapped: Store) -> Iterator[str]:
    child, address = serve(mapped.root)
    yield address
    stop(child)


@pytest.fixture
def tab(chromium: Browser, map_server: str) -> Iterator[Visit]:
    for visit in open_tab(chromium, map_server):
        yield visit
        assert visit.outside == []
        assert visit.errors == []


def go(tab: Visit, link: str = "map?dataset=faces") -> Locator:
    tab.go(link)
    tab.page.wait_for_selector(".scatter[data-frames]")
    return tab.page.locator(".scatter")


def select(tab: Visit, board: Locator, store: Store, radius: float = 0.3) -> str:
    """Draw a lasso around the middle, wait for the faces, and return the lasso's text."""
    found = map_of(store)
    wide = float(np.ptp(found.points, axis=0).max())
    circle(tab, board, *(float(value) for value in found.centre), wide * radius)
    tab.page.wait_for_url(re.compile("lasso="))
    expect(tab.page.get_by_role("button", name="Let go", exact=True)).to_be_visible()
    return tab.values()["lasso"]


def test_a_lasso_shows_its_faces_their_confusions_and_survives_a_reload(tab: Visit, mapped: Store) -> None:
    board = go(tab)
    lasso = select(tab, board, mapped)
    held = int(inside(map_of(mapped).points, lasso).sum())
    assert 0 < held < 360
    expect(board).to_have_attribute("data-chosen", str(held))
    expect(tab.page.get_by_role("button", name=f"Review these {held}")).to_be_visible()
    cells = tab.page.locator(".matrix td .count").all_text_contents()
    assert sum(int(text) for text in cells) == held
    tab.page.reload()
    tab.page.wait_for_selector(".scatter[data-frames]")
    expect(board).to_have_attribute("data-chosen", str(held))
    expect(tab.page.get_by_role("button", name=f"Review these {held}")).to_be_visible()


def test_a_cell_of_the_selection_narrows_the_faces_and_the_export_lists_them(tab: Visit, mapped: Store) -> None:
    board = go(tab)
    lasso = select(tab, board, mapped, radius=0.4)
    cell = tab.page.locator(".matrix td:not(.zero) button").first
    expected = int(cell.locator(".count").inner_text())
    cell.click()
    expect(tab.page.get_by_role("button", name=re.compile(f"Review these {expected}$"))).to_be_visible()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="CSV", exact=True).click()
    lines = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    assert len(lines) == expected
    dataset, found = open_dataset(mapped, "faces"), map_of(mapped)
    held = set(dataset.ids[found.rows[inside(found.points, lasso)]].tolist())
    assert {line["id"] for line in lines} <= held
    assert len({(line["label"], line["predicted"]) for line in lines}) == 1


def test_a_point_shows_its_face_and_a_face_rings_its_point(tab: Visit, mapped: Store) -> None:
    board = go(tab)
    found = map_of(mapped)
    outermost = int(np.argmax(np.linalg.norm(found.points - found.centre, axis=1)))
    tab.page.mouse.click(*pixel(board, *(float(value) for value in found.points[outermost])))
    tab.wait_for_value("face", str(int(found.rows[outermost])))
    expect(tab.page.locator(".card .facts")).to_contain_text(str(open_dataset(mapped, "faces").ids[outermost]))
    expect(board.locator(".ring.picked")).to_have_count(1)
    tile = tab.page.locator(".faces button").nth(3)
    tile.click()
    tab.wait_for_value("face", str(tile.get_attribute("data-row")))
    expect(board.locator(".ring.picked")).to_have_count(1)


def test_hovering_a_point_shows_its_picture_and_name(tab: Visit, mapped: Store) -> None:
    board = go(tab)
    found = map_of(mapped)
    outermost = int(np.argmax(np.linalg.norm(found.points - found.centre, axis=1)))
    tab.page.mouse.move(*pixel(board, *(float(value) for value in found.points[outermost])))
    expect(board.locator(".near .id")).to_have_text(str(open_dataset(mapped, "faces").ids[outermost]))
    picture = board.locator(".near img")
    tab.page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())


def test_recolouring_and_prompts_keep_the_selection(tab: Visit, mapped: Store) -> None:
    board = go(tab)
    select(tab, board, mapped)
    held = board.get_attribute("data-chosen")
    tab.page.get_by_role("textbox", name="Drop a prompt").fill("a happy face")
    tab.page.get_by_role("textbox", name="Drop a prompt").press("Enter")
    tab.wait_for_value("colour", "prompt")
    expect(board.locator(".mark.prompt")).to_have_count(1)  # the first prompt loads the CLIP
    expect(board.locator(".scale")).to_be_visible()
    expect(board).to_have_attribute("data-chosen", str(held))
    expect(tab.page.get_by_text("most similar first")).to_be_visible()


def test_legend_and_camera_are_in_the_address(tab: Visit, mapped: Store) -> None:
    board = go(tab)
    board.locator(".chip[data-name='1']").click()
    tab.wait_for_value("hidden", "1")
    board.locator(".chip[data-name='texts']").click()
    tab.wait_for_value("layers", "texts")
    board.locator("canvas").press("+")
    tab.page.wait_for_url(re.compile("camera="))
    tab.page.reload()
    tab.page.wait_for_selector(".scatter[data-frames]")
    expect(board.locator(".mark.text")).to_have_count(0)
    expect(board.locator(".chip[data-name='1']")).to_have_attribute("aria-pressed", "false")
    assert board.evaluate("map => map.workbench.camera.zoom") == 1.5


def test_another_page_and_back_is_the_same_map(tab: Visit, mapped: Store) -> None:
    board = go(tab)
    select(tab, board, mapped)
    held = str(board.get_attribute("data-chosen"))
    tab.page.get_by_role("link", name="Confusions").click()
    tab.page.wait_for_url(re.compile("/confusions"))
    tab.settle()
    tab.page.get_by_role("link", name="Map", exact=True).click()
    tab.page.wait_for_selector(".scatter[data-frames]")
    expect(board).to_have_attribute("data-chosen", held)


def test_hostile_names_are_shown_as_they_are(tab: Visit) -> None:
    board = go(tab, "map?dataset=hostile&face=0")
    names = board.locator(".chip .name").all_text_contents()
    assert set(HOSTILE) <= set(names)
    x, y = board.evaluate("map => [...map.workbench.space.places.slice(0, 2)]")
    tab.page.mouse.move(*pixel(board, x, y))
    expect(board.locator(".near .id")).to_be_visible()
    assert tab.page.evaluate("window.hacked") is None
    assert tab.page.locator("[data-testid=stException]").count() == 0
