"""The app in a real browser: every page, clicks, keys, links, hostile text, and that nothing leaves the machine."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.conftest import FACES, HOSTILE, Visit
from workbench.app.browse import Choice, chosen_rows
from workbench.store import Store
from workbench.studies.classify import Classification, open_classification

pytestmark = pytest.mark.browser

VIEWS = (
    "",
    "data?dataset={}&tab=overview",
    "data?dataset={}&tab=images&face=1",
    "data?dataset={}&tab=health&check=exact",
    "confusions?dataset={}&tab=fine&split=all&face=3",
    "confusions?dataset={}&tab=classes",
    "confusions?dataset={}&tab=calibration",
)


def newest_run(store: Store, dataset: str) -> Classification:
    runs = [run for run in store.artifacts("classification") if run.spec["dataset"] == dataset]
    return open_classification(runs[0])


@pytest.mark.parametrize(("dataset", "views"), [("faces", VIEWS), ("hostile", VIEWS[:-1])])
def test_every_view_is_drawn_without_an_error_a_script_or_a_request_to_elsewhere(
    visit: Visit, dataset: str, views: tuple[str, ...]
) -> None:
    for view in views:
        visit.go(view.format(dataset))
        assert visit.page.locator("[data-testid=stException]").count() == 0, view
        assert visit.page.locator("[data-testid=stAlertContentError]").count() == 0, view
    assert visit.errors == []
    assert visit.outside == []
    assert visit.page.evaluate("window.hacked") is None


def test_hostile_names_are_shown_as_they_are(visit: Visit) -> None:
    visit.go("confusions?dataset=hostile&split=all&face=0")
    heads = visit.page.locator(".matrix th.side button")
    expect(heads).to_have_count(len(HOSTILE))
    assert heads.all_text_contents() == list(newest_names(visit))
    assert HOSTILE[0] in visit.page.locator(".card .facts").text_content()


def newest_names(visit: Visit) -> list[str]:
    return visit.page.locator(".matrix th.column button").all_text_contents()


def test_a_click_on_a_cell_shows_exactly_the_faces_in_it_most_confident_errors_first(
    visit: Visit, workspace: Store
) -> None:
    visit.go("confusions?dataset=faces&split=all")
    run = newest_run(workspace, "faces")
    label, predicted = largest_error(run)
    cell = visit.page.get_by_role("button", name=re.compile(f"^labelled {label}, predicted {predicted}:"))
    cell.click()
    visit.wait_for_value("predicted", predicted)
    rows = chosen_rows(run, Choice("all", label, predicted)).tolist()
    expect(visit.page.locator(".faces button")).to_have_count(min(100, len(rows)))
    shown = [int(tile.get_attribute("data-row") or -1) for tile in visit.page.locator(".faces button").all()]
    assert shown == rows[:100]
    assert cell.get_attribute("aria-pressed") == "true"


def largest_error(run: Classification) -> tuple[str, str]:
    cells = [(len(chosen_rows(run, Choice("all", a, b))), a, b) for a in run.classes for b in run.classes if a != b]
    _, label, predicted = max(cells)
    return label, predicted


def test_the_matrix_is_walked_with_arrow_keys_and_enter_picks(visit: Visit, workspace: Store) -> None:
    visit.go("confusions?dataset=faces&split=all")
    classes = newest_run(workspace, "faces").classes
    visit.page.locator(".matrix tbody tr").first.locator("td button").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "Enter"):
        visit.page.keyboard.press(key)
    visit.wait_for_value("predicted", classes[1])
    visit.wait_for_value("label", classes[1])


def test_the_faces_are_walked_with_keys_and_the_card_follows(visit: Visit) -> None:
    visit.go("confusions?dataset=faces&split=all&order=stored")
    visit.page.locator(".faces button").first.focus()
    visit.page.keyboard.press("ArrowRight")
    visit.wait_for_value("face", "1")
    expect(visit.page.locator(".card .facts")).to_contain_text("face-0001")
    visit.page.locator(".card").get_by_text("Next").click()
    visit.wait_for_value("face", "2")
    expect(visit.page.locator(".faces button[aria-current=true]")).to_have_attribute("data-row", "2")
    visit.page.locator(".faces button[aria-current=true]").focus()
    visit.page.keyboard.press("PageDown")
    visit.wait_for_value("page", "2")
    expect(visit.page.locator(".faces button").first).to_have_attribute("data-row", "100")


def test_a_neighbour_opens_as_the_face(visit: Visit) -> None:
    visit.go("confusions?dataset=faces&split=all&face=9")
    near = visit.page.locator(".card .near button").first
    assert "cosine similarity 1.000" in (near.get_attribute("title") or "")  # row 9 is a copy of row 8
    near.click()
    visit.wait_for_value("face", "8")


def test_a_link_restores_run_split_cell_face_and_page_after_a_reload(visit: Visit, workspace: Store) -> None:
    run = newest_run(workspace, "faces")
    name = run.artifact.name
    link = f"confusions?dataset=faces&run={name}&split=merged-test&label=happy&outcome=wrong&order=closest&face=22"
    visit.go(link)
    for _ in range(2):
        expect(visit.page.locator(".card .facts")).to_contain_text("face-0022")
        rows = chosen_rows(run, Choice("merged-test", "happy", "", "", "wrong"), "closest").tolist()
        expect(visit.page.locator(".faces button")).to_have_count(len(rows))
        shown = [int(tile.get_attribute("data-row") or -1) for tile in visit.page.locator(".faces button").all()]
        assert shown == rows
        visit.page.reload()
        visit.settle()


def test_another_page_and_back_is_where_one_was(visit: Visit) -> None:
    visit.go("confusions?dataset=faces&split=train&label=sad")
    visit.page.get_by_role("link", name="Jobs").click()
    expect(visit.page.get_by_role("heading", name="Jobs")).to_be_visible()
    visit.page.get_by_role("link", name="Confusions").click()
    visit.wait_for_value("label", "sad")
    visit.wait_for_value("split", "train")


def test_the_list_of_faces_is_exported_whole(visit: Visit, tmp_path: Path) -> None:
    visit.go("confusions?dataset=faces&split=all")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "faces.csv")
    lines = list(csv.DictReader((tmp_path / "faces.csv").read_text(encoding="utf-8").splitlines()))
    assert len(lines) == FACES
    assert {"id", "split", "label", "predicted", "margin", "p(happy)"} <= set(lines[0])


def test_the_matrix_is_exported_as_it_is_shown(visit: Visit, workspace: Store, tmp_path: Path) -> None:
    visit.go("confusions?dataset=faces&split=test")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Matrix as CSV").click()
    download.value.save_as(tmp_path / "matrix.csv")
    lines = list(csv.reader((tmp_path / "matrix.csv").read_text(encoding="utf-8").splitlines()))
    run = newest_run(workspace, "faces")
    assert lines[0][1:] == list(run.classes)
    assert [[int(number) for number in line[1:]] for line in lines[1:]] == run.metrics["test"]["confusion"]


def test_what_is_not_there_gets_one_line_and_a_way_out(visit: Visit) -> None:
    visit.go("confusions?dataset=faces&face=99999999")
    error = visit.page.locator("[data-testid=stAlertContentError]")
    expect(error).to_contain_text("there is no face '99999999'; faces has the faces 0 to 359")
    visit.page.get_by_text("Start this page afresh").click()
    expect(error).to_have_count(0)
    expect(visit.page.locator(".matrix")).to_be_visible()


def test_a_page_beyond_the_last_shows_the_last(visit: Visit) -> None:
    visit.go("confusions?dataset=faces&split=all&page=77&order=stored")
    expect(visit.page.locator(".faces button").last).to_have_attribute("data-row", str(FACES - 1))
