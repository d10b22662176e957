"""The Video page without a browser: numbers, changes in the address, controls, forms, what is not there."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.test_pages import open_page
from tests.app.video_workspace import ATTACK, REPORTED, SMILE, stored_score
from workbench.app import score_words, video_words
from workbench.app.score_settings import Edits, read_edits
from workbench.app.text import plain
from workbench.app.widgets.job_status import result_place
from workbench.app.widgets.video_compare import at_times
from workbench.app.widgets.video_emotions import edited, new_words
from workbench.app.widgets.video_files import command
from workbench.app.widgets.video_form import received
from workbench.app.widgets.video_result import Live, score_titles
from workbench.cli import main
from workbench.data.concepts import parse_concept_sets, to_yaml
from workbench.data.video_library import uploads_dir
from workbench.errors import SpecError
from workbench.jobs import Jobs
from workbench.methods.peak_end import Settings
from workbench.specs import ScoreSpec
from workbench.store import ArtifactKey, Build, Store
from workbench.studies.scoring import VideoScore


@pytest.fixture
def smile(scored: Store, monkeypatch: pytest.MonkeyPatch) -> VideoScore:
    """The score that most tests look at; its workspace is the app's."""
    monkeypatch.setenv("WORKBENCH_HOME", str(scored.root))
    return stored_score(scored)


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    specs: list[Any] = []

    def submit(_: Jobs, spec: ScoreSpec) -> SimpleNamespace:
        specs.append(spec)
        return SimpleNamespace(id=0)

    monkeypatch.setattr(Jobs, "submit", submit)
    monkeypatch.setattr(
        Jobs, "get", lambda _, number: SimpleNamespace(id=number, status="cancelled", title="a score", spec=specs[0])
    )
    return specs


def shown(app: AppTest) -> dict[str, str]:
    assert not app.exception
    assert not app.error
    return {each.label.removesuffix(" (1 to 5)"): str(each.value) for each in app.metric}


def address(app: AppTest, name: str) -> str:
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def click(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_the_numbers_are_those_of_the_stored_score(smile: VideoScore) -> None:
    numbers = shown(open_page("video", score=smile.artifact.name))
    result = smile.result
    assert numbers == {
        "Video score": f"{result.video:.2f}",
        "End score": f"{result.end:.2f}",
        "Earlier peak": f"{result.earlier:.2f}",
        "Later peak": f"{result.later:.2f}",
        "Mean": f"{result.mean:.2f}",
        "Median": f"{result.median:.2f}",
    }


def test_gaps_are_counted_and_said_before_the_numbers(smile: VideoScore) -> None:
    app = open_page("video", score=smile.artifact.name)
    gaps = int((~smile.present).sum())
    assert gaps
    assert next(each.delta for each in app.metric if each.label == "Median") == f"{gaps} gaps"
    assert any("gaps" in box.value for box in app.warning)


@pytest.mark.parametrize(
    "parameters",
    [
        {"score": "none"},
        {"score": "../none"},
        {"score": "", "video": "none.mp4"},
        {"section": "none"},
        {"section": "table", "table": "none"},
        {"section": "picture", "way": "none"},
        {"section": "picture", "whose": "none"},
        {"tab": "none"},
        {"unit": "none"},
        {"window": "0"},
        {"window": "<b>"},
        {"part_end": "2"},
        {"part_end": "0", "part_earlier": "0", "part_later": "0"},
        {"peak": "none"},
        {"smoothing": "nan"},
        {"at": "-1"},
        {"edits": "0=6"},
        {"edits": "9999-"},
        {"edits": "<b>"},
        {"tab": "compare", "with": "none"},
    ],
    ids=str,
)
def test_what_is_not_there_gets_one_line(smile: VideoScore, parameters: dict[str, str]) -> None:
    app = open_page("video", **{"score": smile.artifact.name, **parameters})
    assert not app.exception
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value


def test_an_empty_workspace_and_a_video_without_a_score_offer_the_form(
    tmp_path: Path, smile: VideoScore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("video", video="unscored.mp4")
    assert not app.exception
    assert "has not been scored yet" in app.info[0].value
    assert any(box.value == "unscored.mp4" for box in app.selectbox)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "workspace"))
    app = open_page("video")
    assert not app.exception
    assert "upload one" in app.info[0].value
    assert any("Deleted as soon as it has been scored" in each.value for each in app.caption)


def test_settings_in_the_address_make_the_score_again(smile: VideoScore) -> None:
    asked = {"unit": "seconds", "window": "1.5", "part_end": "0.2", "peak": "robust", "smoothing": "0.4"}
    numbers = shown(open_page("video", score=smile.artifact.name, **asked))
    expected = smile.rescored(
        settings=Settings(end_seconds=1.5, parts=(0.2, 0.1, 0.4), peak="robust", smoothing=0.4)
    ).result
    assert (numbers["Video score"], numbers["End score"]) == (f"{expected.video:.2f}", f"{expected.end:.2f}")


def test_a_control_answers_at_once_and_goes_back(smile: VideoScore) -> None:
    app = open_page("video", score=smile.artifact.name)
    next(each for each in app.slider if each.label == "End score").set_value(0.0).run()
    expected = smile.rescored(settings=Settings(parts=(0.0, 0.1, 0.4))).result
    assert shown(app)["Video score"] == f"{expected.video:.2f}"
    assert address(app, "part_end") == "0"
    next(each for each in app.number_input if each.label == "Smoothing (s)").set_value(1.0).run()
    smoothed = smile.rescored(settings=Settings(parts=(0.0, 0.1, 0.4), smoothing=1.0)).result
    assert shown(app)["Video score"] == f"{smoothed.video:.2f}"
    click(app, "As stored")
    assert shown(app)["Video score"] == f"{smile.result.video:.2f}"
    assert "part_end" not in app.query_params


def test_changed_emotions_in_the_address_make_the_score_again_and_can_be_taken_back(smile: VideoScore) -> None:
    app = open_page("video", score=smile.artifact.name, tab="emotions", edits="0=5,3-")
    scores, keep = Edits({0: 5.0}, frozenset({3})).apply(smile.scores)
    expected = smile.rescored(scores, keep).result
    assert shown(app)["Video score"] == f"{expected.video:.2f}"
    click(app, "Reset")
    assert shown(app)["Video score"] == f"{smile.result.video:.2f}"
    assert "edits" not in app.query_params


def test_changed_emotions_are_stored_as_a_score_of_their_own(smile: VideoScore, scored: Store) -> None:
    app = open_page("video", score=smile.artifact.name, tab="emotions", edits="0=5,3-")
    before = shown(app)["Video score"]
    click(app, "Store as a score")
    assert shown(app)["Video score"] == before
    name = address(app, "score")
    assert name != smile.artifact.name
    kept = VideoScore(scored.artifact("score", name))
    assert kept.scores[0] == 5
    assert smile.names[3] not in kept.names


def test_added_words_become_a_score_of_their_own(smile: VideoScore, scored: Store) -> None:
    app = open_page("video", score=smile.artifact.name, tab="emotions")
    next(each for each in app.text_input if each.label == "Words").input("relieved, grateful")
    next(each for each in app.number_input if each.label == "Their score").set_value(4.0)
    next(each for each in app.selectbox if each.label == "They speak for").select("no class")
    click(app, "Score with these words")
    assert not app.exception
    found = VideoScore(scored.artifact("score", address(app, "score")))
    assert found.names == ("relieved", "grateful", *smile.names)
    line = f"relieved, grateful added: {smile.result.video:.2f} → {found.result.video:.2f}"
    assert [each.value for each in app.success] == [plain(line)]
    titles = score_titles(scored.artifacts("score"))
    assert "edited words" in titles[found.artifact.name]
    assert "edited words" not in titles[smile.artifact.name]
    again = open_page("video", video=SMILE)
    assert "edited" not in titles[address(again, "score")]


@pytest.mark.parametrize(("score", "spoken", "words"), [(None, "no class", "score from 1"), (4.0, None, "the class")])
def test_a_word_needs_a_score_and_a_class_or_none(
    smile: VideoScore, score: float | None, spoken: str | None, words: str
) -> None:
    with pytest.raises(SpecError, match=words):
        new_words("bored", score, spoken)


def test_a_word_that_is_there_already_gets_one_line(smile: VideoScore) -> None:
    app = open_page("video", score=smile.artifact.name, tab="emotions")
    next(each for each in app.text_input if each.label == "Words").input("happy")
    next(each for each in app.number_input if each.label == "Their score").set_value(4.0)
    next(each for each in app.selectbox if each.label == "They speak for").select("no class")
    click(app, "Score with these words")
    assert not app.exception
    assert "duplicate concept" in app.error[0].value


def test_sensitivity_is_told_in_words_and_as_a_table(smile: VideoScore) -> None:
    app = open_page("video", score=smile.artifact.name, tab="sensitivity")
    assert shown(app)
    words = " ".join(each.value for each in app.markdown)
    moved = smile.sensitivity
    assert f"{moved.grid_low:.2f} to {moved.grid_high:.2f}" in words
    assert len(app.dataframe[0].value) == len(moved.choices)


def test_other_scores_of_the_video_are_compared_with_the_same_settings(smile: VideoScore, scored: Store) -> None:
    other = stored_score(scored, SMILE, "hostile")
    app = open_page("video", score=smile.artifact.name, tab="compare", part_end="0.9", **{"with": other.artifact.name})
    assert shown(app)
    table = app.dataframe[0].value
    expected = other.rescored(settings=Settings(parts=(0.9, 0.1, 0.4))).result.video
    assert np.isclose(table["Video score"], expected).any()
    assert table["Difference"][0] == 0


def test_a_table_says_how_far_off_the_model_is(smile: VideoScore) -> None:
    app = open_page("video", section="table")
    assert not app.exception
    assert not app.error
    models, rows = app.dataframe[0].value, app.dataframe[1].value
    assert models["mae"][0] == pytest.approx(abs(smile.result.video - REPORTED))
    assert rows["reported"][0] == REPORTED


def test_the_picture_section_says_that_nothing_is_stored(smile: VideoScore) -> None:
    app = open_page("video", section="picture")
    assert not app.exception
    assert any("never stored" in each.value for each in app.caption)


def test_probes_of_the_workspace_are_offered_as_models(smile: VideoScore, scored: Store) -> None:
    del smile
    with scored.build(ArtifactKey("probe", "mine", {}), {}) as build:
        assert isinstance(build, Build)
        probe = build.finish({})
    try:
        app = open_page("video", video="unscored.mp4")
        models = next(each for each in app.multiselect if each.label == "Models")
        assert f"probe:{probe.name}" in models.options
    finally:
        scored.remove(probe)


def test_the_form_submits_what_is_asked_for(smile: VideoScore, submitted: list[Any]) -> None:
    app = open_page("video", video="unscored.mp4")
    assert not any(each.label in ("Person", "n", "Frames a second") for each in app.number_input)
    next(each for each in app.selectbox if each.label == "Whose face").select("track")
    next(each for each in app.selectbox if each.label == "Frames").select("rate").run()
    next(each for each in app.number_input if each.label == "Person").set_value(1)
    next(each for each in app.number_input if each.label == "Frames a second").set_value(4.0)
    next(each for each in app.multiselect if each.label == "Models").set_value(["face-clip", "face-cnn"])
    click(app, "Score")
    assert not app.exception
    expected = ScoreSpec("unscored.mp4", "face-clip,face-cnn", faces="track:1", rate=4.0)
    assert submitted == [expected]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("multiselect", "Models", ["python:os:getcwd"]), "runs code"),
        (("multiselect", "Models", []), "name a network"),
        (("selectbox", "Concept set", "fer7"), "has no scores"),
    ],
    ids=["code", "no model", "no scores"],
)
def test_a_score_that_cannot_be_is_refused_before_a_job_is_made(
    smile: VideoScore, submitted: list[Any], change: tuple[str, str, Any], words: str
) -> None:
    app = open_page("video", video="unscored.mp4")
    kind, label, value = change
    next(each for each in getattr(app, kind) if each.label == label).set_value(value)
    click(app, "Score")
    assert not app.exception
    assert words in app.error[0].value
    assert submitted == []


def test_a_hostile_name_is_text_everywhere(smile: VideoScore) -> None:
    app = open_page("video", video=ATTACK)
    assert shown(app)
    written = [each.value for each in (*app.markdown, *app.caption, *app.warning, *app.info)]
    assert not any("<img" in text and "\\<img" not in text for text in written)
    assert not any("![p]" in text for text in written)


@pytest.mark.parametrize("edits", [Edits(), Edits({0: 4.5, 12: 1.0}), Edits({3: 2.25}, frozenset({3, 7}))], ids=str)
def test_changes_read_back_from_the_address(edits: Edits) -> None:
    assert read_edits(str(edits), [str(row) for row in range(20)]) == edits


@pytest.mark.parametrize("text", ["0=0.5", "0=6", "20-", "x", "0", "0=", "-1-", "0-,1-,2-", "0=1e1", "٠-"])
def test_changes_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(SpecError):
        read_edits(text, ["a", "b", "c"])


def test_changes_in_the_table_add_to_those_it_began_with() -> None:
    begun = Edits({0: 4.0, 1: 2.0}, frozenset({2}))
    rows: dict[int, dict[str, Any]] = {
        1: {"score": 3.0},
        2: {"use": True},
        3: {"use": False, "score": 5.0},
        4: {"score": None},
    }
    assert edited(begun, rows, [1.0, 3.0, 3.0, 3.0, 3.0]) == Edits({0: 4.0, 3: 5.0}, frozenset({3}))


def test_the_concept_set_of_a_score_reads_back_with_its_changes(smile: VideoScore) -> None:
    concepts = score_words.as_concepts(smile, Edits({0: 5.0}, frozenset({3})))
    again = next(iter(parse_concept_sets(to_yaml(concepts)).values()))
    assert again.fingerprint == concepts.fingerprint
    assert again.scores is not None
    assert again.scores[0] == 5
    assert again.texts == [name for row, name in enumerate(smile.names) if row != 3]


def test_the_command_makes_the_score_as_it_is_shown(
    smile: VideoScore, scored: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(end_seconds=1.0, parts=(0.2, 0.2, 0.6), peak="robust", smoothing=0.3)
    edits = Edits({0: 4.5})
    scores, keep = edits.apply(smile.scores)
    live = Live(smile, edits, settings, smile.rescored(scores, keep, settings), True)
    words = shlex.split(command(live).replace("--out FOLDER", f"--workspace {scored.root}"))
    assert main(words[1:]) == 0
    assert f"{live.found.result.video:.2f}" in capsys.readouterr().out


def test_a_course_is_laid_over_another_at_its_nearest_frames() -> None:
    times, other = np.array([0.0, 0.1, 0.2, 0.3, 0.4]), np.array([0.0, 0.2, 0.4])
    laid = at_times(times, other, np.array([1.0, np.nan, 3.0]))
    np.testing.assert_array_equal(laid[[0, 2, 4]], [1.0, np.nan, 3.0])
    assert np.isnan(at_times(times, np.array([0.0]), np.array([2.0]))[2:]).all()


def test_no_two_scores_have_the_same_words(scored: Store) -> None:
    titles = score_titles(scored.artifacts("score"))
    assert len(set(titles.values())) == len(titles)


@pytest.mark.parametrize(
    ("result", "place"),
    [
        ("score/a-1", ("pages/video.py", {"score": "a-1"})),
        ("score-table/a-1", ("pages/video.py", {"section": "table", "table": "a-1"})),
    ],
)
def test_a_finished_job_leads_to_its_score(result: str, place: object) -> None:
    job: Any = SimpleNamespace(result=result, spec=ScoreSpec("a.mp4"))
    assert result_place(job) == place


def test_uploaded_reported_scores_lie_where_they_are_deleted_after_the_job(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(store.root))
    assert received("/data/ratings.csv") == "/data/ratings.csv"
    path = Path(received(io.BytesIO(b"video,score\na,3\n")))
    assert path.read_bytes() == b"video,score\na,3\n"
    assert path.parent.parent == uploads_dir(store)


def test_notes_speak_of_persons() -> None:
    words = video_words.note("the largest face is not one track throughout: track:0, track:1 (x); y")
    assert words == "the largest face is not one person throughout: person 0, person 1 (x); y"


@pytest.mark.parametrize(("window", "told"), [("100000", True), ("2", False)])
def test_a_window_longer_than_the_video_is_told(smile: VideoScore, window: str, told: bool) -> None:
    app = open_page("video", score=smile.artifact.name, window=window)
    assert any("nearly the mean" in each.value for each in app.caption) == told


@pytest.mark.parametrize(
    ("status", "words"),
    [("failed", "it broke"), ("cancelled", "Stopped; nothing was scored, and the upload is deleted.")],
)
def test_how_a_job_ended_stays_on_the_page(
    smile: VideoScore, scored: Store, submitted: list[Any], monkeypatch: pytest.MonkeyPatch, status: str, words: str
) -> None:
    spec = ScoreSpec(str(uploads_dir(scored) / "a1" / "mine.mp4"))
    ended = SimpleNamespace(id=0, status=status, title="score mine.mp4", error="it broke", spec=spec)
    monkeypatch.setattr(Jobs, "get", lambda *_: ended)
    app = click(open_page("video", video="unscored.mp4"), "Score")
    app.run()
    assert not app.exception
    told = app.error if status == "failed" else app.info
    assert told[0].value.endswith(words)
    assert submitted


def test_the_page_stays_at_a_result_though_the_browser_still_sends_what_it_showed_before(
    smile: VideoScore, scored: Store, submitted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("video", score=smile.artifact.name)
    widgets, said = app._tree.get_widget_states(), dict(app.query_params)
    click(app, "Score")
    result = stored_score(scored, ATTACK, "hostile").artifact.name
    done = SimpleNamespace(id=0, status="done", title="a score", result=f"score/{result}", spec=submitted[0])
    monkeypatch.setattr(Jobs, "get", lambda *_: done)
    app.run()
    assert address(app, "score") == result
    app.query_params.clear()
    app.query_params.update(said)
    app._run(widgets)
    assert (address(app, "score"), address(app, "video")) == (result, ATTACK)
    assert not app.exception
    app.selectbox[0].select(SMILE).run()
    assert address(app, "video") == SMILE
