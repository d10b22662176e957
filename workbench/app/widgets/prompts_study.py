"""A stored study of prompts: what the choice of words does, what a search found, and what that is worth."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.app import prompt_labs as labs
from workbench.app import prompt_text as text
from workbench.app import prompt_words as words
from workbench.app import saved_concepts
from workbench.app.browse import csv_bytes
from workbench.app.session import View
from workbench.app.text import interval, percent, plain, several
from workbench.app.widgets import notices
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.prompts_form import METRICS, NAME, prompts_form
from workbench.app.widgets.report_button import report_button
from workbench.data.concepts import load_concept_set
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError, unknown_name
from workbench.figures import prompts as figures
from workbench.methods.reweight_verdict import p_text, points
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.methods.bootstrap import Estimate
    from workbench.studies.prompting import Prompts

TILE = 204
_SCORES = {"accuracy": "accuracy", "top_k": "top-3", "macro_f1": "macro F1", "weighted_f1": "weighted F1"}


def draw_studies(view: View, dataset: Dataset, head: DeltaGenerator) -> None:
    """Draw the study that the view names, else the newest; its choice goes into ``head``.

    Raises
    ------
    SpecError
        There is no such study, or no such metric.
    """
    found = {run.name: run for run in labs.studies(dataset)}
    if not found and not view["study"]:
        st.info(words.INVITE, icon=":material/search:")
        with st.columns([3, 2])[0].container(border=True):
            prompts_form("first", dataset)
        return
    chosen = labs.study(dataset, view["study"] or next(iter(found)))
    if view["metric"] not in METRICS:
        raise unknown_name("metric", view["metric"], METRICS)
    with head:
        st.selectbox(
            "Study",
            list(found),
            width=460,
            format_func=lambda name: title(found[name]),
            **view.bind("study", chosen.artifact.name),
        )
        with form_popover("New study", NAME):
            prompts_form("popover", dataset)
    draw_study(view, chosen)


def title(run: Artifact) -> str:
    """Return a study in words: concept set, rule, CLIP, what was raised, and when."""
    spec, summary = run.spec, run.summary
    finished = time.strftime("%d %b %H:%M", time.localtime(run.created))
    parts = [summary["concept_set"], summary["aggregate"], spec["clip"], METRICS[spec["metric"]], finished]
    return " · ".join(parts)


def draw_study(view: View, found: Prompts) -> None:
    """Draw a study's sentence, numbers, figures and tables."""
    change = found.comparison.changes[found.spec.metric]
    low, high = change.difference.low, change.difference.high
    draw = st.success if low > 0 else st.error if high < 0 else st.info
    draw(f"**{plain(found.sentence)}**", icon=":material/balance:" if low <= 0 <= high else ":material/trending_up:")
    headline(found)
    notices.notes(found.notes)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        metric = st.segmented_control(
            "Score",
            list(METRICS),
            required=True,
            format_func=METRICS.__getitem__,
            label_visibility="collapsed",
            **view.bind("metric"),
        )
        open_winner(view, found)
    draw_winner(found)
    draw_figures(view, found, str(metric))
    with st.expander("Random sets by their size, as a table", icon=":material/table_rows:"):
        st.caption(words.SIZES)
        st.dataframe(size_table(found), hide_index=True)
    if found.attributes:
        draw_attributes(view, found)
    st.download_button(
        "Images as CSV",
        lambda: images_csv(found),
        f"{found.artifact.name}.csv",
        "text/csv",
        key=view.key("study csv"),
        type="tertiary",
        icon=":material/download:",
        help="The reported images: label, and the answers of the whole set and of the winner.",
        on_click="ignore",
    )
    report_button(found.artifact)


def headline(found: Prompts) -> None:
    """Draw the numbers of a study, each with its definition."""
    metric, spec = found.spec.metric, found.spec
    change, spread = found.comparison.changes[metric], found.spread
    before, after, gain = change.before, change.after, change.difference
    whole: Estimate = getattr(found.whole, metric)
    test = f", {p_text(found.comparison.mcnemar.p)}" if metric == "accuracy" else ""
    shown = {
        "whole": (percent(whole.value), f"{interval(whole._asdict())} on {spec.tune_on}"),
        "spread": (f"{spread['sd'] * 100:.2f} points", f"chance {spread['chance_sd'] * 100:.2f} points"),
        "start": (percent(before.value), f"{interval(before._asdict())} on {spec.report_on}"),
        "winner": (percent(after.value), f"{interval(after._asdict())} on {spec.report_on}"),
        "gain": (points(gain.value), f"{points(gain.low)} to {points(gain.high)}{test}"),
    }
    row = st.container(horizontal=True, gap="small")
    for name, (value, note) in shown.items():
        heading, help_text = words.STUDY[name]
        heading = heading.replace("Accuracy", METRICS[metric])
        row.metric(heading, value, note, delta_color="off", delta_arrow="off", width=TILE, help=help_text)


def open_winner(view: View, found: Prompts) -> None:
    """Offer the winner in the lab."""
    winner, spec = found.winner, found.spec

    def show() -> None:
        name, _, attribute = spec.concepts.partition("#")
        try:
            code = text.encode(text.draft_of(winner), text.draft_of(load_concept_set(spec.concepts)))
        except WorkbenchError:  # the set it came from is gone: begin with the winner itself
            name, attribute, code = f"{saved_concepts.SAVED}{found.artifact.name}", "", ""
        view.jump(
            tab="lab",
            clip=spec.clip,
            split=spec.tune_on,
            concepts=saved_concepts.name_of(name),
            attribute=attribute or winner.attribute,
            rule="" if found.aggregate == winner.default_aggregate and not spec.aggregate else found.aggregate,
            edit=code,
        )

    st.button(
        "Open the winner in the lab",
        key=view.key("winner"),
        icon=":material/science:",
        help=words.WINNER,
        on_click=show,
    )


def draw_winner(found: Prompts) -> None:
    """Say what the winner is."""
    winner = found.winner
    templates, concepts = several(len(winner.templates), "template"), several(len(winner.concepts), "word")
    with st.expander(f"The winner: {templates}, {concepts}", icon=":material/emoji_events:"):
        st.markdown("\n".join(f"- {plain(template)}" for template in winner.templates))
        for name in winner.classes:
            own = ", ".join(plain(each.text) for each in winner.concepts if name in each.classes)
            st.markdown(f"**{plain(name)}**: {own}")
        st.caption(f"Kept as the concept set **{plain(found.artifact.name)}**.")


def draw_figures(view: View, found: Prompts, metric: str) -> None:
    """Draw what templates do alone and left out, what chance does, and the search."""
    templates = {name: each.to_dict() for name, each in found.templates.items()}
    whole, spec = found.whole.to_dict(), found.spec
    experiment = [
        {"size": each.size, "templates": each.templates, "concepts": each.concepts, "measured": each.measured.to_dict()}
        for each in found.experiment
    ]
    left, right = st.columns(2, gap="large")

    def chart(column: DeltaGenerator, name: str, heading: str, definition: str, figure: Any) -> None:
        with column:
            st.markdown(f"**{heading}**", help=definition)
            st.plotly_chart(figure, key=view.key(name), config=CHART)

    on = plain(spec.tune_on)
    alone = figures.template_scores(templates, whole, metric)
    chart(left, "alone", f"Each template alone, on {on}", words.ALONE, alone)
    if found.left_out:
        rest = figures.left_out({name: each.to_dict() for name, each in found.left_out.items()}, metric)
        chart(left, "left out", f"Leave one template out, on {on}", words.LEFT_OUT, rest)
    if metric == spec.metric:
        drawn = figures.choices(found.spread, experiment, whole, metric)
        chart(right, "choices", f"How much the choice moves it, on {on}", words.CHOICES, drawn)
        report = {name: each.to_dict() for name, each in found.report.items()}
        path = figures.search_path(found.path, report, metric, spec.tune_on, spec.report_on)
        chart(right, "path", "The search, and the winner once", words.PATH, path)
    else:
        right.caption(f"Random sets and the search were scored by {METRICS[spec.metric]}.")
    recalls = figures.template_recalls(templates, whole)
    chart(st.container(), "by class", f"Template by class, on {on}", words.HEAT, recalls)


def size_table(found: Prompts) -> pd.DataFrame:
    """Return the experiment, a line a size: mean of each score, from the least to the greatest, in percent."""
    lines = []
    for each in found.by_size:
        line: dict[str, object] = {"templates": each.size, "words a class": each.size, "sets": each.sets}
        for name, heading in _SCORES.items():
            value: Estimate = getattr(each, name)
            line[heading] = f"{percent(value.value)} ({interval(value._asdict())})"
        lines.append(line)
    return pd.DataFrame(lines)


def draw_attributes(view: View, found: Prompts) -> None:
    """Draw what the templates answer of the set's other attributes."""
    st.markdown("**Other attributes of the set**", help=words.ATTRIBUTES)
    for each in found.attributes:
        shares = {one["template"]: one["shares"] for one in each["templates"]}
        st.caption(f"{plain(each['attribute'])}: share of the images answered with each class")
        figure = figures.template_shares(shares, each["whole"], each["classes"])
        st.plotly_chart(figure, key=view.key(f"attribute {each['attribute']}"), config=CHART)


def images_csv(found: Prompts) -> bytes:
    """Return the reported images as CSV."""
    table = found.images
    return csv_bytes(table.column_names, zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
