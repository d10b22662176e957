"""The Ladder page without a browser: the table, a way opened, the form, and what is not there."""

from __future__ import annotations

import csv as reader
import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.app.test_pages import open_page
from tests.app.test_training_page import field, press, shown
from workbench.app.widgets.ladder_result import _cells, csv, ordered
from workbench.specs import LadderSpec
from workbench.store import Store
from workbench.studies.standings import Ladder, open_ladder

RUNGS = "names,fine-sum,linear,knn"


@pytest.fixture(scope="session")
def climbed(workspace: Store, tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> Store:
    """The app's small workspace with a ladder of ``faces``."""
    from workbench.studies.ladder import ladder

    root = tmp_path_factory.mktemp("climbed") / "workspace"
    shutil.copytree(workspace.root, root)
    ladder(LadderSpec("faces", f"local-dir:{tiny_clip_folder}", RUNGS, resamples=100), Store(root))
    return Store(root)


@pytest.fixture
def at_home(climbed: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("WORKBENCH_HOME", str(climbed.root))
    return climbed


@pytest.fixture
def stored(climbed: Store) -> Ladder:
    (artifact,) = climbed.artifacts("ladder")
    return open_ladder(artifact)


def test_the_page_tells_the_result_and_opens_a_way(at_home: Store, stored: Ladder) -> None:
    app = open_page("ladder", dataset="faces", rung="linear")
    assert not app.exception
    best = stored.standings[0].rung.title
    assert f"is {best}" in app.success[0].value.replace("\\", "")
    assert "Linear probe" in shown(app)
    assert "72" in shown(app)
    links = " ".join(str(each.proto) for each in app.get("page_link"))
    assert "Its errors, face by face" in links
    assert "How it learned" in links


def test_what_is_not_there_is_one_line(at_home: Store) -> None:
    for asked, said in (
        ({"ladder": "none"}, "unknown ladder of faces 'none'"),
        ({"rung": "vgg"}, "unknown way to classify in this ladder 'vgg'"),
        ({"sort": "colour"}, "unknown sort 'colour'"),
        ({"tab": "attic"}, "unknown tab 'attic'"),
    ):
        app = open_page("ladder", dataset="faces", **asked)
        assert not app.exception
        assert said in app.error[0].value.replace("\\", "")


def test_the_form_asks_for_the_ways_that_were_chosen(at_home: Store, submitted: list[Any]) -> None:
    app = open_page("ladder", dataset="hostile")
    field(app, "Seeds").set_value(2)
    press(app, "Run the ladder")
    assert submitted == [LadderSpec("hostile", seeds=2)]
    field(app, "Ways").set_value(["names", "linear"])
    press(app, "Run the ladder")
    assert submitted[1].rungs == "names,linear"
    field(app, "Ways").set_value([])
    press(app, "Run the ladder")
    assert len(submitted) == 2
    assert "at least one way" in app.error[0].value


def test_the_order_follows_the_heading(stored: Ladder) -> None:
    accuracies = [each.accuracy.value for each in ordered(stored, "accuracy")]
    assert accuracies == sorted(accuracies)
    assert [each.rung.title for each in ordered(stored, "name")] == sorted(each.rung.title for each in stored.standings)
    assert ordered(stored, "-elsewhere")[-1].name == "knn"  # nobody reported it: last in either order
    assert ordered(stored, "elsewhere")[-1].name == "knn"


def test_numbers_kept_that_seeds_do_not_share_are_told_from_to(stored: Ladder) -> None:
    way = next(each for each in stored.standings if each.name == "linear")
    assert _cells(way)["parameters"] == (f"{way.most:,}", "")
    spread = replace(way, seeds=3, parameters=30471, fewest=4359, most=69639)
    assert _cells(spread)["parameters"] == ("4,359", "to 69,639")
    assert _cells(replace(spread, fewest=None, most=None))["parameters"] == ("30,471", "on average")


def test_the_file_holds_every_way_with_its_intervals(stored: Ladder) -> None:
    lines = list(reader.DictReader(io.StringIO(csv(stored).decode())))
    assert [line["way"] for line in lines] == [each.name for each in stored.standings]
    for line, each in zip(lines, stored.standings, strict=True):
        assert float(line["accuracy"]) == each.accuracy.value
        assert float(line["behind_low"]) == each.behind.low
        assert line["classification"] == each.run
