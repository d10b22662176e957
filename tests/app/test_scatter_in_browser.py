"""The map's component in a real browser: what it selects is what Python selects, and what a person did stays."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.app.conftest import Visit, open_tab, serve
from tests.app.scatter_main import PLANTED
from workbench.app.launch import stop

pytestmark = pytest.mark.browser

PIXEL = """(map, [x, y]) => {
    const { camera, space, wide, high } = map.workbench;
    const [left, right, bottom, top] = space.seen;
    const scale = camera.zoom * (right > left ? 0.92 * Math.min(wide / (right - left), high / (top - bottom)) : 1);
    const box = map.querySelector("canvas").getBoundingClientRect();
    return [box.left + (x - camera.x) * scale + wide / 2, box.top + high / 2 - (y - camera.y) * scale];
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    child, address = serve(tmp_path_factory.mktemp("scatter"), "scatter_serve.py")
    yield address
    stop(child)


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Visit]:
    for tab in open_tab(chromium, address):
        yield tab
        assert tab.outside == []
        assert tab.errors == []


def go(visit: Visit, case: str = "small") -> Locator:
    visit.go(f"?case={case}")
    visit.page.wait_for_selector(".scatter[data-frames]")
    return visit.page.locator(".scatter")


def pixel(board: Locator, x: float, y: float) -> tuple[float, float]:
    left, top = board.evaluate(PIXEL, [x, y])
    return float(left), float(top)


def circle(visit: Visit, board: Locator, x: float, y: float, radius: float, key: str = "Shift") -> None:
    """Draw a lasso around a place of the map, with a key held."""
    left, top = pixel(board, x, y)
    wide = abs(pixel(board, x + radius, y)[0] - left)
    mouse = visit.page.mouse
    if key:
        visit.page.keyboard.down(key)
    mouse.move(left + wide, top)
    mouse.down()
    for step in range(1, 24):
        angle = step / 24 * 2 * math.pi
        mouse.move(left + wide * math.cos(angle), top - wide * math.sin(angle))
    mouse.up()
    if key:
        visit.page.keyboard.up(key)


def expect_held(visit: Visit, board: Locator) -> int:
    """Wait until browser and Python have selected the same number of points, and return it."""
    board.page.wait_for_function(
        "map => document.body.innerText.includes(`held: ${map.dataset.chosen}\\n`)", arg=board.element_handle()
    )
    return int(board.get_attribute("data-chosen") or "0")


def expect_told(visit: Visit, words: str) -> None:
    expect(visit.page.get_by_text(words, exact=True)).to_be_visible()


def chip(visit: Visit, name: str) -> Locator:
    return visit.page.locator(f".scatter .chip[data-name='{name}']")


def test_points_are_drawn_by_webgl_without_an_error(visit: Visit) -> None:
    board = go(visit)
    expect(board).to_have_attribute("data-painter", "webgl")
    assert board.evaluate("map => map.querySelector('canvas').getContext('webgl2').getError()") == 0


def test_a_lasso_holds_the_same_points_in_python(visit: Visit) -> None:
    board = go(visit)
    circle(visit, board, 10, 10, 1)
    expect_told(visit, f"held: {PLANTED}")
    expect(board).to_have_attribute("data-chosen", str(PLANTED))
    expect(visit.page.get_by_role("status").filter(has_text=f"{PLANTED} of 400 points selected")).to_be_attached()
    circle(visit, board, 0, 0, 3.5)
    expect(visit.page.get_by_text(f"held: {PLANTED}", exact=True)).to_be_hidden()
    assert expect_held(visit, board) > 50


def test_control_adds_to_a_lasso_and_alt_takes_away(visit: Visit) -> None:
    board = go(visit)
    visit.page.get_by_label("Lasso: draw").click()
    circle(visit, board, 0, 0, 3, key="")
    expect(board).not_to_have_attribute("data-chosen", "0")
    first = expect_held(visit, board)
    circle(visit, board, 10, 10, 1, key="Control")
    expect_told(visit, f"held: {first + PLANTED}")
    circle(visit, board, 10, 10, 1, key="Alt")
    expect_told(visit, f"held: {first}")


def test_a_lasso_may_begin_on_a_landmark(visit: Visit) -> None:
    board = go(visit)
    mark = board.locator(".mark.mean").first.bounding_box()
    assert mark is not None
    left, top = mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2
    visit.page.keyboard.down("Shift")
    visit.page.mouse.move(left, top)
    visit.page.mouse.down()
    for x, y in ((60, 0), (60, 60), (0, 60)):
        visit.page.mouse.move(left + x, top + y)
    expect(board.locator(".trail")).to_have_attribute("d", re.compile("L"))
    visit.page.mouse.up()
    visit.page.keyboard.up("Shift")
    expect(board.locator("path.lasso")).to_have_count(1)


def test_a_box_selects_and_escape_lets_go(visit: Visit) -> None:
    board = go(visit)
    visit.page.get_by_label("Box: drag").click()
    visit.page.mouse.move(*pixel(board, 9.5, 10.4))
    visit.page.mouse.down()
    visit.page.mouse.move(*pixel(board, 10.4, 9.5), steps=4)
    visit.page.mouse.up()
    expect_told(visit, f"held: {PLANTED}")
    board.locator("canvas").press("Escape")
    expect_told(visit, "held: 0")
    expect(board.locator("path.lasso")).to_have_count(0)


def test_a_selection_survives_reruns_and_is_let_go_by_python(visit: Visit) -> None:
    board = go(visit)
    circle(visit, board, 10, 10, 1)
    expect_told(visit, f"held: {PLANTED}")
    visit.page.get_by_role("button", name="Again").click()
    expect_told(visit, "runs again: 1")
    expect(board).to_have_attribute("data-chosen", str(PLANTED))
    expect(board.locator("path.lasso")).to_have_count(1)
    visit.page.get_by_role("button", name="Let go", exact=True).click()
    expect_told(visit, "held: 0")
    expect(board).to_have_attribute("data-chosen", "0")


def test_everything_is_there_after_another_page(visit: Visit) -> None:
    board = go(visit)
    circle(visit, board, 10, 10, 1)
    expect_told(visit, f"held: {PLANTED}")
    chip(visit, "6").click()
    expect_told(visit, "hidden: 6")
    for _ in range(3):
        visit.page.get_by_role("link", name="Elsewhere").click()
        expect_told(visit, "elsewhere")
        visit.page.get_by_role("link", name="Map").click()
        visit.page.wait_for_selector(".scatter[data-frames]")
        expect(board).to_have_attribute("data-chosen", str(PLANTED))
        expect(chip(visit, "6")).to_have_attribute("aria-pressed", "false")
    assert board.evaluate("map => map.querySelector('canvas').getContext('webgl2').isContextLost()") is False


def test_a_lost_context_is_made_again(visit: Visit) -> None:
    board = go(visit)
    board.evaluate(
        """map => {
            const canvas = map.querySelector("canvas");
            map.loser = canvas.getContext("webgl2").getExtension("WEBGL_lose_context");
            canvas.addEventListener("webglcontextrestored", () => { map.dataset.restored = "yes"; });
            map.loser.loseContext();
        }"""
    )
    visit.page.wait_for_function(
        "m => m.querySelector('canvas').getContext('webgl2').isContextLost()", arg=board.element_handle()
    )
    board.evaluate("map => map.loser.restoreContext()")
    expect(board).to_have_attribute("data-restored", "yes")
    frames = int(board.get_attribute("data-frames") or 0)
    board.locator("canvas").press("+")
    board.page.wait_for_function(f"map => Number(map.dataset.frames) > {frames + 1}", arg=board.element_handle())
    assert board.evaluate("map => map.querySelector('canvas').getContext('webgl2').getError()") == 0


def test_the_legend_hides_classes_and_they_are_not_selected(visit: Visit) -> None:
    board = go(visit)
    chip(visit, "0").click()
    expect_told(visit, "hidden: 0")
    circle(visit, board, 4, 0, 2)
    expect(board).not_to_have_attribute("data-chosen", "0")
    without = expect_held(visit, board)
    chip(visit, "0").click()
    expect_told(visit, "hidden:")
    board.page.wait_for_function(f"map => Number(map.dataset.chosen) > {without}", arg=board.element_handle())
    chip(visit, "3").dblclick()
    expect(chip(visit, "3")).to_have_attribute("aria-pressed", "true")
    expect(chip(visit, "0")).to_have_attribute("aria-pressed", "false")
    chip(visit, "3").dblclick()
    expect(chip(visit, "0")).to_have_attribute("aria-pressed", "true")


def test_the_legend_hides_texts_and_means(visit: Visit) -> None:
    board = go(visit)
    expect(board.locator(".mark.mean")).to_have_count(7)
    expect(board.locator(".arrow")).to_have_count(7)
    chip(visit, "means").click()
    expect(board.locator(".arrow")).to_have_count(0)
    expect(board.locator(".mark.text")).to_have_count(21)
    chip(visit, "texts").click()
    expect(board.locator(".mark.text")).to_have_count(0)
    expect_told(visit, "hidden: means.texts")


def test_labels_do_not_overlap(visit: Visit) -> None:
    board = go(visit)
    boxes = board.locator("text.label").evaluate_all(
        """nodes => nodes.map((node) => node.getBBox())
            .map((box) => [box.x, box.y + 2, box.x + box.width, box.y + box.height - 2])"""
    )
    assert len(boxes) > 12
    for place, (left, top, right, bottom) in enumerate(boxes):
        for a, b, c, d in boxes[place + 1 :]:
            assert right <= a + 1 or c <= left + 1 or bottom <= b + 1 or d <= top + 1


def test_keys_move_and_zoom_and_show_all_again(visit: Visit) -> None:
    board = go(visit)
    canvas = board.locator("canvas")
    before = board.evaluate("map => map.workbench.camera")
    canvas.press("ArrowRight")
    canvas.press("ArrowUp")
    after = board.evaluate("map => map.workbench.camera")
    assert after["x"] > before["x"]
    assert after["y"] > before["y"]
    canvas.press("+")
    expect(visit.page.get_by_text("camera: ")).to_have_text(re.compile(r"camera: [0-9a-z]{8}~1\.500"))
    canvas.press("0")
    expect_told(visit, "camera:")
    assert board.evaluate("map => map.workbench.camera") == before


def test_the_wheel_zooms_at_the_pointer(visit: Visit) -> None:
    board = go(visit)
    before = pixel(board, 10, 10)
    visit.page.mouse.move(*before)
    visit.page.mouse.wheel(0, -400)
    board.page.wait_for_function("map => map.workbench.camera.zoom > 1.5", arg=board.element_handle())
    assert pixel(board, 10, 10) == pytest.approx(before, abs=0.5)


def test_dragging_moves_the_map_and_a_click_picks_a_point(visit: Visit) -> None:
    board = go(visit)
    left, top = pixel(board, 0, 0)
    visit.page.mouse.move(left, top)
    visit.page.mouse.down()
    visit.page.mouse.move(left - 80, top + 40, steps=4)
    visit.page.mouse.up()
    assert pixel(board, 0, 0) == pytest.approx((left - 80, top + 40), abs=0.5)
    x, y = board.evaluate("map => [...map.workbench.space.places.slice(14, 16)]")
    visit.page.mouse.click(*pixel(board, x, y))
    expect(board.locator(".ring.picked")).to_have_count(1)
    row = int(visit.page.get_by_text("face: ").inner_text().removeprefix("face: "))
    assert 5 <= row < 405


def test_pointing_at_a_point_tells_its_class(visit: Visit) -> None:
    board = go(visit)
    x, y = board.evaluate("map => [...map.workbench.space.places.slice(0, 2)]")
    visit.page.mouse.move(*pixel(board, x, y))
    expect(board.locator(".near")).to_be_visible()
    expect(board.locator(".near .value")).to_contain_text("label: ")
    visit.page.mouse.move(5, 5)
    expect(board.locator(".near")).to_be_hidden()


def test_values_have_a_colour_bar_and_recolouring_keeps_the_selection(visit: Visit) -> None:
    board = go(visit)
    circle(visit, board, 10, 10, 1)
    expect_told(visit, f"held: {PLANTED}")
    visit.page.get_by_role("button", name="By value").click()
    expect(board.locator(".scale .end").first).to_have_text("0")
    expect(board.locator(".scale .end").last).to_have_text("8")
    expect(board).to_have_attribute("data-chosen", str(PLANTED))
    expect(chip(visit, "none")).to_contain_text("unknown")


def test_without_webgl_a_canvas_does_the_same(visit: Visit) -> None:
    board = go(visit, "plain")
    expect(board).to_have_attribute("data-painter", "canvas")
    painted = board.evaluate(
        """map => {
            const canvas = map.querySelector("canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return data.some((value) => value > 0);
        }"""
    )
    assert painted
    circle(visit, board, 10, 10, 1)
    expect_told(visit, f"held: {PLANTED}")


@pytest.mark.parametrize(("case", "words"), [("empty", "There is no point on this map."), ("single", "")])
def test_hardly_any_point_is_no_trouble(visit: Visit, case: str, words: str) -> None:
    board = go(visit, case)
    expect(board.locator(".note")).to_have_text(words)
    board.locator("canvas").press("+")
    visit.page.mouse.move(*pixel(board, 0, 0))
    expect(board).to_have_attribute("data-chosen", "0")


def test_hostile_names_are_shown_as_they_are(visit: Visit) -> None:
    board = go(visit, "hostile")
    expect(chip(visit, "0").locator(".name")).to_contain_text("<img src=")
    x, y = board.evaluate("map => [...map.workbench.space.places.slice(0, 2)]")
    visit.page.mouse.move(*pixel(board, x, y))
    expect(board.locator(".near .value")).to_contain_text("onerror")
    assert visit.page.evaluate("window.hacked") is None
    assert board.locator(".legend img, .overlay img").count() == 0


@pytest.mark.slow
def test_300_000_points_are_drawn_and_a_large_selection_travels_as_a_short_text(visit: Visit) -> None:
    board = go(visit, "huge")
    circle(visit, board, 0, 0, 5)
    expect(board).not_to_have_attribute("data-chosen", "0")
    assert expect_held(visit, board) > 100_000
    assert len(board.evaluate("map => map.workbench.lasso")) <= 8 * 48


def test_no_motion_where_a_person_wants_none(chromium: Browser, address: str) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".scatter[data-frames]")
    zoom = page.locator(".scatter").evaluate(
        """map => {
            map.querySelector("canvas").dispatchEvent(new KeyboardEvent("keydown", { key: "+" }));
            return map.workbench.camera.zoom;
        }"""
    )
    assert zoom == 1.5
    context.close()


def test_points_that_are_held_are_selected_until_a_lasso_is_drawn_or_escape(visit: Visit) -> None:
    board = go(visit, "held")
    expect(board).to_have_attribute("data-chosen", str(PLANTED))
    expect(board.locator("path.lasso")).to_have_count(0)
    visit.page.get_by_role("button", name="Again").click()
    expect_told(visit, "runs again: 1")
    expect(board).to_have_attribute("data-chosen", str(PLANTED))
    chip(visit, "0").click()
    hidden = board.evaluate("map => map.workbench.chosenCount")
    assert 0 < hidden < PLANTED
    board.locator("canvas").press("Escape")
    expect(board).to_have_attribute("data-chosen", "0")
    expect(visit.page.get_by_label("Let go of the selection")).to_be_hidden()


def test_a_picked_point_is_let_go_by_escape_and_by_a_lasso(visit: Visit) -> None:
    board = go(visit)
    for let_go in ("Escape", "lasso"):
        x, y = board.evaluate("map => [...map.workbench.space.places.slice(0, 2)]")
        visit.page.mouse.click(*pixel(board, x, y))
        expect(board.locator(".ring.picked")).to_have_count(1)
        if let_go == "Escape":
            board.locator("canvas").press("Escape")
        else:
            circle(visit, board, 0, 0, 2)
        expect(board.locator(".ring.picked")).to_have_count(0)
        expect(visit.page.get_by_text(re.compile(r"^face: \d"))).to_have_count(0)


def test_the_toolbar_covers_no_point(visit: Visit) -> None:
    board = go(visit)
    tools, stage = board.locator(".tools").bounding_box(), board.locator(".stage").bounding_box()
    assert tools is not None
    assert stage is not None
    assert tools["y"] + tools["height"] <= stage["y"]
