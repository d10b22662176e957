"""Jobs in a real browser: started from an empty workspace, followed through a reload, stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.app.conftest import Visit, open_tab, serve
from tests.conftest import write_source
from workbench.app.launch import stop

pytestmark = pytest.mark.browser


@pytest.fixture
def empty(chromium: Browser, tmp_path: Path) -> Iterator[Visit]:
    child, address = serve(tmp_path / "workspace")
    yield from open_tab(chromium, address)
    stop(child)


def test_a_job_is_started_followed_through_a_reload_and_stopped_and_an_import_ends_as_a_dataset(
    empty: Visit, tmp_path: Path
) -> None:
    empty.go("")
    empty.page.get_by_role("button", name="Build the demo").click()
    sidebar = empty.page.locator("[data-testid=stSidebar]")
    expect(sidebar).to_contain_text("build the demo")
    empty.page.reload()
    expect(sidebar).to_contain_text("build the demo")
    sidebar.get_by_role("button", name="Stop").click()
    expect(sidebar).not_to_contain_text("build the demo")
    empty.page.get_by_role("link", name="Jobs").click()
    expect(empty.page.locator("[data-testid=stMain]")).to_contain_text("cancelled")

    source = write_source(tmp_path / "faces.parquet", 30)
    empty.page.get_by_role("link", name="Data").click()
    empty.page.get_by_role("textbox", name="Source on this machine").fill(str(source))
    empty.page.get_by_role("textbox", name="Name in this workspace").fill("mine")
    empty.page.get_by_role("button", name="Import", exact=True).click()
    expect(empty.page.locator("[data-testid=stMain]")).to_contain_text("30 images")
    empty.page.get_by_role("link", name="Jobs").click()
    empty.page.get_by_role("link", name="Open the result").click()
    expect(empty.page).to_have_url(re.compile("data\\?dataset=mine"))
    expect(empty.page.locator("[data-testid=stMain]")).to_contain_text("30 images")
    assert empty.errors == []
    assert empty.outside == []
