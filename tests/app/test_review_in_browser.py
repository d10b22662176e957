"""The Review page in a real browser: keys, undo, a server that is away, two tabs, hostile text."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.app.conftest import Visit, serve, write_hostile
from tests.app.review_workspace import write_suspects
from tests.conftest import write_source
from workbench.app.launch import stop
from workbench.data.datasets import open_dataset
from workbench.data.verdicts import Entry, Verdict, Verdicts
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset

pytestmark = pytest.mark.browser

SHOWN = ".review[data-shown]:not([data-shown=''])"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Datasets with a search for suspects each, to be judged; a name a test, so that none meets another's verdicts."""
    root = tmp_path_factory.mktemp("review")
    store = Store(root / "workspace")
    source = str(write_source(root / "faces.parquet", 90))
    for name in ("keys", "undo", "away", "hidden", "group", "tabs", "names", "resume", "closed", "skips", "blind"):
        import_dataset(ImportSpec(source, name), store)
        write_suspects(store, name)
    import_dataset(ImportSpec(str(write_hostile(root)), "hostile"), store)
    write_suspects(store, "hostile")
    return store


@pytest.fixture(scope="module")
def address(judged: Store) -> Iterator[str]:
    child, address = serve(judged.root)
    yield address
    stop(child)


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


def open_queue(context: BrowserContext, address: str, query: str, name: str = "ann") -> Visit:
    tab = Visit(context.new_page(), address)
    own = (address, address.replace("http", "ws"), "data:", "blob:")
    tab.page.on("request", lambda request: None if request.url.startswith(own) else tab.outside.append(request.url))
    tab.page.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.go(f"review?{query}")
    field = tab.page.get_by_label("Your name as a reviewer")
    field.or_(tab.page.locator(SHOWN)).first.wait_for()
    if field.is_visible():
        field.fill(name)
        field.press("Enter")
    tab.page.wait_for_selector(SHOWN)
    return tab


def row_of(page: Page) -> int:
    return int(page.locator(".review").get_attribute("data-row") or -1)


def press(page: Page, key: str) -> None:
    """Press a key once the face is there, and wait until another face is."""
    before = row_of(page)
    page.locator(f'.review[data-shown="{before}"]').wait_for()
    page.keyboard.press(key)
    page.locator(f'.review:not([data-shown="{before}"])').wait_for()


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rows(store: Store, dataset: str, count: int) -> list[Verdict]:
    """Return a dataset's verdicts once there are ``count`` of them."""
    verdicts = Verdicts(store)
    wait_for(lambda: len(verdicts.rows(dataset)) >= count)
    return verdicts.rows(dataset)


def test_every_key_is_its_verdict_and_the_next_face_comes(context: BrowserContext, address: str, judged: Store) -> None:
    tab = open_queue(context, address, "dataset=keys")
    page, seen = tab.page, []
    for key in ("k", "2", "a", "n", "s", "Enter"):
        seen.append(row_of(page))
        press(page, key)
    found = rows(judged, "keys", 6)
    assert seen == [0, 3, 6, 9, 12, 15]
    assert [row.image for row in found] == [f"face-{row:04d}" for row in seen]
    assert [(row.action, row.after) for row in found] == [
        ("keep", "angry"),
        ("relabel", "disgust"),
        ("ambiguous", ""),
        ("not-a-face", ""),
        ("skip", ""),
        ("not-a-face", ""),
    ]
    assert {(row.reviewer, row.source) for row in found} == {("ann", "app")}
    assert [row.digest for row in found] == [open_dataset(judged, "keys").digests[row] for row in seen]
    assert page.locator(".review .counts").inner_text().split("\n")[:2] == ["5", "of 30"]  # a skip is none
    assert tab.errors == tab.outside == []


def test_a_held_key_and_a_key_in_a_field_are_no_verdicts(context: BrowserContext, address: str, judged: Store) -> None:
    tab = open_queue(context, address, "dataset=keys&queue=images&show=all", name="held")
    before = len(Verdicts(judged).rows("keys"))
    tab.page.keyboard.down("s")
    tab.page.keyboard.down("s")
    tab.page.keyboard.up("s")
    tab.page.get_by_label("Label").first.click()
    tab.page.keyboard.type("sad")
    tab.page.keyboard.press("Escape")
    assert len(rows(judged, "keys", before + 1)) == before + 1
    tab.page.wait_for_timeout(300)
    assert len(Verdicts(judged).rows("keys")) == before + 1


def test_undo_returns_to_the_face_and_is_a_row_too(context: BrowserContext, address: str, judged: Store) -> None:
    page = open_queue(context, address, "dataset=undo").page
    press(page, "k")
    press(page, "a")
    assert row_of(page) == 6
    press(page, "u")
    assert row_of(page) == 3
    press(page, "Backspace")
    assert row_of(page) == 0
    found = rows(judged, "undo", 4)
    assert [(row.action, row.undoes) for row in found] == [
        ("keep", None),
        ("ambiguous", None),
        ("undo", found[1].number),
        ("undo", found[0].number),
    ]
    press(page, "n")
    rows(judged, "undo", 5)
    (standing,) = Verdicts(judged).current("undo").values()
    assert standing["ann"].action == "not-a-face"


def test_an_earlier_visits_verdict_can_be_taken_back(context: BrowserContext, address: str, judged: Store) -> None:
    dataset = open_dataset(judged, "undo")
    Verdicts(judged).add(dataset, [Entry("face-0015", "late", "keep")])
    page = open_queue(context, address, "dataset=undo", name="late").page
    assert row_of(page) == 0
    press(page, "u")
    assert row_of(page) == 15
    wait_for(lambda: not any("late" in found for found in Verdicts(judged).current("undo").values()))


def test_while_the_server_is_away_verdicts_wait_and_are_sent_on_the_next_visit(
    context: BrowserContext, address: str, judged: Store
) -> None:
    page = open_queue(context, address, "dataset=away").page
    page.route("**/api/verdicts", lambda route: route.abort())
    for key in ("k", "a"):
        press(page, key)
    page.locator(".review .saved.late", has_text="2 not saved yet").wait_for()
    assert Verdicts(judged).rows("away") == []
    page.close()
    again = open_queue(context, address, "dataset=away").page
    assert [row.action for row in rows(judged, "away", 2)] == ["keep", "ambiguous"]
    again.locator(".review .saved:not(.late)").wait_for()
    left = "Object.keys(localStorage).filter(key => key.startsWith('workbench.verdict.')).length"
    wait_for(lambda: again.evaluate(left) == 0)


def test_a_server_that_comes_back_gets_what_waited(context: BrowserContext, address: str, judged: Store) -> None:
    page = open_queue(context, address, "dataset=closed").page
    page.route("**/api/verdicts", lambda route: route.fulfill(status=503, json={"error": "the database is locked"}))
    press(page, "k")
    late = page.locator(".review .saved.late", has_text="1 not saved yet")
    late.wait_for()
    assert "the database is locked" in (late.get_attribute("title") or "")
    page.unroute("**/api/verdicts")
    assert len(rows(judged, "closed", 1)) == 1
    late.wait_for(state="detached")


def test_a_verdict_on_an_image_that_is_gone_is_told_and_does_not_hold_others_up(
    context: BrowserContext, address: str, judged: Store
) -> None:
    page = open_queue(context, address, "dataset=closed", name="gone").page
    page.route("**/api/verdicts", lambda route: route.abort())
    press(page, "k")
    change = """() => { for (const key of Object.keys(localStorage)) {
        const parcel = JSON.parse(key.startsWith('workbench.verdict.') ? localStorage[key] : 'null');
        if (parcel) { parcel.entry.digest = 'other'; localStorage[key] = JSON.stringify(parcel); } } }"""
    page.evaluate(change)
    page.close()
    again = open_queue(context, address, "dataset=closed").page
    refused = again.locator(".review .refused", has_text="1 refused")
    refused.wait_for()
    assert "other pixels now than those judged" in (refused.get_attribute("title") or "")
    refused.click()
    refused.wait_for(state="detached")


def test_others_verdicts_are_hidden_until_one_has_judged(context: BrowserContext, address: str, judged: Store) -> None:
    Verdicts(judged).add(open_dataset(judged, "hidden"), [Entry("face-0000", "bob", "relabel", "fear")])
    page = open_queue(context, address, "dataset=hidden").page
    assert "bob" not in page.locator(".review").inner_text()
    press(page, "k")
    page.locator(".review .mark.differ").wait_for()
    page.keyboard.press("ArrowLeft")
    page.locator(".review .stamps", has_text="bob: fear").wait_for()


def test_a_skip_has_no_mark_whatever_others_say(context: BrowserContext, address: str, judged: Store) -> None:
    dataset = open_dataset(judged, "skips")
    Verdicts(judged).add(dataset, [Entry("face-0000", "bob", "keep"), Entry("face-0003", "bob", "skip")])
    page = open_queue(context, address, "dataset=skips").page
    for key in ("s", "k"):
        press(page, key)
    rows(judged, "skips", 4)
    page.reload()
    page.wait_for_selector(SHOWN)
    page.locator(".review .judged").nth(1).wait_for()
    assert page.locator(".review .mark").count() == 0


def test_a_blind_queue_shows_nothing_that_leads_before_the_verdict(
    context: BrowserContext, address: str, judged: Store
) -> None:
    dataset = open_dataset(judged, "blind")
    Verdicts(judged).add(dataset, [Entry("face-0000", "bob", "relabel", "fear")])
    tab = open_queue(context, address, "dataset=blind&blind=yes&label=angry")
    page, review = tab.page, tab.page.locator(".review")
    review.locator(".veil").wait_for()
    for part in (".chip", ".bars", ".enter", ".given-label", ".mark"):
        assert review.locator(part).count() == 0
    assert "face-00" not in review.inner_text()
    first = row_of(page)
    for key in ("Enter", "k"):
        page.keyboard.press(key)
        review.locator(".hint.on").wait_for()
        assert row_of(page) == first
    press(page, "s")
    page.keyboard.press("ArrowLeft")
    review.locator(".veil").wait_for()  # a skip is no verdict
    press(page, "3")
    press(page, "2")
    page.keyboard.press("ArrowLeft")
    review.locator(".given .chip").first.wait_for()  # told now; what is said of it from here on is not blind
    page.keyboard.press("5")
    found = [row for row in rows(judged, "blind", 5) if row.reviewer == "ann"]
    assert [(row.action, row.source) for row in found] == [
        ("skip", "app, blind"),
        ("relabel", "app, blind"),
        ("relabel", "app, blind"),
        ("relabel", "app"),
    ]
    assert "blind=yes" in page.url
    assert tab.errors == []


def test_a_blind_queue_hides_the_labels_of_like_images(context: BrowserContext, address: str, judged: Store) -> None:
    page = open_queue(context, address, "dataset=blind&blind=yes&queue=images&order=stored&face=8", name="eve").page
    tile = page.locator(".review .tile.copied").first
    tile.wait_for()
    assert "face-" not in (tile.get_attribute("title") or "face-")
    assert tile.locator(".label").inner_text().strip() == ""
    page.locator(".review .gather", has_text="1 looks the same, a copy").wait_for()
    page.get_by_label("Blind").locator("xpath=ancestor::label").click()
    page.locator(".review .given .chip").first.wait_for()
    assert "face-" in (page.locator(".review .tile.copied").first.get_attribute("title") or "")


def test_enter_on_a_part_of_the_page_presses_it_and_judges_nothing(
    context: BrowserContext, address: str, judged: Store
) -> None:
    page = open_queue(context, address, "dataset=skips&queue=suspects&show=all", name="keyboard").page
    summary = page.locator(".review .explained summary")
    summary.focus()
    page.keyboard.press("Enter")
    page.locator(".review .explained dt", has_text="neighbours").wait_for()
    assert not [row for row in Verdicts(judged).rows("skips") if row.reviewer == "keyboard"]


def test_those_that_look_the_same_get_the_same_verdict_and_one_undo(
    context: BrowserContext, address: str, judged: Store
) -> None:
    page = open_queue(context, address, "dataset=group&queue=images&order=stored&face=8").page
    page.locator(".review .gather", has_text="1 looks the same").wait_for()
    page.keyboard.press("g")
    page.locator(".review .gather", has_text="1 more image").wait_for()
    press(page, "5")
    assert row_of(page) == 10
    found = rows(judged, "group", 2)
    assert [(row.image, row.action, row.after) for row in found] == [
        ("face-0008", "relabel", "sad"),
        ("face-0009", "relabel", "sad"),
    ]
    press(page, "u")
    assert row_of(page) == 8
    rows(judged, "group", 4)
    assert Verdicts(judged).current("group") == {}
    page.locator(".review .gather", has_text="1 looks the same").wait_for()
    page.keyboard.press("g")
    press(page, "3")
    assert [row.action for row in rows(judged, "group", 6)[4:]] == ["relabel", "keep"]
    assert page.locator(".review .counts").inner_text().split("\n")[2:4] == ["1 keep", "1 relabel"]


def test_each_tab_keeps_its_reviewer_and_a_new_one_begins_at_the_queues_first_face(
    context: BrowserContext, address: str, judged: Store
) -> None:
    first = open_queue(context, address, "dataset=names", name="cleo")
    start = row_of(first.page)
    second = open_queue(context, address, "dataset=names")
    press(second.page, "ArrowRight")
    second.wait_for_value("face", str(row_of(second.page)))
    second.page.locator(".review .who", has_text="cleo").click()
    second.page.get_by_label("Your name as a reviewer").fill("dora")
    second.page.keyboard.press("Enter")
    second.page.locator(".review .who", has_text="dora").wait_for()
    assert row_of(second.page) == start
    for tab, name in ((first, "cleo"), (second, "dora")):
        tab.page.reload()
        tab.page.locator(".review .who", has_text=name).wait_for()


def test_two_tabs_and_the_command_line_at_once_lose_nothing(
    context: BrowserContext, address: str, judged: Store
) -> None:
    first = open_queue(context, address, "dataset=tabs").page
    second = open_queue(context, address, "dataset=tabs&queue=images&order=stored").page
    dataset, verdicts = open_dataset(judged, "tabs"), Verdicts(judged)
    for place, key in enumerate("kansk"):
        press(first, key)
        verdicts.add(dataset, [Entry(f"face-{80 + place:04d}", "shell", "skip", source="command line")])
        press(second, key)
    found = rows(judged, "tabs", 15)
    assert len(found) == len({row.token for row in found}) == 15
    assert [row.action for row in found if row.source == "command line"] == ["skip"] * 5
    assert sorted(row.action for row in found if row.source == "app") == sorted(
        ["keep", "ambiguous", "not-a-face", "skip", "keep"] * 2
    )


def test_a_reload_resumes_at_the_face_under_the_same_name(context: BrowserContext, address: str, judged: Store) -> None:
    tab = open_queue(context, address, "dataset=resume&bin=wrong+label&order=stored")
    press(tab.page, "k")
    press(tab.page, "ArrowRight")
    tab.wait_for_value("face", "18")
    tab.page.reload()
    tab.page.wait_for_selector(SHOWN)
    assert row_of(tab.page) == 18
    assert tab.page.locator(".review .who").inner_text() == "ann"
    assert tab.values() == {"dataset": "resume", "bin": "wrong label", "order": "stored", "face": "18"}


def test_the_form_of_a_cleaning_can_be_read_in_a_narrow_window(
    context: BrowserContext, address: str, judged: Store
) -> None:
    Verdicts(judged).add(open_dataset(judged, "hidden"), [Entry("face-0006", "bob", "ambiguous")])
    tab = Visit(context.new_page(), address)
    tab.page.set_viewport_size({"width": 900, "height": 900})
    tab.go("review?dataset=hidden&tab=loop")
    for label in ("Disputed", "Ambiguous", "Not a face", "Proposals of a search"):
        box = tab.page.locator("[data-testid=stSelectbox]", has_text=label)
        box.wait_for()
        assert (box.bounding_box() or {"width": 0.0})["width"] >= 130
    shown = tab.page.locator("[data-testid=stMetricLabel]", has_text="Ambiguous, kept").locator("p")
    assert shown.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_a_queue_ends_and_can_be_made_anew(context: BrowserContext, address: str, judged: Store) -> None:
    page = open_queue(context, address, "dataset=resume&bin=ambiguous&label=angry", name="end").page
    for _ in range(30):
        if page.locator(".review.ended").count():
            break
        press(page, "s")
    page.get_by_role("button", name="Look for more").click()
    page.get_by_text("Nothing left to judge here").wait_for()


def test_labels_ids_and_names_that_attack_stay_text(context: BrowserContext, address: str, judged: Store) -> None:
    hostile = "<img src=x onerror=window.hacked=9>"
    tab = open_queue(context, address, "dataset=hostile&queue=suspects&bin=all", name=hostile)
    for key in ("1", "k", "a"):
        press(tab.page, key)
    assert hostile in tab.page.locator(".review .who").inner_text()
    rows(judged, "hostile", 3)
    for section in ("people", "suspects"):
        tab.go(f"review?dataset=hostile&tab={section}")
    assert tab.page.evaluate("window.hacked") is None
    assert tab.outside == []
    assert tab.errors == []


def test_a_name_that_cannot_be_is_asked_for_again(context: BrowserContext, address: str, judged: Store) -> None:
    tab = Visit(context.new_page(), address)
    tab.go("review?dataset=keys")
    field = tab.page.get_by_label("Your name as a reviewer")
    field.fill("ann, bob")
    field.press("Enter")
    tab.page.get_by_text("cannot be a reviewer's name").wait_for()
    tab.page.get_by_label("Your name as a reviewer").fill("ann")
    tab.page.get_by_label("Your name as a reviewer").press("Enter")
    tab.page.wait_for_selector(SHOWN)
