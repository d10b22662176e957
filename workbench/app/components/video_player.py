"""A video beside the course of its frame score and the strip of its emotions, on one time axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workbench.app.components import renderer
from workbench.app.video_routes import course_address


@dataclass(frozen=True)
class Marker:
    """A moment of the video with a name, such as a peak; a click on it goes there."""

    time: float
    label: str
    colour: str


@dataclass(frozen=True)
class OtherCourse:
    """Another model's frame scores (S,) at the same times; NaN in gaps."""

    name: str
    colour: str
    scores: npt.NDArray[np.floating]


@dataclass(frozen=True)
class Timeline:
    """What is shown along the time axis; S scored frames, K emotions.

    Parameters
    ----------
    times : float array (S,)
        Seconds from the video's start, rising.
    scores : float array (S,)
        Frame scores; NaN in gaps, which are drawn as gaps.
    classes, colours : sequence of str
        The K emotions and the CSS colour of each.
    class_probabilities : float array (S, K)
        Probabilities of the emotions, 0 to 1; NaN in gaps.
    markers : sequence of Marker
        The peaks and the end.
    end_weights : float array (S,), optional
        Weight of each frame in the end score; a strip of its own beneath, relative to its greatest.
    boxes : float array (S, 4), optional
        Left, top, width and height of the scored face in fractions of the picture; NaN in gaps.
    duration : float, optional
        Length of the video, in seconds; the axis is at least that long.
    fault_time : float, optional
        From when on the file is damaged, in seconds.
    computed, reported : float, optional
        The video score, and the one that people gave.
    others : sequence of OtherCourse
        Courses to compare with.
    """

    times: npt.NDArray[np.float64]
    scores: npt.NDArray[np.floating]
    classes: Sequence[str]
    colours: Sequence[str]
    class_probabilities: npt.NDArray[np.floating]
    markers: Sequence[Marker] = ()
    end_weights: npt.NDArray[np.floating] | None = None
    boxes: npt.NDArray[np.floating] | None = None
    duration: float | None = None
    fault_time: float | None = None
    computed: float | None = None
    reported: float | None = None
    others: Sequence[OtherCourse] = field(default=())

    def pack(self) -> bytes:
        """Return the arrays as the browser reads them.

        The times as float64; then as float32 the scores, each emotion, the end weights, the four sides of the boxes and
        the other courses, S values each.
        """
        rows = [self.scores, *self.class_probabilities.T]
        rows += [] if self.end_weights is None else [self.end_weights]
        rows += [] if self.boxes is None else list(self.boxes.T)
        rows += [course.scores for course in self.others]
        values = np.stack([np.asarray(row, dtype="<f4") for row in rows])
        return np.asarray(self.times, dtype="<f8").tobytes() + values.tobytes()


def video_player(
    timeline: Timeline,
    source: str,
    *,
    key: str,
    seek: tuple[int, float] | None = None,
    note: str = "",
    codec: str = "",
    on_seek: Callable[[], None] | None = None,
) -> None:
    """Draw the player.

    Parameters
    ----------
    timeline : Timeline
        What is drawn. It travels only when it has changed.
    source : str
        Address of the video, see :mod:`workbench.app.video_routes`; empty where there is none to play.
    key : str
        The component's key; where a person went is its ``seek``, the time in seconds of a scored frame.
    seek : (int, float), optional
        The number of a request and the time to go to, in seconds: each number is obeyed once.
    note : str
        Why there is nothing to play, where ``source`` is empty.
    codec : str
        The video's codec, for the line that says that a browser cannot play it.
    on_seek : callable, optional
        Called before the rerun that going somewhere causes; without it nothing is sent.
    """
    renderer("video_player", "player", "video_graph")(
        key=key,
        data={
            "source": source,
            "identity": f"{key} {source}",
            "note": note,
            "codec": codec,
            "course": course_address(timeline.pack()),
            "frames": len(timeline.times),
            "classes": list(timeline.classes),
            "colours": list(timeline.colours),
            "weighted": timeline.end_weights is not None,
            "boxed": timeline.boxes is not None,
            "others": [{"name": course.name, "colour": course.colour} for course in timeline.others],
            "markers": [vars(marker) for marker in timeline.markers],
            "duration": timeline.duration,
            "fault_time": timeline.fault_time,
            "computed": timeline.computed,
            "reported": timeline.reported,
            "seek": None if seek is None else list(seek),
            "listening": on_seek is not None,
        },
        on_seek_change=on_seek or _nothing,
    )


def _nothing() -> None:
    """Stand in for a callback: the component's events are only known by one."""
