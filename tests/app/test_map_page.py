"""The Map page without a browser: colours, prompts, selections in the address, forms, and what is not there."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import HOSTILE
from tests.app.test_pages import open_page
from workbench.app.components.confusion_matrix import _cell
from workbench.app.lasso import Frame, write_corners
from workbench.app.maps import LONGEST_PROMPT, MOST_PROMPTS, read_prompts
from workbench.app.widgets.map_faces import selection_matrix
from workbench.data.datasets import open_dataset
from workbench.errors import SpecError
from workbench.jobs import Jobs
from workbench.specs import AnglesSpec, MapSpec, SlicesSpec
from workbench.store import Store
from workbench.studies.mapping import Map, open_map
from workbench.studies.slicing import Slices, open_slices


@pytest.fixture(scope="session")
def mapped(workspace: Store, tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> Store:
    """The app's small workspace with maps of both datasets, by PCA and t-SNE, and slices and angles of ``faces``."""
    from workbench.studies.angles import angles
    from workbench.studies.map import lay_out
    from workbench.studies.slices import slices

    root = tmp_path_factory.mktemp("mapped") / "workspace"
    shutil.copytree(workspace.root, root)
    store, clip = Store(root), f"local-dir:{tiny_clip_folder}"
    lay_out(MapSpec("faces", clip, "pca"), store)
    (run, *_) = [each.name for each in store.artifacts("classification") if each.spec["concepts"] == "fer7"]
    slices(SlicesSpec(run, clip, split="all", slices=4, smallest=10), store)
    slices(SlicesSpec(run, clip, split="all", attribute="perceived-attributes#age", smallest=10), store)
    lay_out(MapSpec("hostile", clip, "tsne", str(workspace.root.parent / "hostile.yaml")), store)
    angles(AnglesSpec("faces", clip, "facial-expressions", resamples=100), store)
    return store


@pytest.fixture
def at_home(mapped: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("WORKBENCH_HOME", str(mapped.root))
    return mapped


def map_of(store: Store, dataset: str = "faces") -> Map:
    return open_map(next(run for run in store.artifacts("map") if run.spec["dataset"] == dataset))


def upper_half(found: Map) -> tuple[str, np.ndarray]:
    """Return a lasso around the points above the middle, and the rows it holds."""
    frame = Frame.around(found.points)
    middle = float(np.median(found.points[:, 1]))
    right, top = frame.left + frame.side, frame.bottom + frame.side
    corners = np.array([[frame.left, middle], [right, middle], [right, top], [frame.left, top]])
    return write_corners(corners, frame), found.rows[found.points[:, 1] > middle]


def shown_count(app: AppTest) -> str:
    return next(text.value for text in app.markdown if text.value.endswith(("faces", "face")))


def box(app: AppTest, label: str) -> Any:
    return next(each for each in app.selectbox if each.label == label)


def test_the_page_shows_the_quality_of_the_newest_map(at_home: Store) -> None:
    app = open_page("map", dataset="faces")
    assert not app.exception
    assert not app.error
    numbers = {metric.label: metric.value for metric in app.metric}
    quality = map_of(at_home).quality
    assert numbers["Images"] == "360"
    assert numbers["Trustworthiness"] == f"{quality['trustworthiness']:.3f}"
    assert numbers["Purity on the map"] == f"{quality['purity_map'] * 100:.1f} %"
    assert app.query_params["map"] == map_of(at_home).artifact.name


@pytest.mark.parametrize("colour", ["label", "prediction", "outcome", "split", "activation"])
def test_every_colour_that_can_be_had_is_drawn(at_home: Store, colour: str) -> None:
    app = open_page("map", dataset="faces", colour=colour)
    assert not app.exception
    assert not app.error
    assert not [box.value for box in app.warning if "no " in box.value and "yet" in box.value]
    assert shown_count(app).endswith("**360** faces") or "360" in shown_count(app)


@pytest.mark.parametrize(
    ("colour", "words"), [("suspicion", "Review page looks for suspects"), ("prompt", "no prompt has been typed")]
)
def test_a_colour_that_cannot_be_had_is_explained_and_labels_colour_instead(
    at_home: Store, colour: str, words: str
) -> None:
    app = open_page("map", dataset="faces", colour=colour)
    assert not app.exception
    assert not app.error
    assert any(words in box.value for box in app.warning)
    assert "360" in shown_count(app)


def test_a_lasso_in_the_address_shows_the_faces_it_holds(at_home: Store) -> None:
    lasso, rows = upper_half(map_of(at_home))
    app = open_page("map", dataset="faces", lasso=lasso)
    assert shown_count(app).endswith(f"**1–100 of {len(rows)}** faces")
    assert any(text.value.startswith("**Selected**") for text in app.markdown)


def test_hidden_classes_are_not_listed(at_home: Store) -> None:
    dataset = open_dataset(at_home, "faces")
    left = int((dataset.labels != dataset.classes[0]).sum())
    assert f"of {left}**" in shown_count(open_page("map", dataset="faces", hidden="0"))


def test_letting_go_shows_all_again(at_home: Store) -> None:
    lasso, _ = upper_half(map_of(at_home))
    app = open_page("map", dataset="faces", lasso=lasso)
    next(button for button in app.button if button.label == "Let go").click().run()
    assert "of 360**" in shown_count(app)
    assert "lasso" not in app.query_params


def test_review_hands_the_selected_rows_over(at_home: Store) -> None:
    lasso, rows = upper_half(map_of(at_home))
    app = open_page("map", dataset="faces", lasso=lasso)
    next(button for button in app.button if button.label.startswith("Review these")).click().run()
    name, kept = app.session_state["kept:selection"]
    assert name == "faces"
    np.testing.assert_array_equal(np.sort(kept), rows)


def test_a_typed_prompt_colours_the_map_by_its_similarity(at_home: Store) -> None:
    app = open_page("map", dataset="faces")
    next(field for field in app.text_input if field.label == "Drop a prompt").set_value("a happy face").run()
    assert not app.exception
    assert app.query_params["prompt"] == "a happy face"
    assert app.query_params["colour"] == "prompt"
    assert any("most similar first" in text.value for text in app.markdown)


def test_several_prompts_may_be_told_apart(at_home: Store) -> None:
    app = open_page("map", dataset="faces", colour="prompt", prompt="a happy face; a sad face", which="a sad face")
    assert box(app, "Prompt").options == ["a happy face", "a sad face"]
    assert box(app, "Prompt").value == "a sad face"


@pytest.mark.parametrize("text", ["", " ", ";;", " ; \n ; "])
def test_empty_prompts_are_none(text: str) -> None:
    assert read_prompts(text) == ()


def test_prompts_count_once_and_lose_their_spaces() -> None:
    assert read_prompts(" a  face;b; a face ") == ("a face", "b")


@pytest.mark.parametrize("text", ["x" * 10_000, "; ".join(f"prompt {k}" for k in range(MOST_PROMPTS + 1))])
def test_too_much_prompt_is_told_in_one_line_and_the_map_is_there(at_home: Store, text: str) -> None:
    with pytest.raises(SpecError, match="at most"):
        read_prompts(text)
    app = open_page("map", dataset="faces", prompt=text, colour="prompt")
    assert not app.exception
    assert any("at most" in box.value for box in app.warning)
    assert all(len(box.value) < 300 for box in app.warning)
    assert "360" in shown_count(app)
    assert len("x" * 10_000) > LONGEST_PROMPT


@pytest.mark.parametrize(
    "link",
    [
        {"dataset": "nothing"},
        {"map": "gone"},
        {"dataset": "faces", "map": "gone"},
        {"dataset": "faces", "run": "gone"},
        {"dataset": "faces", "colour": "taste"},
        {"dataset": "faces", "tab": "none"},
        {"dataset": "faces", "lasso": "<script>"},
        {"dataset": "faces", "face": "99999"},
        {"dataset": "faces", "tab": "angles", "angles": "gone"},
    ],
    ids=lambda link: "-".join(link.values())[:20],
)
def test_what_is_not_there_is_one_line_with_a_way_out(at_home: Store, link: dict[str, str]) -> None:
    app = open_page("map", **link)
    assert not app.exception
    if link == {"map": "gone"}:
        assert app.error or app.metric
        return
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value


@pytest.mark.parametrize("link", [{"hidden": "x.9999.-1"}, {"camera": "nowhere"}, {"which": "nothing"}, {"label": "x"}])
def test_nonsense_about_the_look_of_the_map_is_passed_over(at_home: Store, link: dict[str, str]) -> None:
    app = open_page("map", dataset="faces", **link)
    assert not app.exception
    assert not app.error


def test_a_unit_that_is_not_there_is_told_and_labels_colour_instead(at_home: Store) -> None:
    app = open_page("map", dataset="faces", colour="activation", unit="conv9:1")
    assert any("conv9" in box.value for box in app.warning)
    assert "360" in shown_count(app)


def test_hostile_labels_are_drawn_without_an_error(at_home: Store) -> None:
    for colour in ("label", "prediction", "split"):
        app = open_page("map", dataset="hostile", colour=colour, face="0")
        assert not app.exception
        assert not app.error
        for text in (*app.markdown, *app.caption, *app.warning):
            assert not any(hostile in text.value for hostile in HOSTILE)


def test_a_dataset_without_a_map_gets_the_form_and_its_job(
    workspace: Store, monkeypatch: pytest.MonkeyPatch, submitted: list[Any]
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.root))
    app = open_page("map", dataset="faces")
    assert any("no map yet" in box.value for box in app.info)
    next(button for button in app.button if button.label == "Make the map").click().run()
    assert submitted == [MapSpec("faces")]


def test_a_form_that_has_been_sent_is_closed(at_home: Store, submitted: list[Any]) -> None:
    app = open_page("map", dataset="faces")
    before = [box.proto.popover.id for box in app.get("popover")]
    next(button for button in app.button if button.label == "Make the map").click().run()
    assert submitted == [MapSpec("faces")]
    after = [box.proto.popover.id for box in app.get("popover")]
    assert len(before) == len(after) == 1
    assert before != after  # another one, which is closed


def test_the_form_tells_what_is_wrong(workspace: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Jobs, spec: MapSpec) -> None:
        raise SpecError("the map of <b>nothing</b>")

    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.root))
    monkeypatch.setattr(Jobs, "submit", refuse)
    app = open_page("map", dataset="faces")
    next(button for button in app.button if button.label == "Make the map").click().run()
    assert [box.value for box in app.error] == ["the map of \\<b\\>nothing\\<\\/b\\>"]


def test_the_angles_stand_beside_each_other_and_need_no_map(
    at_home: Store, workspace: Store, monkeypatch: pytest.MonkeyPatch, submitted: list[Any]
) -> None:
    app = open_page("map", dataset="faces", tab="angles")
    assert not app.exception
    assert not app.error
    assert {"Most opposite images", "Closest texts", "Do texts agree?"} <= {metric.label for metric in app.metric}
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.root))
    app = open_page("map", dataset="faces", tab="angles")
    next(button for button in app.button if button.label == "Measure the angles").click().run()
    assert submitted == [AnglesSpec("faces")]


def test_the_gap_is_shown_in_every_space(at_home: Store) -> None:
    app = open_page("map", dataset="faces", tab="gap")
    assert not app.exception
    table = app.dataframe[0].value
    gap = map_of(at_home).quality["gap"]
    assert table["distance"].tolist() == pytest.approx(
        [gap[name]["distance"] for name in ("raw", "centred", "shifted")]
    )


def only_slices(store: Store, attributes: bool = False) -> Slices:
    (found,) = (each for each in store.artifacts("slices") if bool(each.spec["attribute"]) == attributes)
    return open_slices(found)


def test_a_slice_on_the_map_is_all_that_is_selected_and_the_page_says_so(at_home: Store) -> None:
    found = only_slices(at_home)
    app = open_page("map", dataset="faces", among=f"{found.artifact.name}:1")
    assert not app.exception
    assert not app.error
    rows = found.rows(1)
    assert f"{len(rows)}** faces" in shown_count(app)
    assert any(f"all {len(rows)} images on this map" in text.value for text in app.markdown)
    next(button for button in app.button if button.label.startswith("Review these")).click().run()
    np.testing.assert_array_equal(np.sort(app.session_state["kept:selection"][1]), np.sort(rows))
    app = open_page("map", dataset="faces", among=f"{found.artifact.name}:1")
    next(button for button in app.button if button.label == "Let go").click().run()
    assert "of 360**" in shown_count(app)
    assert "among" not in app.query_params


@pytest.mark.parametrize("number", ["", "99", "x", "-1"])
def test_a_slice_that_is_not_there_is_one_line(at_home: Store, number: str) -> None:
    for among in (f"{only_slices(at_home).artifact.name}:{number}", number):
        if not among:
            continue
        app = open_page("map", dataset="faces", among=among)
        assert not app.exception
        assert len(app.error) == 1
        assert "\n" not in app.error[0].value


def test_a_slice_opens_on_the_map_by_its_own_link(at_home: Store) -> None:
    found = only_slices(at_home)
    app = open_page("slices", dataset="faces", slice="1")
    assert not app.exception
    link = next(each for each in app.get("page_link") if each.proto.label == "On the map")
    assert f"among={found.artifact.name}%3A1" in link.proto.query_string


def test_an_open_face_takes_the_place_of_the_table_and_keeps_the_picked_cell(at_home: Store) -> None:
    from workbench.studies.classify import open_classification

    run = open_classification(next(each for each in at_home.artifacts("classification") if "fer7" in each.name))
    asked = {"dataset": "faces", "run": run.artifact.name, "predicted": str(run.predicted[0])}
    held = int((np.asarray(run.predicted) == run.predicted[0]).sum())
    for face in ({}, {"face": "0"}):
        app = open_page("map", **asked, **face)
        assert f"{held}** face" in shown_count(app)
        closing = [button for button in app.button if button.label == "Close the face"]
        assert len(closing) == len(face)
    closing[0].click().run()
    assert "face" not in app.query_params


def test_colouring_by_a_prompt_that_is_not_there_orders_nothing(at_home: Store) -> None:
    app = open_page("map", dataset="faces", colour="prompt")
    assert any("as stored" in text.value for text in app.markdown)
    assert not any("most similar first" in text.value for text in app.markdown)


@pytest.mark.parametrize(("colour", "columns"), [("label", 6), ("prediction", 6), ("outcome", 7), ("split", 6)])
def test_the_export_names_no_column_twice(at_home: Store, colour: str, columns: int) -> None:
    from workbench.app.widgets.map_colour import MAKERS, Sources
    from workbench.app.widgets.map_faces import export
    from workbench.studies.classify import open_classification

    run = open_classification(next(each for each in at_home.artifacts("classification") if "fer7" in each.name))
    sources = Sources(None, open_dataset(at_home, "faces"), map_of(at_home), run, (), None)  # type: ignore[arg-type]
    table = export(sources, MAKERS[colour](sources), np.arange(3)).decode()
    header, *lines = csv.reader(io.StringIO(table))
    assert len(set(header)) == len(header) == columns
    assert {len(line) for line in lines} == {columns}


@pytest.mark.parametrize(("dataset", "said"), [("faces", False), ("hostile", True)])
def test_a_map_whose_directions_mean_little_says_so_and_leads_to_the_angles(
    at_home: Store, dataset: str, said: bool
) -> None:
    app = open_page("map", dataset=dataset)
    assert (map_of(at_home, dataset).spec.method == "tsne") == said
    assert any("t-SNE keeps neighbours together" in text.value for text in app.caption) == said
    buttons = [button for button in app.button if button.label == "Angles"]
    assert len(buttons) == said
    for button in buttons:
        button.click().run()
        assert app.query_params["tab"] == "angles"


def test_a_row_of_few_images_has_no_colour() -> None:
    labels = np.array(["sad"] * 4 + ["happy"] * 10)
    matrix = selection_matrix(labels, labels, ["happy", "sad"])
    heats = [[_cell(matrix, matrix.shares(), i, j)["heat"] for j in range(2)] for i in range(2)]
    assert heats == [[100, 0], [0, 0]]
    assert matrix.rows == ("happy", "sad")


def test_the_attributes_say_what_could_be_seen_and_why_nothing_holds(at_home: Store) -> None:
    found = only_slices(at_home, attributes=True)
    app = open_page("slices", dataset="faces", tab="attributes")
    assert not app.exception
    assert len(app.error) == 1  # the warning that these are guesses
    (caption,) = (text.value for text in app.caption if "Gray: fewer than 10 images" in text.value)
    assert ("No star here" in caption) == bool(found.doubts)
    assert "Guesses follow the expression too" in caption
    worse = next(metric for metric in app.metric if metric.label == "Worse than the rest")
    assert worse.delta.startswith(("seen from", "too few images to tell"))
