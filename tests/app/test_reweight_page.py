"""The Reweight page: a verdict and its exports, settings tried live, what is not there."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Visit, open_tab, serve
from tests.app.test_pages import open_page
from tests.conftest import write_source
from workbench.app.launch import stop
from workbench.specs import DissectSpec, ImportSpec, ReweightSpec
from workbench.store import Store
from workbench.studies.dissection import Dissection
from workbench.studies.reweight_bench import open_bench
from workbench.studies.reweighting import Reweighting

LINK = {"dataset": "faces", "layer": "lin2"}


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> tuple[Store, Reweighting]:
    """face-cnn dissected on random faces, and its last hidden layer reweighted."""
    from workbench.studies.dissect import dissect
    from workbench.studies.importing import import_dataset
    from workbench.studies.reweight import reweight

    root = tmp_path_factory.mktemp("reweight")
    store = Store(root / "workspace")
    import_dataset(ImportSpec(str(write_source(root / "faces.parquet", 240)), "faces"), store)
    asked = DissectSpec("faces", layers="lin1,lin2", clip=f"local-dir:{tiny_clip_folder}", draws=100, resamples=10)
    name = dissect(asked, store).artifact.name
    return store, reweight(ReweightSpec(name, "lin2"), store)


@pytest.fixture
def at_home(swept: tuple[Store, Reweighting], monkeypatch: pytest.MonkeyPatch) -> Reweighting:
    monkeypatch.setenv("WORKBENCH_HOME", str(swept[0].root))
    return swept[1]


def metric(app: AppTest, label: str) -> str:
    return str(next(each.value for each in app.metric if each.label == label))


def test_the_verdict_stands_on_top_with_its_numbers(at_home: Reweighting) -> None:
    app = open_page("reweight", **LINK)
    assert not app.exception
    assert not app.error
    shown = [box.value for box in (*app.info, *app.success, *app.warning)]
    assert any("random sets" in text or "Leave lin2 alone" in text for text in shown)
    if at_home.verdict:
        assert metric(app, "Gained / lost") == f"{at_home.verdict['gained']} / {at_home.verdict['lost']}"
        assert metric(app, "Controls as good").endswith("of 20")


@pytest.mark.parametrize(
    "parameters",
    [
        {"run": "none"},
        {"layer": "none"},
        {"tab": "none"},
        {"result": "../none"},
        {"surface": "none"},
        {"images": "none"},
        {"tab": "try", "rule": "none"},
        {"tab": "try", "by": "none"},
        {"tab": "try", "threshold": "<b>"},
        {"tab": "try", "factor": "nan"},
        {"tab": "try", "by": "q", "rule": "similarity"},
    ],
)
def test_what_is_not_there_gets_one_line(at_home: Reweighting, parameters: dict[str, str]) -> None:
    app = open_page("reweight", **{**LINK, **parameters})
    assert not app.exception
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value


def test_an_empty_workspace_and_one_without_a_dissection_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.studies.importing import import_dataset

    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "workspace"))
    assert "no dataset yet" in open_page("reweight").info[0].value
    import_dataset(ImportSpec(str(write_source(tmp_path / "f.parquet", 30)), "faces"), Store(tmp_path / "workspace"))
    app = open_page("reweight")
    assert not app.exception
    assert "no network has been dissected" in app.info[0].value


def test_the_sliders_answer_from_the_validation_images(swept: tuple[Store, Reweighting], at_home: Reweighting) -> None:
    store = swept[0]
    bench = open_bench(Dissection(store.artifact("dissection", at_home.spec.dissection)), "lin2", store)
    middle = float(at_home.sweep["threshold"][36])
    app = open_page("reweight", tab="try", threshold=f"{middle:.6g}", factor="3", **LINK)
    assert not app.exception
    expected = bench.evaluate(float(f"{middle:.6g}"), 3.0)
    assert metric(app, "Gained / lost") == f"{expected.verdict.gained} / {expected.verdict.lost}"
    app.slider[1].set_value(1.0).run()
    assert not app.exception
    assert metric(app, "Gained / lost") == "0 / 0"


def test_a_layer_without_a_sweep_offers_one_and_submits_what_is_asked(
    at_home: Reweighting, submitted: list[Any]
) -> None:
    app = open_page("reweight", dataset="faces", layer="lin1")
    assert not app.exception
    assert "No sweep of lin1 yet" in app.info[0].value
    next(field for field in app.text_input if field.label == "Factors").input("2, 3")
    starts = [button for button in app.button if button.label == "Start the sweep"]
    starts[0].click().run()
    assert not app.exception
    assert [spec.kind for spec in submitted] == ["reweight"]
    assert (submitted[0].dissection, submitted[0].layer) == (at_home.spec.dissection, "lin1")
    assert (submitted[0].choose_on, submitted[0].report_on, submitted[0].controls) == ("validation", "test", 20)


def test_a_sweep_that_cannot_be_is_refused_before_a_job_is_made(at_home: Reweighting, submitted: list[Any]) -> None:
    app = open_page("reweight", **LINK)
    next(field for field in app.text_input if field.label == "Factors").input("2,-1")
    next(button for button in app.button if button.label == "Start the sweep").click().run()
    assert not app.exception
    assert "each must be above 0" in app.error[0].value
    assert submitted == []


@pytest.fixture(scope="module")
def reweight_server(swept: tuple[Store, Reweighting]) -> Iterator[str]:
    child, address = serve(swept[0].root)
    yield address
    stop(child)


@pytest.fixture
def tab(chromium: Browser, reweight_server: str) -> Iterator[Visit]:
    yield from open_tab(chromium, reweight_server)


@pytest.mark.browser
def test_every_view_is_drawn_without_an_error_or_a_request_to_elsewhere(tab: Visit) -> None:
    for view in (
        "",
        "?surface=lines&images=report",
        "?tab=try&by=q&threshold=0.5",
        "?layer=lin1",
        "?layer=lin1&tab=try",
    ):
        tab.go(f"reweight{view}")
        expect(tab.page.get_by_role("link", name="Units")).to_be_visible()
        assert tab.page.locator("[data-testid=stException]").count() == 0, view
        assert tab.page.locator("[data-testid=stAlertContentError]").count() == 0, view
    assert tab.outside == []
    assert tab.errors == []


@pytest.mark.browser
def test_a_key_on_a_slider_moves_the_setting_and_the_address(tab: Visit) -> None:
    tab.go("reweight?layer=lin2&tab=try")
    thumb = tab.page.get_by_role("slider", name="Factor")
    expect(thumb).to_be_visible()
    thumb.focus()
    thumb.press("ArrowRight")
    tab.wait_for_value("factor", "1.55")
    tab.page.reload()
    tab.settle()
    expect(tab.page.get_by_role("slider", name="Factor")).to_have_value("1.55")
    tab.page.get_by_text("Verdict", exact=True).click()
    expect(tab.page.get_by_text("Against controls, on test")).to_be_visible()


@pytest.mark.browser
def test_the_settings_come_as_a_file(tab: Visit, swept: tuple[Store, Reweighting], tmp_path: Path) -> None:
    tab.go("reweight?layer=lin2")
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Settings as CSV").click()
    download.value.save_as(tmp_path / "settings.csv")
    lines = list(csv.DictReader((tmp_path / "settings.csv").read_text(encoding="utf-8").splitlines()))
    assert [float(line["change"]) for line in lines] == swept[1].sweep["change"].tolist()
    assert len(lines) == 72
