from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.data.faces import (
    ACTIONS,
    EMOTION_ACTIONS,
    EMOTIONS,
    FaceParameters,
    interpolate,
    render,
    sample,
)
from workbench.data.faces.actions import CONTRADICTIONS, without_contradictions
from workbench.data.faces.muscles import EFFECTS, MOVEMENTS
from workbench.data.faces.parameters import NAMES
from workbench.errors import SpecError

GOLDEN = Path(__file__).with_name("golden_faces.png")

# Rows of the picture (-1 top, 1 bottom) within which an action moves a face that looks straight ahead.
BROWS, EYES, CHEEKS_UP, NOSE, MOUTH = (-0.8, -0.15), (-0.5, 0.0), (-0.5, 0.35), (-0.1, 0.45), (0.1, 1.0)
WHERE = {
    "Furrowed Brows": BROWS,
    "Raised Brows": BROWS,
    "Lowered Brows": BROWS,
    "Drooping Brows": BROWS,
    "Relaxed Brows": BROWS,
    "Wide Open Eyes": EYES,
    "Narrowed Eyes": EYES,
    "Twinkling or Crinkled Eyes": CHEEKS_UP,
    "Tearful Eyes": CHEEKS_UP,
    "Closed Eyes": EYES,
    "Relaxed Eyes": EYES,
    "Tense Mouth and Jaw": MOUTH,
    "Relaxed Mouth and Jaw": MOUTH,
    "Smile": MOUTH,
    "Frown": MOUTH,
    "Downturned Mouth": MOUTH,
    "Slightly Open Mouth": MOUTH,
    "Wide Open Mouth": MOUTH,
    "Slight Chin Raise": MOUTH,
    "Slightly Dropped Jaw": MOUTH,
    "Flared Nostrils": NOSE,
    "Tightened Facial Muscles": (-0.8, 1.0),
    "Compressed Lips": MOUTH,
    "Elevated Upper Eyelids": EYES,
    "Relaxed Facial Muscles": (-0.8, 1.0),
}


def plain_faces(count: int = 6) -> FaceParameters:
    """Faces of several people that look straight ahead and do nothing."""
    faces = sample(count, 11, actions={})
    return faces.with_values(
        yaw=0, pitch=0, roll=0, scale=1, shift_x=0, shift_y=0, glasses=0, beard=0, moustache=0, hair_style=1,
        hair_line=-0.8, skin_tone=0.75, blur=0.3, noise=0, compression=0, exposure=0, contrast=1,
    )  # fmt: skip


def changes(action: str, strength: float = 1.0) -> np.ndarray:
    """Squared change of the gray values (N, 48, 48) that one action makes."""
    still = plain_faces()
    moved = render(still.with_actions({action: strength})).images.astype(float)
    return (moved - render(still).images) ** 2


def halved(images: np.ndarray) -> np.ndarray:
    """Pictures of any size at 24 x 24 pixels."""
    return np.asarray([Image.fromarray(image).resize((24, 24), Image.Resampling.BOX) for image in images])


def test_a_face_does_not_depend_on_how_many_are_drawn_with_it() -> None:
    many, few = sample(9, 4, random_share=0.3), sample(4, 4, random_share=0.3)
    np.testing.assert_array_equal(many[:4].values, few.values)
    np.testing.assert_array_equal(many[:4].actions, few.actions)
    np.testing.assert_array_equal(render(many).images[:4], render(few).images)


def test_blocks_of_a_series_join_to_the_series() -> None:
    whole, tail = sample(6, 2), sample(4, 2, start=2)
    np.testing.assert_array_equal(whole[2:].values, tail.values)
    np.testing.assert_array_equal(render(whole).images[2:], render(tail).images)


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others() -> None:
    first = render(sample(3, 7)).images
    np.testing.assert_array_equal(first, render(sample(3, 7)).images)
    assert (first != render(sample(3, 8)).images).mean() > 0.5


def test_pixels_have_not_drifted_from_those_the_bundled_model_was_trained_on() -> None:
    golden = np.asarray(Image.open(GOLDEN)).reshape(48, 14, 48).transpose(1, 0, 2).astype(float)
    emotional, free = sample(7, 20260, emotions=EMOTIONS), sample(7, 20261, random_share=1.0)
    drawn = np.concatenate([render(emotional).images, render(free).images]).astype(float)
    difference = np.abs(drawn - golden).mean(axis=(1, 2))
    assert difference.max() <= 1.0, f"mean change in gray levels by face: {difference.round(2)}"


def test_shapes_types_and_ranges() -> None:
    batch = render(sample(5, 1, random_share=0.5))
    assert batch.images.shape == (5, 48, 48)
    assert batch.images.dtype == np.uint8
    assert batch.actions.shape == (5, 25)
    assert batch.actions.dtype == np.float32
    assert batch.emotions.dtype == np.int64
    assert batch.actions.min() >= 0
    assert batch.actions.max() <= 1
    assert set(batch.emotions) <= set(range(-1, 7))


def test_no_faces_is_an_empty_batch() -> None:
    assert render(sample(0, 1)).images.shape == (0, 48, 48)


@pytest.mark.parametrize("size", [24, 50, 128])
def test_other_sizes_show_the_same_faces(size: int) -> None:
    faces = sample(2, 3).with_values(noise=0, compression=0, blur=0.3)
    large = render(faces, size).images
    assert large.shape == (2, size, size)
    small, normal = halved(large), halved(render(faces).images)
    for first, second in zip(small, normal, strict=True):
        assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.97


def test_pictures_are_lit_like_photographs() -> None:
    images = render(sample(200, 5, random_share=0.3)).images.astype(float)
    assert 105 < images.mean() < 150
    assert 38 < np.median(images.std(axis=(1, 2))) < 65
    assert images.std(axis=(1, 2)).min() > 5


def test_the_25_actions_are_all_described() -> None:
    assert len(ACTIONS) == 25
    assert set(EFFECTS) == set(ACTIONS) == set(WHERE)
    assert {name for effects in EFFECTS.values() for name in effects} <= set(MOVEMENTS)
    assert set(EMOTION_ACTIONS) == set(EMOTIONS)
    assert {name for sets in EMOTION_ACTIONS.values() for names in sets for name in names} <= set(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_changes_the_pixels_where_it_should(action: str) -> None:
    change = changes(action)
    assert np.sqrt(change.mean(axis=(1, 2))).min() > 1.2, "too faint to see"
    rows = (np.arange(48) + 0.5) / 24 - 1
    low, high = WHERE[action]
    inside = change[:, (rows >= low) & (rows <= high)].sum()
    share = 0.85 if action == "Frown" else 0.93  # a frown also knits the brows a little
    assert inside > share * change.sum()


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_leaves_the_surroundings_of_the_face_alone(action: str) -> None:
    columns = np.abs((np.arange(48) + 0.5) / 24 - 1)
    change = changes(action)
    assert change[:, :, columns > 0.93].sum() < 0.02 * change.sum()


@pytest.mark.parametrize("action", ACTIONS)
def test_a_stronger_action_changes_more(action: str) -> None:
    assert changes(action, 1.0).sum() > 1.3 * changes(action, 0.5).sum() > 0


def test_emotions_of_the_same_person_differ() -> None:
    images = [render(sample(1, 3, emotions=[emotion])).images.astype(float) for emotion in EMOTIONS]
    for first in range(7):
        for second in range(first):
            assert np.abs(images[first] - images[second]).max() > 20


def test_an_emotion_is_not_one_fixed_picture() -> None:
    for emotion in EMOTIONS:
        actions = sample(40, 6, emotions=[emotion]).actions > 0
        assert len(np.unique(actions, axis=0)) >= 5


def test_emotions_follow_the_weights() -> None:
    faces = sample(400, 9, emotions=["happy", "sad"], weights=[3, 1])
    assert 0.68 < (faces.emotions == EMOTIONS.index("happy")).mean() < 0.82
    assert set(faces.emotions) == {EMOTIONS.index("happy"), EMOTIONS.index("sad")}


def test_random_combinations_show_every_action_often_enough_to_learn() -> None:
    faces = sample(1500, 5, random_share=1.0)
    assert set(faces.emotions) == {-1}
    share = (faces.actions > 0).mean(axis=0)
    assert share.min() > 0.07
    assert share.max() < 0.25


def test_drawn_actions_never_contradict_each_other() -> None:
    actions = sample(600, 5, random_share=0.5).actions
    for first, second in CONTRADICTIONS:
        both = (actions[:, ACTIONS.index(first)] > 0) & (actions[:, ACTIONS.index(second)] > 0)
        assert not both.any(), f"{first} with {second}"


def test_of_two_contradictory_actions_the_stronger_stays() -> None:
    row = np.zeros((1, 25), dtype=np.float32)
    row[0, ACTIONS.index("Wide Open Eyes")], row[0, ACTIONS.index("Closed Eyes")] = 0.4, 0.9
    resolved = without_contradictions(row)[0]
    assert resolved[ACTIONS.index("Closed Eyes")] == pytest.approx(0.9)
    assert resolved[ACTIONS.index("Wide Open Eyes")] == 0


def test_a_sweep_changes_only_the_named_action() -> None:
    faces = sample(1, 2).repeated(3).with_actions({"Smile": np.array([0.0, 0.5, 1.0])})
    np.testing.assert_allclose(faces.actions[:, ACTIONS.index("Smile")], [0, 0.5, 1])
    others = np.delete(faces.actions, ACTIONS.index("Smile"), axis=1)
    np.testing.assert_array_equal(others[0], others[2])
    np.testing.assert_array_equal(faces.values[0], faces.values[2])


def test_with_actions_can_clear_what_is_not_named() -> None:
    faces = sample(2, 2, emotions=["happy"]).with_actions({"Frown": 0.5}, keep=False)
    assert (faces.actions.sum(axis=1) == 0.5).all()


def test_interpolation_runs_from_one_face_to_the_other() -> None:
    first, second = sample(1, 5, emotions=["neutral"]), sample(1, 5, emotions=["happy"])
    frames = interpolate(first, second, np.linspace(0, 1, 5))
    assert len(frames) == 5
    np.testing.assert_array_equal(frames[:1].actions, first.actions)
    np.testing.assert_array_equal(frames[4:].actions, second.actions)
    np.testing.assert_allclose(frames[2:3].actions, (first.actions + second.actions) / 2, atol=1e-6)
    assert list(frames.emotions[[0, 4]]) == [EMOTIONS.index("neutral"), EMOTIONS.index("happy")]
    images = render(frames).images.astype(float)
    assert np.abs(images[1] - images[0]).mean() < np.abs(images[4] - images[0]).mean()


def test_parameters_can_be_read_set_and_selected_by_name() -> None:
    faces = sample(4, 1).with_values(yaw=np.array([0.1, 0.2, 0.3, 0.4]), glasses=1.0)
    np.testing.assert_allclose(faces.column("yaw"), [0.1, 0.2, 0.3, 0.4], atol=1e-6)
    assert faces.values.shape == (4, len(NAMES))
    np.testing.assert_allclose(faces[np.array([False, True, False, True])].column("yaw"), [0.2, 0.4], atol=1e-6)
    assert len(faces[[0, 0, 1]]) == 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sample(1, 0, emotions=["joyful"]), "unknown emotion"),
        (lambda: sample(1, 0, actions={"Smiles": 1.0}), "did you mean 'Smile'"),
        (lambda: sample(1, 0, actions={"Smile": 1.5}), "0..1"),
        (lambda: sample(1, 0, actions={"Smile": float("nan")}), "0..1"),
        (lambda: sample(-1, 0), "must not be negative"),
        (lambda: sample(1, -1), "must not be negative"),
        (lambda: sample(1, 0, emotions=[]), "do not fit"),
        (lambda: sample(1, 0, emotions=["sad"], weights=[1, 2]), "do not fit"),
        (lambda: sample(1, 0, emotions=["sad"], weights=[0]), "do not fit"),
        (lambda: sample(1, 0, random_share=2), "0..1"),
        (lambda: sample(1, 0).with_actions({"Grin": 0.2}), "unknown facial action"),
        (lambda: sample(1, 0).with_actions({"Smile": -0.2}), "0..1"),
        (lambda: sample(1, 0).with_values(nose=1), "unknown face parameter"),
        (lambda: sample(1, 0).column("nose"), "unknown face parameter"),
        (lambda: interpolate(sample(2, 0), sample(1, 0), np.zeros(3)), "cannot interpolate"),
        (lambda: render(sample(1, 0), size=4), "16..512"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match=r"^[^\n]+$") as caught:
        call()
    assert words in str(caught.value)
