"""Pages without a browser: what is asked for and not there, forms that are filled in wrongly, an empty workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import workbench.app
from workbench.app.widgets import run_form
from workbench.errors import ConceptSetError
from workbench.store import Store

MAIN = str(Path(workbench.app.__file__).with_name("main.py"))


def open_page(page: str, **parameters: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    app.run()
    app.query_params.clear()
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.switch_page(f"pages/{page}.py").run()


@pytest.fixture
def faces(workspace: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.root))
    return workspace


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "workspace"))
    return Store(tmp_path / "workspace")


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        ("confusions", {"dataset": "nowhere"}),
        ("confusions", {"dataset": "../faces"}),
        ("confusions", {"run": "none"}),
        ("confusions", {"run": "../../datasets/faces"}),
        ("confusions", {"split": "none"}),
        ("confusions", {"tab": "none"}),
        ("confusions", {"label": "<b>"}),
        ("confusions", {"predicted": "none"}),
        ("confusions", {"tab": "fine", "concept": "none"}),
        ("confusions", {"outcome": "none"}),
        ("confusions", {"order": "none"}),
        ("confusions", {"face": "-1"}),
        ("confusions", {"face": "99999999"}),
        ("confusions", {"face": "1", "dissection": "none"}),
        ("neurons", {"dataset": "nowhere"}),
        ("neurons", {"run": "none"}),
        ("neurons", {"tab": "none"}),
        ("neurons", {"unit": "none"}),
        ("neurons", {"unit": "lin1:60"}),
        ("neurons", {"unit": "lin1:1", "part": "none"}),
        ("neurons", {"unit": "lin1:1", "part": "faces", "face": "-1"}),
        ("neurons", {"unit": "lin1:1", "part": "faces", "end": "none"}),
        ("neurons", {"unit": "lin1:1", "part": "faces", "label": "<b>"}),
        ("neurons", {"layer": "<b>"}),
        ("neurons", {"concept": "none"}),
        ("neurons", {"emotion": "none"}),
        ("neurons", {"emotion": "happy", "by": "none"}),
        ("neurons", {"sort": "-none"}),
        ("neurons", {"tab": "layers", "of": "none"}),
        ("neurons", {"tab": "removal", "of": "none"}),
        ("data", {"dataset": "nowhere"}),
        ("data", {"tab": "none"}),
        ("data", {"tab": "images", "split": "none"}),
        ("data", {"tab": "images", "label": "none"}),
        ("data", {"tab": "images", "face": "x"}),
        ("data", {"tab": "health", "check": "none"}),
    ],
)
def test_what_is_not_there_gets_one_line_and_no_traceback(faces: Store, page: str, parameters: dict[str, str]) -> None:
    app = open_page(page, **{"dataset": "faces", **parameters})
    assert not app.exception
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value


@pytest.mark.parametrize("page", ["start", "data", "confusions", "neurons", "jobs"])
def test_a_page_of_an_empty_workspace_says_what_to_do_next(empty: Store, page: str) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert app.button or app.info


def test_the_demo_is_built_by_one_button(empty: Store, submitted: list[Any]) -> None:
    app = open_page("start")
    next(button for button in app.button if button.label == "Build the demo").click().run()
    assert not app.exception
    assert [spec.kind for spec in submitted] == ["demo"]


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [("", "mine", "source"), ("x.csv", "../mine", "cannot be a dataset"), ("x.csv", "", "cannot be a dataset")],
)
def test_an_import_that_cannot_be_gets_one_line(
    empty: Store, submitted: list[Any], source: str, name: str, words: str
) -> None:
    app = open_page("data")
    app.text_input[0].input(source)
    app.text_input[1].input(name)
    next(button for button in app.button if button.label == "Import").click().run()
    assert not app.exception
    assert words in app.error[0].value
    assert submitted == []


def test_an_import_carries_what_becomes_of_outside_labels(empty: Store, submitted: list[Any]) -> None:
    app = open_page("data")
    app.text_input[0].input("/faces")
    app.text_input[1].input("mine")
    app.selectbox[0].select("map")
    app.text_input[2].input("contempt=disgust, calm=neutral")
    next(button for button in app.button if button.label == "Import").click().run()
    assert not app.exception
    assert (submitted[0].source, submitted[0].name) == ("/faces", "mine")
    assert submitted[0].outside_labels == "contempt=disgust,calm=neutral"


def test_a_new_run_is_submitted_for_the_dataset_on_show(faces: Store, submitted: list[Any]) -> None:
    app = open_page("confusions", dataset="faces")
    next(button for button in app.button if button.label == "Start the run").click().run()
    assert not app.exception
    assert (submitted[0].dataset, submitted[0].clip, submitted[0].aggregate) == ("faces", "face-clip", "")


def test_a_concept_set_that_cannot_be_read_is_refused_before_a_job_is_made(
    faces: Store, submitted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(name: str) -> None:
        raise ConceptSetError(f"{name}: line 3: no such class")

    monkeypatch.setattr(run_form.concept_choices, "check", unreadable)
    app = open_page("confusions", dataset="faces")
    next(button for button in app.button if button.label == "Start the run").click().run()
    assert not app.exception
    assert "no such class" in app.error[0].value
    assert submitted == []


@pytest.mark.parametrize(("page", "label"), [("confusions", "Start the run"), ("neurons", "Dissect")])
def test_a_form_that_has_been_sent_is_closed(faces: Store, submitted: list[Any], page: str, label: str) -> None:
    app = open_page(page, dataset="faces")
    before = [box.proto.popover.id for box in app.get("popover")]
    next(button for button in app.button if button.label == label).click().run()
    assert len(submitted) == 1
    after = [box.proto.popover.id for box in app.get("popover")]
    assert len(before) == len(after) == 1
    assert before != after  # another one, which is closed
