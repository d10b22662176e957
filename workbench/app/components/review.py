"""Faces to judge by keyboard, one key a verdict, the next face at once; see ``review.js``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.app.components import renderer
from workbench.app.routes import SHEET_COLUMNS


@dataclass(frozen=True)
class Session:
    """What the browser needs for a queue; it takes it when ``signature`` changes and goes on by itself.

    Parameters
    ----------
    signature : str
        What the queue was made from.
    dataset, workspace : str
        Name of the dataset, and the workspace's mark: verdicts wait in the browser under it.
    faces, alike : str
        Addresses of what is thought of faces and of what is like them; rows are to follow.
    rows : sequence of int
        The queue.
    at : int
        The row to begin with; -1 for the first that is not judged.
    total : int
        Images the queue is about, judged or not.
    earlier : mapping
        Of those that are not in the queue any more, how many have which verdict.
    mine, others : sequence
        ``(row, action, after)`` of the reviewer, ``(row, [(name, action, after), ...])`` of others where the reviewer
        has judged.
    history : sequence of mapping
        The reviewer's last verdicts, oldest first: row, id, image, token, action, after.
    classes, opinion_classes : sequence of str
        Classes to relabel to, and the classes of the probabilities.
    colours : mapping
        CSS colour of each class.
    open_only : bool
        Whether faces judged meanwhile are passed over.
    empty : str
        What is said where the queue is empty.
    blind : bool
        Whether nothing that could lead a verdict is shown before it is given.
    """

    signature: str
    dataset: str
    workspace: str
    faces: str
    alike: str
    rows: Sequence[int]
    at: int
    total: int
    earlier: Mapping[str, int]
    mine: Sequence[tuple[int, str, str]]
    others: Sequence[tuple[int, list[tuple[str, str, str]]]]
    history: Sequence[Mapping[str, object]]
    classes: Sequence[str]
    opinion_classes: Sequence[str]
    colours: Mapping[str, str]
    open_only: bool
    empty: str
    blind: bool


def review(
    session: Session | None,
    reviewer: str,
    *,
    key: str,
    on_reviewer: Callable[[], None],
    on_at: Callable[[], None],
    on_again: Callable[[], None],
    words: Mapping[str, object],
    ask: bool = False,
    name_error: str = "",
) -> None:
    """Draw the page; without a reviewer it asks for the name, or finds the one the browser remembers.

    Its events are ``reviewer`` (a name, or empty to change it), ``at`` (the row one is at, -1 at the end) and
    ``again`` (make the queue anew).

    Parameters
    ----------
    session : Session or None
        The queue; ``None`` where there is no reviewer yet.
    reviewer : str
        Who judges; empty to ask.
    key : str
        The component's key.
    on_reviewer, on_at, on_again : callable
        Called before the rerun that an event causes.
    words : mapping
        Definitions and sentences.
    ask : bool
        Ask for the name even where the browser remembers one.
    name_error : str
        Why the name given cannot be.
    """
    data: dict[str, Any] = {"reviewer": reviewer, "ask": ask, "name_error": name_error, "words": dict(words)}
    if session is not None:
        data |= vars(session)
        data["sheet_columns"] = SHEET_COLUMNS
    renderer("review", "review", "review_draw", "review_post")(
        key=key, data=data, on_reviewer_change=on_reviewer, on_at_change=on_at, on_again_change=on_again
    )
