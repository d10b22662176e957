"""The section "Robustness" of the Ladder page without a browser: a study, the form, and what is not there."""

from __future__ import annotations

import csv as reader
import io
import shutil
from typing import Any

import pytest

from tests.app.test_pages import open_page
from tests.app.test_training_page import field, press, shown
from workbench.app.robustness import short_names
from workbench.app.widgets.robustness_result import curves_csv
from workbench.specs import RobustnessSpec
from workbench.store import Store
from workbench.studies.curves import Robustness, open_robustness


@pytest.fixture(scope="session")
def disturbed(workspace: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The app's small workspace with a study of ``faces``."""
    from workbench.studies.robustness import robustness

    root = tmp_path_factory.mktemp("disturbed") / "workspace"
    shutil.copytree(workspace.root, root)
    spec = RobustnessSpec("faces", "face-cnn", disturbances="blur,contrast", images=60, faces=0, resamples=100)
    robustness(spec, Store(root))
    return Store(root)


@pytest.fixture
def at_home(disturbed: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("WORKBENCH_HOME", str(disturbed.root))
    return disturbed


@pytest.fixture
def stored(disturbed: Store) -> Robustness:
    (artifact,) = disturbed.artifacts("robustness")
    return open_robustness(artifact)


def test_the_page_tells_the_result_and_shows_the_course_that_was_asked_for(at_home: Store, stored: Robustness) -> None:
    for asked in ({}, {"study": stored.artifact.name, "metric": "loss", "classes": "2"}):
        app = open_page("ladder", dataset="faces", tab="robustness", **asked)
        assert not app.exception
        assert stored.sentence in app.success[0].value.replace("\\", "")
        assert "60 images of test; the same for all models" in shown(app)
        table = app.dataframe[0].value
        assert list(table["disturbance"]) == ["Contrast, flatter", "Contrast, harder", "Blur"]
        assert "/api/report/robustness/" in " ".join(str(each.proto) for each in app.get("link_button"))
    assert field(app, "Course").value == "2"


def test_a_study_leads_to_its_dataset(at_home: Store, stored: Robustness) -> None:
    app = open_page("ladder", tab="robustness", study=stored.artifact.name)
    assert not app.exception
    assert app.success


def test_what_is_not_there_is_one_line(at_home: Store) -> None:
    for asked, said in (
        ({"study": "none"}, "unknown study of robustness of faces 'none'"),
        ({"metric": "beauty"}, "unknown metric 'beauty'"),
        ({"classes": "99"}, "unknown course '99'"),
    ):
        app = open_page("ladder", dataset="faces", tab="robustness", **asked)
        assert not app.exception
        assert said in app.error[0].value.replace("\\", "")


def test_the_form_asks_for_what_was_chosen(at_home: Store, submitted: list[Any]) -> None:
    app = open_page("ladder", dataset="hostile", tab="robustness")
    field(app, "Images at most").set_value(100)
    field(app, "Rendered people").set_value(0)
    press(app, "Measure")
    assert submitted == [RobustnessSpec("hostile", "clip:face-clip,face-cnn", images=100, faces=0)]
    app.multiselect[1].set_value(["blur", "eyes"])
    press(app, "Measure")
    assert submitted[1].disturbances == "blur,eyes"
    app.multiselect[0].set_value([])
    press(app, "Measure")
    assert len(submitted) == 2
    assert "name at least one classifier" in app.error[0].value


def test_models_are_called_by_what_tells_them_apart() -> None:
    one, other = "probe:faces-linear-0123456789abcdef", "probe:faces-linear-fedcba9876543210"
    assert short_names((one, "face-cnn")) == {one: "probe:faces-linear", "face-cnn": "face-cnn"}
    assert short_names((one, other)) == {one: one, other: other}
    assert short_names(("clip:ViT-B-32/openai",)) == {"clip:ViT-B-32/openai": "clip:ViT-B-32/openai"}


def test_the_file_holds_every_level(stored: Robustness) -> None:
    lines = list(reader.DictReader(io.StringIO(curves_csv(stored).decode())))
    assert len(lines) == sum(len(course.levels) for course in stored.courses)
    first = stored.courses[0]
    assert float(lines[1]["accuracy_low"]) == pytest.approx(first.accuracy[1].low, abs=1e-6)
    assert lines[1]["level"] == "0.7"
