"""A document of a score in a browser without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.figures.test_document import HOSTILE, report
from workbench.figures.score_document import score_document
from workbench.methods.peak_end import Settings

pytestmark = pytest.mark.browser


def test_a_document_draws_its_figures_with_the_network_off_and_runs_nothing_else(
    chromium: Browser, tmp_path: Path
) -> None:
    place = tmp_path / "report.html"
    place.write_text(score_document(report(80, Settings(), notes=[HOSTILE])), encoding="utf-8")
    said: list[str] = []
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append("a dialog"), dialog.dismiss()))
    page.on("request", lambda request: said.append(request.url))
    page.goto(place.as_uri())
    page.wait_for_function("[...document.querySelectorAll('.plot')].every(each => each.querySelector('.main-svg'))")
    assert page.locator(".plot").count() == 4
    assert said == [place.as_uri()]
    context.close()
