"""The Prompts page in a real browser: edits are answered at once, nothing typed is lost, every state is a link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.app.conftest import HOSTILE, Visit, open_tab, serve
from tests.app.test_prompts_page import FER7, bench, clip, prompted
from tests.app.test_prompts_studies import comparison_of
from workbench.app.launch import stop
from workbench.app.text import percent
from workbench.app.widgets.compare_result import RIGHT
from workbench.store import Store
from workbench.studies.prompt_lab import PromptLab

__all__ = ["bench", "clip", "prompted"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def prompt_server(prompted: Store) -> Iterator[str]:
    child, address = serve(prompted.root)
    yield address
    stop(child)


@pytest.fixture
def tab(chromium: Browser, prompt_server: str) -> Iterator[Visit]:
    for visit in open_tab(chromium, prompt_server):
        yield visit
        assert visit.outside == []
        assert visit.errors == []


def go(tab: Visit, clip: str) -> None:
    tab.go(f"prompts?dataset=faces&concepts=fer7&clip={clip}")
    expect(tab.page.locator(".matrix td").first).to_be_visible()  # the first answer loads the CLIP


def box(tab: Visit, label: str) -> Locator:
    return tab.page.get_by_role("textbox", name=label, exact=True)


def metric(tab: Visit, label: str) -> Locator:
    return tab.page.get_by_test_id("stMetric").filter(has_text=re.compile(f"^{label}")).get_by_test_id("stMetricValue")


def edit(tab: Visit, label: str, text: str) -> None:
    before = tab.values().get("edit", "")
    box(tab, label).fill(text)
    box(tab, label).press("Control+Enter")
    tab.page.wait_for_function(
        "before => (new URLSearchParams(location.search).get('edit') ?? '') !== before", arg=before
    )
    tab.settle()


def accuracy(bench: PromptLab, *templates: str) -> str:
    return percent(bench.evaluate(replace(FER7, templates=templates)).measured.accuracy.value)


def test_an_edit_moves_figures_matrix_and_address_and_a_reload_keeps_it(
    tab: Visit, clip: str, bench: PromptLab
) -> None:
    go(tab, clip)
    edit(tab, "Templates", "{}\nquite {} {}")
    expect(metric(tab, "Accuracy")).to_have_text(accuracy(bench, "{}", "quite {} {}"))
    tried = bench.evaluate(replace(FER7, templates=("{}", "quite {} {}")))
    counts = [str(number) for number in tried.confusion.ravel().tolist()]
    expect(tab.page.locator(".matrix td .count")).to_have_text(counts)
    expect(tab.page.get_by_text("since the start").first).to_be_visible()
    expect(tab.page.locator(".js-plotly-plot .ytick").filter(has_text="quite {} {}")).to_have_count(1)
    tab.page.reload()
    expect(tab.page.locator(".matrix td").first).to_be_visible()
    expect(box(tab, "Templates")).to_have_value("{}\nquite {} {}")
    expect(metric(tab, "Accuracy")).to_have_text(accuracy(bench, "{}", "quite {} {}"))


def test_what_is_being_typed_survives_the_answer_to_another_box(tab: Visit, clip: str) -> None:
    go(tab, clip)
    box(tab, "Templates").fill("{}\nno place")
    box(tab, "sad").click()  # leaving a box applies it; the other is typed into while the page answers
    box(tab, "sad").press_sequentially(", blue", delay=40)
    expect(tab.page.get_by_text("has no placeholder")).to_be_visible()
    expect(box(tab, "sad")).to_have_value("sad, blue")
    expect(box(tab, "Templates")).to_have_value("{}\nno place")
    box(tab, "sad").press("Control+Enter")
    box(tab, "Templates").fill("{}")
    box(tab, "Templates").press("Control+Enter")
    expect(tab.page.get_by_text("has no placeholder")).to_have_count(0)
    expect(box(tab, "sad")).to_have_value("sad, blue")
    tab.page.get_by_role("button", name="Undo").click()
    expect(box(tab, "Templates")).to_have_value("\n".join(FER7.templates))
    expect(box(tab, "sad")).to_have_value("sad")


def test_a_cell_shows_its_faces_and_a_face_its_card(tab: Visit, clip: str) -> None:
    go(tab, clip)
    cell = tab.page.locator(".matrix td:not(.zero) button").first
    expected = int(cell.locator(".count").inner_text())
    cell.click()
    expect(tab.page.get_by_role("button", name="Close", exact=True)).to_be_visible()
    expect(tab.page.locator(".faces button[data-row]")).to_have_count(min(expected, 100))
    tile = tab.page.locator(".faces button[data-row]").first
    row = str(tile.get_attribute("data-row"))
    tile.click()
    tab.wait_for_value("face", row)
    expect(tab.page.locator(".card .facts")).to_contain_text(row)
    tab.page.get_by_role("button", name="Close", exact=True).click()
    expect(tab.page.locator(".faces")).to_have_count(0)


def test_a_comparison_is_narrowed_to_faces_and_reviewed(tab: Visit, prompted: Store) -> None:
    found = comparison_of(prompted)
    tab.go(f"prompts?tab=compare&comparison={found.artifact.name}")
    expect(tab.page.get_by_text("Images they disagree on")).to_be_visible()
    right = found.disagreements["right"][0].as_py()
    tab.page.get_by_role("radio", name=re.compile(f"^{RIGHT[right]}")).click()
    rows = found.rows(right)
    expect(tab.page.get_by_role("button", name=f"Review these {len(rows)}", exact=True)).to_be_visible()
    tab.page.locator(".faces button[data-row]").first.click()
    tab.wait_for_value("face", str(int(rows[0])))
    expect(tab.page.locator(".card .facts")).to_contain_text(str(int(rows[0])))
    tab.page.get_by_role("button", name=re.compile("^Review these")).click()
    tab.page.wait_for_url(re.compile("/review.*queue=selection"))


def test_labels_that_attack_stay_text(tab: Visit, clip: str, workspace: Store) -> None:
    tab.go(f"prompts?dataset=hostile&split=train&clip={clip}&concepts={workspace.root.parent / 'hostile.yaml'}")
    expect(tab.page.locator(".matrix td").first).to_be_visible()
    for name in HOSTILE[:2]:
        expect(tab.page.get_by_test_id("stTextArea").filter(has_text=name)).to_have_count(1)
    assert tab.page.evaluate("window.hacked") is None
