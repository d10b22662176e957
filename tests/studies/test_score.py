from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import write_face_video
from workbench.data.concepts import Concept, load_concept_set
from workbench.data.faces import render, sample
from workbench.errors import InputError, SpecError, VideoError
from workbench.methods.peak_end import Settings
from workbench.specs import ScoreSpec
from workbench.store import Store
from workbench.studies import run_study
from workbench.studies.score import added_words, score, score_picture
from workbench.studies.score_pictures import moments, pictures
from workbench.studies.scorers import open_scorer
from workbench.studies.scoring import ScoreTable, VideoScore, open_score, source_of


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A workspace whose faces are encoded once for all tests of this file."""
    return Store(tmp_path_factory.mktemp("workspace"))


def scored(spec: ScoreSpec, store: Store) -> VideoScore:
    found = score(spec, store)
    assert isinstance(found, VideoScore)
    return found


def spec_of(path: Path, **changes: object) -> ScoreSpec:
    return replace(ScoreSpec(str(path), resamples=100), **changes)  # type: ignore[arg-type]


def test_a_frame_score_is_probabilities_times_scores_and_the_video_score_its_three_parts(
    face_video: Path, shared: Store
) -> None:
    found = scored(spec_of(face_video), shared)
    probabilities = np.asarray(found.probabilities, dtype=np.float64)
    np.testing.assert_allclose(probabilities[found.present].sum(axis=1), 1, atol=1e-5)
    expected = probabilities @ found.scores
    np.testing.assert_allclose(found.course, expected, equal_nan=True)
    result = found.result
    high, low = int(np.nanargmax(expected)), int(np.nanargmin(expected))
    assert {result.earlier_row, result.later_row} == {high, low}
    assert result.earlier_row < result.later_row
    end = float(np.nansum(result.end_weights * np.nan_to_num(expected)))
    first, second = sorted((high, low))
    assert result.video == pytest.approx(0.5 * end + 0.1 * expected[first] + 0.4 * expected[second])
    assert np.isnan(found.course[20:25]).all()
    assert found.result.end_weights[20:25].sum() == 0
    assert found.artifact.summary["result"]["video"] == result.video


def test_a_smile_raises_the_score(face_video: Path, shared: Store) -> None:
    course = scored(spec_of(face_video), shared).course
    assert np.nanmean(course[25:]) > np.nanmean(course[:5]) + 0.5


def test_what_is_stored_is_found_again_and_opens_equal(face_video: Path, shared: Store) -> None:
    found = scored(spec_of(face_video), shared)
    again = open_score(shared.artifact(*run_study(spec_of(face_video), shared).split("/", 1)))
    assert again.artifact.name == found.artifact.name
    assert again.spec == found.spec
    assert again.sensitivity == found.sensitivity
    assert again.interval == found.interval
    assert [artifact.name for artifact in shared.artifacts("score")].count(found.artifact.name) == 1
    assert found.interval.low <= found.result.video <= found.interval.high
    assert found.sensitivity.low <= found.result.video <= found.sensitivity.high


@pytest.mark.parametrize(
    "change",
    [
        {"model": "face-cnn"},
        {"scores": "happy=1"},
        {"faces": "track:0"},
        {"faces": "whole"},
        {"every": 2},
        {"end_frames": 10.0},
        {"end_seconds": 1.0},
        {"parts": "1,0,0"},
        {"peak": "robust"},
        {"smoothing": 0.5},
        {"resamples": 200},
        {"seed": 1},
    ],
    ids=str,
)
def test_every_choice_changes_the_name(change: dict[str, object], face_video: Path, shared: Store) -> None:
    first = scored(spec_of(face_video), shared)
    assert scored(spec_of(face_video, **change), shared).artifact.name != first.artifact.name


def test_the_peaks_weights_do_not_depend_on_how_they_are_written(face_video: Path, shared: Store) -> None:
    first = scored(spec_of(face_video), shared)
    assert scored(spec_of(face_video, parts="5, 1, 4"), shared).artifact.name == first.artifact.name


def test_scoring_again_needs_no_model_and_agrees_with_scoring_anew(
    face_video: Path, shared: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew = scored(spec_of(face_video, scores="happy=1,joyful=2", smoothing=0.3, parts="1,1,1"), shared)
    found = scored(spec_of(face_video), shared)
    monkeypatch.setattr("workbench.studies.score_video.open_scorer", lambda *_: pytest.fail("a model was loaded"))
    scores = found.scores.copy()
    scores[found.names.index("happy")], scores[found.names.index("joyful")] = 1, 2
    settings = Settings(smoothing=0.3, parts=(1.0, 1.0, 1.0))
    rescored = found.rescored(scores, settings=settings)
    assert rescored.result.video == pytest.approx(anew.result.video)
    moved, interval = found.evidence(scores, settings=settings)
    assert moved.grid_low == pytest.approx(anew.sensitivity.grid_low)
    assert interval == pytest.approx(anew.interval)


def test_leaving_a_word_out_is_what_a_softmax_without_it_gives(face_video: Path, shared: Store, tmp_path: Path) -> None:
    found = scored(spec_of(face_video), shared)
    keep = np.array(["happy" not in name for name in found.names])
    concepts = load_concept_set("customer-satisfaction")
    fewer = replace(concepts, concepts=tuple(c for c in concepts.concepts if "happy" not in c.text), name="fewer")
    anew = added_words(found, fewer, shared)
    assert found.rescored(keep=keep).result.video == pytest.approx(anew.result.video, abs=1e-5)
    with pytest.raises(SpecError, match="keep at least one"):
        found.rescored(keep=np.zeros(len(found.names), dtype=bool))


def test_scoring_again_refuses_what_is_no_choice(face_video: Path, shared: Store) -> None:
    found = scored(spec_of(face_video), shared)
    for scores in (np.full(37, 9.0), np.full(37, np.nan), np.ones(3)):
        with pytest.raises(SpecError, match="score"):
            found.rescored(scores)
        with pytest.raises(SpecError, match="score"):
            found.evidence(scores)
    with pytest.raises(SpecError, match="one entry for each of the 37 names"):
        found.rescored(keep=np.ones(3, dtype=bool))


def test_scoring_again_takes_lists_and_whole_numbers_and_forgets_what_is_left_out(
    face_video: Path, shared: Store
) -> None:
    found = scored(spec_of(face_video), shared)
    keep = [1] * 37
    assert found.rescored(keep=keep).result.video == found.result.video  # type: ignore[arg-type]
    assert found.evidence(keep=keep)[1] == found.interval  # type: ignore[arg-type]
    keep[3], scores = 0, found.scores.tolist()
    scores[3] = float("nan")
    rescored = found.rescored(scores, keep).result.video  # type: ignore[arg-type]
    assert np.isfinite(rescored)
    assert found.evidence(scores, keep)[1].value == pytest.approx(rescored)  # type: ignore[arg-type]


def test_words_are_added_without_the_video(face_video: Path, tmp_path: Path, store: Store) -> None:
    copy = tmp_path / "gone.mp4"
    shutil.copy(face_video, copy)
    found = scored(spec_of(copy), store)
    copy.unlink()
    concepts = load_concept_set("customer-satisfaction")
    more = replace(concepts, name="my words", concepts=(*concepts.concepts, Concept("smiling", ("happy",), 5.0)))
    wider = added_words(found, more, store)
    assert wider.names == (*found.names, "smiling")
    assert wider.frames.tolist() == found.frames.tolist()
    assert load_concept_set(wider.spec.concepts).fingerprint == more.fingerprint
    assert source_of(wider, store) is None
    assert added_words(found, more, store).artifact.name == wider.artifact.name


def test_gaps_and_an_early_end_are_told(tmp_path: Path, shared: Store) -> None:
    leaves = write_face_video(tmp_path / "leaves.mp4", frames=30, gap=range(14, 30))
    found = scored(spec_of(leaves, model="face-cnn"), shared)
    notes = " | ".join(found.notes)
    assert "16 of 30 scored frames (53%) do not show the face" in notes
    assert "not seen in the last 1.6 s" in notes
    assert "takes the mean score of its concepts" in notes


def test_one_frame_is_scored_and_said_to_be_little(tmp_path: Path, shared: Store) -> None:
    one = write_face_video(tmp_path / "one.mp4", frames=1)
    found = scored(spec_of(one, model="face-cnn"), shared)
    assert found.result.video == pytest.approx(found.course[0])
    assert np.isnan(found.interval.low)
    assert found.artifact.summary["interval"]["low"] is None
    assert any("only 1 frame was scored" in note for note in found.notes)


def test_moments_and_their_pictures_come_from_the_video(face_video: Path, shared: Store) -> None:
    found = scored(spec_of(face_video), shared)
    named = moments(found)
    assert {moment.name for moment in named} == {"earlier peak", "later peak", "end"}
    assert [moment.time for moment in named] == sorted(moment.time for moment in named)
    shown = pictures(found, face_video, [named[0].row, 22])
    assert shown[0].frame is not None
    assert shown[0].frame.size == (160, 120)
    assert shown[0].face is not None
    assert shown[0].face.mode == "L"
    assert shown[1].frame is not None
    assert shown[1].face is None  # a gap


def test_the_file_is_found_where_it_was_and_not_when_it_changed(face_video: Path, tmp_path: Path, store: Store) -> None:
    copy = tmp_path / "clip.mp4"
    shutil.copy(face_video, copy)
    found = scored(spec_of(copy, model="face-cnn"), store)
    assert source_of(found, store) == copy.resolve()
    data = bytearray(copy.read_bytes())
    data[-1] ^= 1
    copy.write_bytes(data)
    assert source_of(found, store) is None


@pytest.fixture
def folder(tmp_path: Path, face_video: Path) -> Path:
    videos = tmp_path / "videos"
    videos.mkdir()
    shutil.copy(face_video, videos / "smile.mp4")
    write_face_video(videos / "sad empty.mp4", frames=6, gap=range(6))
    (videos / "broken.mp4").write_bytes(b"no video at all")
    (videos / "notes.txt").write_text("not looked at")
    return videos


def test_a_folder_gives_a_table_and_what_fails_says_why(folder: Path, shared: Store, tmp_path: Path) -> None:
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("video,score\nsmile,4\nbroken.mp4,2\n")
    found = score(spec_of(folder, model="face-clip,face-cnn", reported=str(ratings)), shared)
    assert isinstance(found, ScoreTable)
    rows = {(row["video"], row["model"]): row for row in found.rows}
    assert len(rows) == 6
    smile = rows["smile.mp4", "face-cnn"]
    stored = open_score(shared.artifact("score", smile["score"]))
    assert smile["computed"] == stored.result.video
    assert smile["error"] == pytest.approx(abs(smile["computed"] - 4))
    assert rows["broken.mp4", "face-clip"]["computed"] is None
    assert "broken.mp4" in rows["broken.mp4", "face-clip"]["problem"]
    assert "no face was found" in rows["sad empty.mp4", "face-cnn"]["problem"]
    assert {model["model"]: model["videos"] for model in found.models} == {"face-clip": 1, "face-cnn": 1}
    assert found.models[0]["low"] is None  # one video has no interval
    assert any("sad empty.mp4" in note and "without a reported score" in note for note in found.notes)
    json.dumps(found.artifact.summary, allow_nan=False)


def test_a_folder_that_cannot_be_scored_is_refused(folder: Path, shared: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoError, match="the folder holds no video"):
        score(spec_of(tmp_path / "empty"), shared)
    (folder / "smile.mp4").unlink()
    with pytest.raises(VideoError, match="none of the 2 videos can be scored"):
        score(spec_of(folder, model="face-cnn"), shared)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"concepts": "fer7"}, SpecError, "has no scores"),
        ({"concepts": "nothing"}, SpecError, "unknown concept set"),
        ({"scores": "hapy=3"}, SpecError, "did you mean 'happy'"),
        ({"model": "face-clop"}, SpecError, "did you mean 'face-clip'"),
        ({"faces": "track:3"}, VideoError, "there is no track:3"),
        ({"reported": "nowhere.csv"}, InputError, r"nowhere\.csv"),
        ({"video": "nowhere.mp4"}, InputError, "no such file"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(
    changes: dict[str, object], error: type[Exception], said: str, face_video: Path, shared: Store
) -> None:
    with pytest.raises(error, match=said) as caught:
        score(spec_of(face_video, **changes), shared)
    assert "\n" not in str(caught.value)


def test_a_picture_is_scored_by_its_largest_face(shared: Store) -> None:
    scorer = open_scorer("face-clip", "", shared)
    face = render(sample(1, 11, emotions=["happy"]), size=96).images[0]
    canvas = np.full((240, 320), 120, dtype=np.uint8)
    canvas[60:156, 100:196] = face
    found = score_picture(Image.fromarray(canvas), ScoreSpec("picture"), scorer, shared)
    assert found is not None
    assert found.box is not None
    left, _, width, _ = found.box
    assert 90 / 320 < left < 150 / 320
    assert width * 320 < 110
    assert found.score == pytest.approx(float(found.probabilities @ found.scores), abs=1e-5)
    assert found.class_probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert found.classes[int(found.class_probabilities.argmax())] == "happy"


def test_a_picture_without_a_face_has_no_score_unless_taken_whole(shared: Store) -> None:
    scorer = open_scorer("face-cnn", "", shared)
    picture = Image.new("RGBA", (90, 60), (10, 200, 30, 128))
    assert score_picture(picture, ScoreSpec("picture"), scorer, shared) is None
    whole = score_picture(picture, ScoreSpec("picture", faces="whole"), scorer, shared)
    assert whole is not None
    assert whole.box is None
    assert 1 <= whole.score <= 5
    assert score_picture(Image.new("P", (90, 60)), ScoreSpec("picture", faces="whole"), scorer, shared) is not None
