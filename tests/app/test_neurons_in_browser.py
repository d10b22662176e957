"""The Neurons page in a real browser: sorting, filters, search, a unit's page, the way from faces to units and back."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.app.conftest import HOSTILE, UNITS, Visit
from workbench.app.units import UNITS_A_PAGE, UnitChoice, chosen_units, default_order, fired_units, unit_name
from workbench.store import Store
from workbench.studies.dissection import Dissection, open_dissection
from workbench.studies.unit_values import UnitValues

pytestmark = pytest.mark.browser

VIEWS = (
    "neurons?dataset={}",
    "neurons?dataset={}&tab=layers",
    "neurons?dataset={}&tab=removal&of=conv1",
    "neurons?dataset={}&unit=conv1:1&maps=yes",
    "neurons?dataset={}&unit=lin1:0&part=faces&face=3",
    "confusions?dataset={}&split=all&face=3",
)


@pytest.fixture(scope="module")
def dissection(workspace: Store) -> Dissection:
    return open_dissection(next(a for a in workspace.artifacts("dissection") if a.spec["dataset"] == "faces"))


def rows(visit: Visit) -> Locator:
    return visit.page.locator(".units a[data-unit]")


def shown(visit: Visit) -> list[str]:
    return [str(link.get_attribute("data-unit")) for link in rows(visit).all()]


def expect_units(visit: Visit, dissection: Dissection, choice: UnitChoice, order: str = "") -> None:
    """Wait until the table shows exactly the units of a choice, in its order."""
    units = chosen_units(dissection, choice, order or default_order(choice))
    names = [unit_name(dissection, number) for number in units[:UNITS_A_PAGE]]
    expect(rows(visit)).to_have_count(len(names))
    settle(visit, lambda: shown(visit) == names)


def settle(visit: Visit, condition: Callable[[], bool]) -> None:
    for _ in range(60):
        if condition():
            return
        visit.page.wait_for_timeout(100)
    assert condition()


def choose(visit: Visit, name: str, option: str) -> None:
    box = visit.page.get_by_role("combobox", name=re.compile(f"(^|\\. ){name}$|{name}"))
    box.first.click()
    box.first.fill(option)
    visit.page.get_by_role("option", name=option, exact=True).click()


@pytest.mark.parametrize("dataset", ["faces", "hostile"])
def test_every_view_of_units_is_drawn_without_an_error_a_script_or_a_request_to_elsewhere(
    visit: Visit, dataset: str
) -> None:
    for view in VIEWS:
        visit.go(view.format(dataset))
        visit.page.wait_for_timeout(300)
        assert visit.page.locator("[data-testid=stException]").count() == 0, view
        assert visit.page.locator("[data-testid=stAlertContentError]").count() == 0, view
    assert visit.errors == []
    assert visit.outside == []
    assert visit.page.evaluate("window.hacked") is None


def test_hostile_concepts_are_shown_as_they_are(visit: Visit) -> None:
    visit.go("neurons?dataset=hostile&labelled=yes")
    expect(rows(visit).first).to_be_visible()
    found = set(visit.page.locator(".units td:nth-child(4) .text span").all_text_contents())
    assert found <= set(HOSTILE)
    visit.page.locator(".units tbody tr").first.click()
    heading = visit.page.locator(".st-key-unit-title h3")
    expect(heading).to_be_visible()
    assert any(name in heading.inner_text() for name in found)


def test_a_heading_sorts_and_again_the_other_way_round(visit: Visit, dissection: Dissection) -> None:
    visit.go("neurons?dataset=faces")
    expect_units(visit, dissection, UnitChoice())
    for name, order in (
        ("similarity", "-similarity"),
        ("similarity", "similarity"),
        ("q", "q"),
        ("emotion", "-emotion"),
    ):
        visit.page.locator(f'.units [data-order="{name}"]').click()
        expect_units(visit, dissection, UnitChoice(), order)
        sort = "descending" if order.startswith("-") else "ascending"
        expect(visit.page.locator(f'.units th:has([data-order="{name}"])')).to_have_attribute("aria-sort", sort)
        visit.wait_for_value("sort", order)


def test_units_for_an_emotion_are_ranked_by_its_auroc(visit: Visit, dissection: Dissection) -> None:
    visit.go("neurons?dataset=faces")
    choose(visit, "Emotion", "happy")
    expect_units(visit, dissection, UnitChoice(emotion="happy"), "-emotion")
    visit.wait_for_value("emotion", "happy")
    happy = visit.page.locator(".units td:last-child .text span").all_text_contents()
    assert all(text.startswith("happy ") for text in happy)
    choose(visit, "Units for it", "label speaks for it")
    expect_units(visit, dissection, UnitChoice(emotion="happy", by="speaks"), "-emotion")


def test_a_layer_and_labels_that_hold_narrow_the_table(visit: Visit, dissection: Dissection) -> None:
    visit.go("neurons?dataset=faces")
    choose(visit, "Layer", "conv1")
    expect_units(visit, dissection, UnitChoice(layer="conv1"))
    visit.page.get_by_text("Label holds").last.click()
    expect_units(visit, dissection, UnitChoice(layer="conv1", labelled=True))
    visit.wait_for_value("layer", "conv1")
    visit.wait_for_value("labelled", "yes")


@pytest.mark.parametrize("text", ["brows", "happy", "lin1:42", "no such thing"])
def test_a_search_finds_by_concept_emotion_or_unit(visit: Visit, dissection: Dissection, text: str) -> None:
    visit.go("neurons?dataset=faces")
    search = visit.page.get_by_role("textbox", name="Search")
    search.fill(text)
    search.press("Enter")
    visit.wait_for_value("search", text)
    expect_units(visit, dissection, UnitChoice(search=text))
    if text == "no such thing":
        expect(visit.page.locator(".units .empty")).to_contain_text("Widen the filters")


def test_pages_turn_by_button_and_by_key(visit: Visit, dissection: Dissection) -> None:
    visit.go("neurons?dataset=faces&sort=layer")
    names = [unit_name(dissection, number) for number in range(UNITS)]
    visit.page.locator(".st-key-neurons-on button:visible").first.click()
    visit.wait_for_value("units", "2")
    settle(visit, lambda: shown(visit) == names[UNITS_A_PAGE : 2 * UNITS_A_PAGE])
    rows(visit).first.focus()
    visit.page.keyboard.press("PageDown")
    visit.wait_for_value("units", "3")
    settle(visit, lambda: shown(visit) == names[2 * UNITS_A_PAGE :])


def test_the_table_is_walked_with_keys_and_enter_opens_the_unit_and_back_is_where_one_was(
    visit: Visit, dissection: Dissection
) -> None:
    visit.go("neurons?dataset=faces")
    rows(visit).first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
        visit.page.keyboard.press(key)
    second = unit_name(dissection, chosen_units(dissection, UnitChoice(), "-faithfulness")[1])
    visit.wait_for_value("unit", second)
    expect(visit.page.locator(".st-key-unit-title h3")).to_contain_text(second)
    visit.page.locator(".st-key-neurons-all-units button").click()
    expect(visit.page.locator(".units tr.opened a")).to_have_attribute("data-unit", second)
    visit.wait_for_value("unit", None)


def test_a_link_leads_to_the_unit_and_survives_a_reload(visit: Visit, dissection: Dissection) -> None:
    visit.go(f"neurons?run={dissection.artifact.name}&unit=conv1:7")
    number = dissection.index("conv1", 7)
    for _ in range(2):
        expect(visit.page.locator(".st-key-unit-title h3")).to_contain_text("conv1:7")
        expect(visit.page.locator(".unitfaces button")).to_have_count(dissection.top.shape[1])
        tops = [int(tile.get_attribute("data-row") or -1) for tile in visit.page.locator(".unitfaces button").all()]
        assert tops == dissection.top[number].tolist()
        expect(visit.page.locator("[data-testid=stPlotlyChart]")).to_have_count(5)
        visit.page.reload()
        visit.settle()


def test_activation_maps_are_laid_over_the_faces_and_taken_away(visit: Visit, dissection: Dissection) -> None:
    visit.go("neurons?dataset=faces&unit=conv1:7")
    faces = visit.page.locator(".unitfaces")
    expect(faces).to_have_attribute("data-maps", "")
    visit.page.get_by_text("Activation maps").click()
    address = f"/api/map/{dissection.artifact.name}/{dissection.index('conv1', 7)}"
    expect(faces).to_have_attribute("data-maps", address)
    visit.wait_for_value("maps", "yes")
    expect(visit.page.locator(".unitfaces .cover").nth(2)).to_have_css("background-position", "50% 0px")
    visit.page.get_by_text("Activation maps").click()
    expect(faces).to_have_attribute("data-maps", "")


def test_a_layer_without_space_has_no_maps(visit: Visit) -> None:
    visit.go("neurons?dataset=faces&unit=lin1:7")
    expect(visit.page.locator(".unitfaces button").first).to_be_visible()
    expect(visit.page.get_by_text("Activation maps")).to_have_count(0)


def test_what_removing_units_costs_is_shown_in_words(visit: Visit) -> None:
    visit.go("neurons?dataset=faces&tab=removal&of=conv1")
    words = visit.page.locator(".st-key-sentences li")
    expect(words).to_have_count(7)
    expect(words.nth(3)).to_contain_text("Removing the 4 units of conv1 that count most for happy takes")
    visit.go("neurons?dataset=faces&unit=conv1:3")
    expect(visit.page.get_by_text("On 700 images of validation; accuracy 60.0 %")).to_be_visible()


def test_a_near_unit_opens_its_own_page(visit: Visit, dissection: Dissection) -> None:
    visit.go("neurons?dataset=faces&unit=lin1:7")
    near = unit_name(dissection, int(dissection.nearest[dissection.index("lin1", 7)][1]))
    visit.page.locator(f'.unitlinks a[data-unit="{near}"]').first.click()
    visit.wait_for_value("unit", near)
    expect(visit.page.locator(".st-key-unit-title h3")).to_contain_text(near)


def test_from_a_unit_to_its_faces_to_the_confusions_page_and_back_to_a_unit(
    visit: Visit, dissection: Dissection, workspace: Store
) -> None:
    values = UnitValues(dissection, workspace).unit("lin1", 7)
    visit.go("neurons?dataset=faces&unit=lin1:7")
    visit.page.get_by_text("All faces by activation").click()
    tiles = visit.page.locator(".faces button")
    expect(tiles).to_have_count(100)
    found = [int(tile.get_attribute("data-row") or -1) for tile in tiles.all()]
    assert (np.diff(values[found]) <= 0).all()
    assert values[found[0]] == values.max()
    tiles.nth(2).click()
    visit.wait_for_value("face", str(found[2]))
    visit.page.get_by_text("Open on the Confusions page").click()
    visit.page.wait_for_url(re.compile(rf"confusions\?.*face={found[2]}(&|$)"))
    links = visit.page.locator(".unitlinks a")
    units, _, _ = fired_units(dissection, UnitValues(dissection, workspace).face(found[2]), 8)
    expect(links).to_have_count(8)
    assert [link.get_attribute("data-unit") for link in links.all()] == [unit_name(dissection, n) for n in units]
    links.nth(1).click()
    visit.page.wait_for_url(re.compile("neurons"))
    expect(visit.page.locator(".st-key-unit-title h3")).to_contain_text(unit_name(dissection, units[1]))


def test_the_faces_that_leave_a_unit_coldest_come_first_when_asked_for(
    visit: Visit, dissection: Dissection, workspace: Store
) -> None:
    values = UnitValues(dissection, workspace).unit("conv1", 3)
    visit.go("neurons?dataset=faces&unit=conv1:3&part=faces&end=low&split=test")
    tiles = visit.page.locator(".faces button")
    expect(tiles).to_have_count(100)
    found = [int(tile.get_attribute("data-row") or -1) for tile in tiles.all()]
    assert all(row % 3 == 2 for row in found)
    assert values[found[0]] == values[2::3].min()


def test_the_table_is_exported_with_the_filters(visit: Visit, dissection: Dissection, tmp_path: Path) -> None:
    visit.go("neurons?dataset=faces&layer=lin1&labelled=yes")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "units.csv")
    lines = list(csv.DictReader((tmp_path / "units.csv").read_text(encoding="utf-8").splitlines()))
    wanted = chosen_units(dissection, UnitChoice(layer="lin1", labelled=True), "-faithfulness")
    assert [f"{line['layer']}:{line['unit']}" for line in lines] == [unit_name(dissection, n) for n in wanted]
