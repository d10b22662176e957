"""The queue of faces to judge: where it comes from, its filters, and the component that shows one after another."""

from __future__ import annotations

import streamlit as st

from workbench.app import definitions, review, session
from workbench.app import review_words as words
from workbench.app.components.review import Session
from workbench.app.components.review import review as draw_review
from workbench.app.review import IMAGES, KINDS, RUN, SELECTION, SUSPECTS, Ask, Opinions
from workbench.app.routes import image_address
from workbench.app.run_names import classification_names, search_name
from workbench.app.session import View
from workbench.app.verdict_routes import review_address
from workbench.app.widgets import notices
from workbench.app.widgets.review_form import suspects_form
from workbench.data.datasets import Dataset
from workbench.data.verdicts import check_reviewer, relabel_classes
from workbench.errors import InputError, SpecError
from workbench.figures.theme import class_colours

HISTORY = 20
"""How many of the reviewer's last verdicts can be taken back on the page after a reload."""
MOST_ROWS = 20_000
"""How many faces a queue hands to the browser at once; the next come when these are done."""
COMPONENT, REVIEWER, ASK, FAULT, AGAIN = "judge", "reviewer", "ask for reviewer", "reviewer fault", "queue made again"


def draw_queue(view: View, dataset: Dataset) -> None:
    """Draw the queue that the view names."""
    source = view["queue"] or review.usual_source(dataset)
    label, proposed = ("", "") if view["blind"] else (view["label"], view["proposed"])  # either would tell
    ask = Ask(source, view["show"], view["order"], view["bin"], view["split"], label, proposed)
    review.check_ask(ask)
    if source == SELECTION and review.selection_of(dataset) is None:
        raise SpecError(f"no faces of {dataset.name} are selected on the map in this tab; select some there first")
    if source in KINDS and not review.runs(dataset, KINDS[source]):
        draw_filters(view, dataset, ask, review.opinions(dataset, review.NOBODY))
        offer(dataset, source)
        return
    reference = review.reference_of(dataset, source, view["run"])
    found = review.opinions(dataset, reference)
    draw_filters(view, dataset, ask, found)
    judge(view, dataset, ask, found)


def offer(dataset: Dataset, source: str) -> None:
    """Say that a source has nothing yet, and how to get it."""
    if source == RUN:
        st.info("This dataset has no run yet; a run classifies every image.", icon=":material/grid_on:")
        asked = {"dataset": dataset.name}
        st.page_link(notices.CONFUSIONS, label="Confusions", icon=":material/grid_on:", query_params=asked)
        return
    st.info(f"This dataset has no search for suspects yet. {words.SUSPECTS}", icon=":material/rate_review:")
    with st.container(border=True):
        suspects_form("queue", dataset)


def draw_filters(view: View, dataset: Dataset, ask: Ask, found: Opinions) -> None:
    """Draw where the queue comes from, and its filters, in one line."""
    classes = list(relabel_classes(dataset))
    with st.container(horizontal=True, gap="small"):
        known = [name for name in review.SOURCES if name != SELECTION or review.selection_of(dataset)]
        _choice("Queue", view, "queue", known, review.SOURCES, 148, words.FILTERS["queue"], ask.source)
        runs = review.runs(dataset, KINDS[ask.source]) if ask.source in KINDS else []
        if len(runs) > 1:
            searched = ask.source == SUSPECTS
            by_name = {run.name: search_name(run) for run in runs} if searched else classification_names(runs)
            now = view["run"] if view["run"] in by_name else runs[0].name
            _choice("Search" if searched else "Run", view, "run", list(by_name), by_name, 200, "", now)
        if ask.source == SUSPECTS:
            _choice("Doubt", view, "bin", list(review.BINS), review.BINS, 124, words.FILTERS["bin"])
        splits = list(dataset.selections)
        _choice("Split", view, "split", splits, {name: definitions.SPLITS.get(name, name) for name in splits}, 118)
        if not view["blind"]:
            _choice("Label", view, "label", ["", *classes], {"": "any"}, 112)
        if found.reference != review.NOBODY and not view["blind"]:
            _choice("Proposed", view, "proposed", ["", *classes], {"": "any"}, 112, words.FILTERS["proposed"])
        _choice("Show", view, "show", list(review.SHOWS), review.SHOWS, 150, words.FILTERS["show"])
        orders = [name for name in review.ORDERS if name != "doubt" or ask.source != IMAGES]
        now = ask.order if ask.order in orders else "stored"
        _choice("Order", view, "order", orders, review.ORDERS, 172, "", now)
        with st.container(width=92, height="stretch", vertical_alignment="bottom"):
            st.toggle("Blind", help=words.FILTERS["blind"], **view.switch("blind"))


def _choice(
    label: str,
    view: View,
    name: str,
    options: list[str],
    titles: dict[str, str],
    width: int,
    hint: str = "",
    value: str | None = None,
) -> None:
    now = view[name] if value is None else value
    shown = options if now in options else [*options, now]
    st.selectbox(
        label,
        shown,
        format_func=lambda choice: titles.get(choice, choice),
        width=width,
        help=hint or None,
        **view.bind(name, now, label),
    )


def judge(view: View, dataset: Dataset, ask: Ask, found: Opinions) -> None:
    """Draw the component."""

    def on_reviewer() -> None:
        name = view.event(COMPONENT, "reviewer")
        take_name(name)
        if not name:  # who comes next has a place of their own in the queue
            view.set(face="")

    def on_at() -> None:
        row = view.event(COMPONENT, "at")
        view.set(face=str(row) if isinstance(row, int) and row >= 0 else "")

    def on_again() -> None:
        session.remember(AGAIN, view.event(COMPONENT, "again"))

    reviewer = str(session.recall(REVIEWER) or "")
    draw_review(
        make_session(view, dataset, ask, found, reviewer) if reviewer else None,
        reviewer,
        key=view.key(COMPONENT),
        on_reviewer=on_reviewer,
        on_at=on_at,
        on_again=on_again,
        ask=bool(session.recall(ASK)),
        name_error=str(session.recall(FAULT) or ""),
        words=words.WORDS | {"parts": part_words()},
    )


def take_name(name: object) -> None:
    """Keep the reviewer's name for this tab; an empty one asks for it again."""
    session.remember(FAULT, "")
    session.remember(ASK, not name)
    try:
        session.remember(REVIEWER, check_reviewer(str(name)) if name else "")
    except InputError as error:
        session.remember(REVIEWER, "")
        session.remember(ASK, True)
        session.remember(FAULT, str(error))


def make_session(view: View, dataset: Dataset, ask: Ask, found: Opinions, reviewer: str) -> Session:
    """Gather what the browser needs for a queue."""
    settled = review.standing(dataset)[1]
    selection = (review.selection_of(dataset) or []) if ask.source == SELECTION else []
    matching = review.matching(dataset, ask, found, selection)
    rows = review.shown(matching, ask, settled, reviewer)[:MOST_ROWS]
    own = {row: said[reviewer] for row, said in settled.judged.items() if reviewer in said}
    queued, about = set(rows.tolist()), set(matching.tolist())
    mine = {row: verdict for row, verdict in own.items() if row in queued}
    earlier: dict[str, int] = {}
    for row, verdict in own.items():
        if row in about and row not in queued:
            earlier[verdict.action] = earlier.get(verdict.action, 0) + 1
    last = sorted(own.items(), key=lambda item: item[1].number)[-HISTORY:]
    others = {
        row: [(name, said.action, said.after) for name, said in settled.judged[row].items() if name != reviewer]
        for row in {*mine, *dict(last)}
    }
    classes = relabel_classes(dataset)
    at = view.number("face")
    return Session(
        signature=review.signature(
            dataset, ask, found.reference, reviewer, (session.recall(AGAIN), view["blind"]), selection
        ),
        dataset=dataset.name,
        workspace=review.workspace_mark(),
        faces=review_address("review", dataset, found.reference),
        alike=review_address("alike", dataset, found.reference),
        rows=rows.tolist(),
        at=-1 if at is None else at,
        total=len(matching),
        earlier=earlier,
        mine=[(row, verdict.action, verdict.after) for row, verdict in mine.items()],
        others=[(row, said) for row, said in others.items() if said],
        history=[
            {
                "row": row,
                "id": verdict.image,
                "image": image_address(dataset, row),
                "token": verdict.token,
                "action": verdict.action,
                "after": verdict.after,
            }
            for row, verdict in last
        ],
        classes=classes,
        opinion_classes=found.classes,
        colours=class_colours(list(dict.fromkeys([*classes, *found.classes, *dataset.classes]))),
        open_only=ask.show == "unjudged",
        empty=words.EMPTY[ask.show],
        blind=bool(view["blind"]),
    )


def part_words() -> dict[str, str]:
    """Return what each part of the score says."""
    from workbench.methods.suspects import PARTS

    return dict(PARTS)
