"""Two classifications against each other: which is better, on which classes, and the images they disagree on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from workbench.app import compare_words as words
from workbench.app import comparisons, session
from workbench.app.browse import Rows, csv_bytes
from workbench.app.components import Tile
from workbench.app.components.face_card import Card, Part, face_card
from workbench.app.run_names import classification_names
from workbench.app.session import View
from workbench.app.text import count, interval, percent, plain
from workbench.app.widgets import notices
from workbench.app.widgets.compare_form import choose_pair, invite
from workbench.app.widgets.face_panel import class_bars, make_card
from workbench.app.widgets.faces import ChosenFace, browse_faces, chosen_face
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.report_button import report_button
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.figures import compare as figures
from workbench.figures.theme import UNKNOWN, class_colours
from workbench.methods.reweight_verdict import p_text, points

if TYPE_CHECKING:
    from workbench.studies.classification import Classification
    from workbench.studies.compare import RunComparison

DEFAULTS = {
    "comparison": "",
    "first": "",
    "second": "",
    "against": "",
    "right": "",
    "label": "",
    "face": "",
    "page": "1",
}
"""What a page's view needs so that :func:`compare` can be drawn on it."""
_FACES = ("right", "label", "face", "page")
RESETS = {
    "comparison": ("first", "second", "against", *_FACES),
    "first": _FACES,
    "second": _FACES,
    "against": _FACES,
    "right": ("face", "page"),
    "label": ("face", "page"),
}
"""What falls back when one of these changes."""
RIGHT = {"": "All", "first": "First right", "second": "Second right", "neither": "Neither"}
TILE = 208
GRID_HEIGHT = 640


def compare(view: View, dataset: Dataset) -> None:
    """Draw the choice of two classifications of ``dataset``, and their comparison or the offer to make it.

    Parameters
    ----------
    view : View
        Has the names of :data:`DEFAULTS`, with :data:`RESETS`.
    dataset : Dataset
        What both classify.

    Raises
    ------
    SpecError
        The view names a run, split, comparison, class or face that is not there.
    """
    pair = choose_pair(view, dataset)
    if pair is None:
        return
    found = comparisons.find(dataset, *pair) if pair.first != pair.second else None
    if found is None:
        invite(pair, view.key("compare"))
        return
    draw_comparison(view, dataset, found)


def draw_comparison(view: View, dataset: Dataset, found: RunComparison) -> None:
    """Draw a stored comparison."""
    from workbench.studies.compare import sentence as tell

    models = names_of(dataset, found)
    text = f"**{plain(tell(found.comparison, found.counts, list(models), found.spec.split))}**"
    if found.better:
        st.success(text, icon=":material/check_circle:")
    else:
        st.info(text, icon=":material/balance:")
    headline(found)
    notices.notes([renamed(note, found.models, models) for note in found.notes])
    figure_columns(view, found, models)
    report_button(found.artifact)
    st.subheader("Images they disagree on", anchor=False)
    draw_disagreements(view, dataset, found)


def names_of(dataset: Dataset, found: RunComparison) -> tuple[str, str]:
    """Return what the two runs are called on this page, the same as where they are chosen."""
    names = classification_names(comparisons.runs(dataset))
    return names[found.spec.first], names[found.spec.second]


def renamed(note: str, stored: Sequence[str], names: Sequence[str]) -> str:
    """Return a note with what the runs are called here in place of what the comparison ``stored``."""
    known = dict(zip(stored, names, strict=True))
    pattern = "|".join(re.escape(each) for each in sorted(known, key=len, reverse=True))
    return re.sub(rf"(?<![\w-])(?:{pattern})(?![\w-])", lambda match: known[match[0]], note)


def headline(found: RunComparison) -> None:
    """Draw the numbers of a comparison, each with its definition."""
    change, test, counts = found.comparison.changes["accuracy"], found.comparison.mcnemar, found.counts
    difference, both = change.difference, f"both right {count(counts['both'])}"
    shown = {
        "first": (percent(change.before.value, 2), interval(change.before._asdict())),
        "second": (percent(change.after.value, 2), interval(change.after._asdict())),
        "difference": (points(difference.value), f"{points(difference.low)} to {points(difference.high)}"),
        "alone": (f"{count(counts['first'])} / {count(counts['second'])}", p_text(test.p)),
        "disagree": (
            count(counts["disagree"]),
            f"of {count(found.comparison.images)}; {both}",
        ),
    }
    row = st.container(horizontal=True, gap="small")
    for name, (value, note) in shown.items():
        title, help_text = words.NUMBERS[name]
        row.metric(title, value, note, delta_color="off", delta_arrow="off", width=TILE, help=help_text)


def figure_columns(view: View, found: RunComparison, models: tuple[str, str]) -> None:
    """Draw the scores and the recalls of both, and the images of each class that only one has right."""
    comparison, tests = found.comparison.to_dict(), [test._asdict() for test in found.tests]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Scores**", help=words.SCORES)
        st.plotly_chart(figures.scores(comparison, models), key=view.key("scores"), config=CHART)
        st.markdown("**Only one is right**", help=words.ALONE)
        st.plotly_chart(figures.disagreements(tests, models), key=view.key("alone"), config=CHART)
    with right:
        st.markdown("**Recall of each class**", help=words.RECALLS)
        st.plotly_chart(figures.recalls(comparison, tests, models), key=view.key("recalls"), config=CHART)
        st.markdown("**Class by class**", help=words.TESTS)
        st.dataframe(class_table(found), hide_index=True, column_config=_columns())


def class_table(found: RunComparison) -> pd.DataFrame:
    """Return the tests of the classes as a table."""
    return pd.DataFrame(
        [
            (test.name, test.images, test.only_first, test.only_second, _chance(test.p), _chance(test.q))
            for test in found.tests
        ],
        columns=["class", *words.COLUMNS],
    )


def draw_disagreements(view: View, dataset: Dataset, found: RunComparison) -> None:
    """Draw the filters, the images on which the two disagree, and the chosen face.

    Raises
    ------
    SpecError
        The view names a class, a way to be right or a face that is not there.
    """
    rows = filters(view, dataset, found)
    first, second = (session.classification(dataset.name, name) for name in (found.spec.first, found.spec.second))
    left, right = st.columns([5, 8], gap="medium")
    with left:
        one, other = names_of(dataset, found)
        st.caption(words.TILES.format(first=plain(one), second=plain(other)))
        face = chosen_face(view, dataset, rows, "Choose a face to see it large. Arrow keys walk through them.")
        if face is not None:
            face_card(
                replace(make_both(dataset, (first, second), face), reveal=True),
                key=view.key("card"),
                on_step=face.step,
                on_pick=lambda: view.set(face=str(view.event("card", "pick"))),
            )
    with right:
        browse_faces(
            view,
            dataset,
            rows,
            lambda shown: tiles((first, second), shown),
            lambda: export((first, second), rows),
            height=GRID_HEIGHT,
            empty="No image is here. Widen the filters.",
        )


def filters(view: View, dataset: Dataset, found: RunComparison) -> Rows:
    """Draw who is right and of which label, and the way to review them; return the rows that are left."""
    labels = sorted(set(found.disagreements["label"].to_pylist()) - {""}, key=_order(found.classes))
    for name, valid in (("right", RIGHT), ("label", ["", *labels])):
        if view[name] not in valid:
            raise unknown_name(name, view[name], valid)
    rows = found.rows(view["right"], view["label"])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "Who is right",
            list(RIGHT),
            required=True,
            format_func=lambda name: f"{RIGHT[name]} · {count(len(found.rows(name, view['label'])))}",
            help=words.ORDER,
            **view.bind("right", of=view["label"]),
        )
        st.selectbox("Label", ["", *labels], width=150, format_func=lambda name: name or "any", **view.bind("label"))
        review = st.button(
            f"Review these {count(len(rows))}",
            key=view.key("review"),
            icon=":material/rule:",
            help=words.REVIEW,
            disabled=not len(rows),
        )
    if review:
        session.remember("selection", (dataset.name, rows))
        st.switch_page(notices.REVIEW, query_params={"dataset": dataset.name, "queue": "selection"})
    return rows


def make_both(dataset: Dataset, runs: tuple[Classification, Classification], face: ChosenFace) -> Card:
    """Gather what is shown of a face: the first run's probabilities, and below them the second's."""
    first, second = runs
    card, row = make_card(dataset, first, face), face.row
    colours = class_colours(tuple(dict.fromkeys([*first.classes, *second.classes])))
    label, answers = str(first.labels[row]), (str(first.predicted[row]), str(second.predicted[row]))
    verdict = [Part("labelled"), Part(label, colours.get(label, UNKNOWN))] if label else [Part("no label")]
    for name, answer in zip(("first", "second"), answers, strict=True):
        verdict += [Part(name), Part(answer, colours.get(answer, UNKNOWN))]
    bars = [replace(bar, hint=f"{bar.hint} This is the first run.") for bar in class_bars(first, row, colours)]
    other = [replace(bar, hint=f"{bar.hint} This is the second run.") for bar in class_bars(second, row, colours)]
    facts = [fact for fact in card.facts if fact.name not in ("margin", "seen in training")]
    return replace(card, verdict=verdict, facts=facts, bars=bars, concepts=other, concepts_title="The second run's")


def tiles(runs: tuple[Classification, Classification], rows: Rows) -> Sequence[Tile]:
    """Return a tile for each row: the first's answer, below it the second's, a tick at the label."""
    first, second = runs
    colours = class_colours(tuple(dict.fromkeys([*first.classes, *second.classes])))
    found = []
    for row in rows.tolist():
        label, one, two = str(first.labels[row]), str(first.predicted[row]), str(second.predicted[row])
        hint = f"{first.ids[row]}: labelled {label or 'nothing'}, first {one}, second {two}"
        line = tuple(colours.get(name, UNKNOWN) for name in (one, two))
        first_said, second_said = (f"{answer} ✓" if answer == label else answer for answer in (one, two))
        found.append(Tile(row, first_said, "", line, hint, second_said))
    return found


def export(runs: tuple[Classification, Classification], rows: Rows) -> bytes:
    """Return the list of faces as CSV."""
    first, second = runs
    header = ["id", "split", "label", "first", "first probability", "second", "second probability"]
    lines = (
        [first.ids[row], first.splits[row], first.labels[row], *_answer(first, row), *_answer(second, row)]
        for row in rows.tolist()
    )
    return csv_bytes(header, lines)


def _answer(run: Classification, row: int) -> tuple[str, str]:
    answer = str(run.predicted[row])
    return answer, f"{float(run.class_probabilities[row, run.classes.index(answer)]):.6f}"


def _order(classes: Sequence[str]) -> Any:
    places = {name: place for place, name in enumerate(classes)}
    return lambda name: (places.get(name, len(places)), name)


def _chance(p: float) -> str:
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def _columns() -> dict[str, Any]:
    shown: dict[str, Any] = {
        name: st.column_config.NumberColumn(name, help=text, format="localized") for name, text in words.COLUMNS.items()
    }
    return shown | {name: st.column_config.TextColumn(name, help=words.COLUMNS[name]) for name in ("p", "q")}
