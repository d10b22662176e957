"""From a slice to its faces on the map, in a real browser: what was asked for is in view without scrolling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.app.conftest import Visit, open_tab, serve
from tests.app.test_map_page import map_of, mapped, only_slices
from tests.app.test_scatter_in_browser import pixel
from workbench.app.launch import stop
from workbench.store import Store

__all__ = ["mapped"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def slices_server(mapped: Store) -> Iterator[str]:
    child, address = serve(mapped.root)
    yield address
    stop(child)


@pytest.fixture
def tab(chromium: Browser, slices_server: str) -> Iterator[Visit]:
    for visit in open_tab(chromium, slices_server):
        visit.page.set_viewport_size({"width": 1440, "height": 900})
        yield visit
        assert visit.outside == []
        assert visit.errors == []


def expect_in_window(part: Locator) -> None:
    expect(part).to_be_in_viewport(ratio=0.7)


def test_an_opened_slice_shows_its_faces_and_leads_to_them_on_the_map(tab: Visit, mapped: Store) -> None:
    tab.go("slices?dataset=faces")
    tab.page.locator(".slices tbody tr").nth(1).click()
    tab.wait_for_value("slice", "1")
    expect(tab.page.locator(".slices.short")).to_be_visible()
    expect_in_window(tab.page.locator(".slices tr.opened"))
    expect_in_window(tab.page.locator(".faces button").first)
    tab.page.get_by_role("link", name="On the map").click()
    tab.page.wait_for_selector(".scatter[data-frames]")
    board, held = tab.page.locator(".scatter"), len(only_slices(mapped).rows(1))
    expect(board).to_have_attribute("data-chosen", str(held))
    expect(tab.page.get_by_role("button", name=f"Review these {held}")).to_be_visible()
    board.locator("canvas").press("Escape")
    expect(board).to_have_attribute("data-chosen", "0")
    expect(tab.page.get_by_role("button", name="Review these 360")).to_be_visible()


def test_a_clicked_points_face_is_in_the_window_and_escape_closes_it(tab: Visit, mapped: Store) -> None:
    tab.go("map?dataset=faces")
    tab.page.wait_for_selector(".scatter[data-frames]")
    board, found = tab.page.locator(".scatter"), map_of(mapped)
    highest = int(np.argmax(found.points[:, 1]))
    tab.page.mouse.click(*pixel(board, *(float(value) for value in found.points[highest])))
    tab.wait_for_value("face", str(int(found.rows[highest])))
    expect_in_window(tab.page.locator(".card .top"))
    expect(tab.page.locator(".matrix")).to_have_count(0)
    board.locator("canvas").press("Escape")
    expect(tab.page.locator(".matrix")).to_be_visible()
    expect(tab.page.locator(".card")).to_have_count(0)


def test_every_column_of_the_table_is_seen_in_a_narrow_window(tab: Visit) -> None:
    tab.page.set_viewport_size({"width": 900, "height": 900})
    tab.go("slices?dataset=faces")
    expect(tab.page.locator(".slices td").first).to_be_visible()
    table = tab.page.locator(".slices")
    assert table.evaluate("part => part.scrollWidth <= part.clientWidth")
