"""Clean and train again: what the verdicts would change, the cleaned dataset, and whether it helped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from workbench.app import loop as known
from workbench.app import loop_words as words
from workbench.app import session
from workbench.app.browse import csv_bytes
from workbench.app.session import View
from workbench.app.text import count, interval, percent, plain, several
from workbench.app.widgets import notices
from workbench.app.widgets.loop_form import clean_choices, leakage_form, retrain_form, submit_clean
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.report_button import report_button
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError, unknown_name
from workbench.figures.leakage import accuracies
from workbench.figures.retrain import before_after, class_recalls, differences
from workbench.methods.reweight_verdict import p_text, points
from workbench.studies.clean import Cleaned, cleaned, open_parent

if TYPE_CHECKING:
    from workbench.methods.retrain import Comparison
    from workbench.studies.clean_plan import Plan
    from workbench.studies.leakage import Leakage
    from workbench.studies.retrain import Retrain


def loop(view: View, dataset: Dataset) -> None:
    """Draw the section for a dataset; the view's ``cleaned`` names the cleaned dataset that is looked at."""
    origin = cleaned(dataset)
    if origin is not None:
        came_from(view, dataset, origin)
    st.subheader("1 · Clean", anchor=False, help=words.PLAN)
    draw_clean(view, dataset)
    st.subheader("2 · Train again", anchor=False, help="Did cleaning help? The same probe before and after it.")
    draw_retrain(view, dataset)
    st.subheader("3 · Leakage", anchor=False, help=words.LEAKAGE)
    draw_leakage(view, dataset)


def came_from(view: View, dataset: Dataset, origin: Cleaned) -> None:
    """Say which dataset this one was cleaned from, and what changed."""
    told = [f"**{plain(dataset.name)}** was {plain(origin.sentence)}.", plain(origin.truth)]
    st.info("\n\n".join(line for line in told if line), icon=":material/account_tree:")
    st.button(
        f"Go to {origin.parent}"[:60],
        key=view.key("parent"),
        icon=":material/arrow_upward:",
        type="tertiary",
        on_click=view.set,
        kwargs={"dataset": origin.parent, "tab": "loop"},
        disabled=origin.parent not in session.dataset_names(),
    )


def draw_clean(view: View, dataset: Dataset) -> None:
    """Draw the choices, what they would change, and the button that does it."""
    left, right = st.columns([5, 6], gap="large")
    with left, st.container(border=True):
        spec = clean_choices(view, dataset)
        go = st.container()
    with right:
        found = None
        if spec is not None:
            try:
                found = known.planned(spec, dataset)
            except WorkbenchError as error:
                empty = not spec.suspects and not known.reviewers(dataset.name)
                st.info(words.NOTHING if empty else plain(error), icon=":material/rate_review:")
            else:
                draw_plan(found)
        exports(view, dataset)
    with go:
        if st.button(
            "Make the cleaned dataset",
            key=view.key("clean"),
            type="primary",
            icon=":material/cleaning_services:",
            disabled=found is None or len(found.dropped) == len(dataset),
        ):
            assert spec is not None  # noqa: S101 - the button is off without one
            submit_clean(spec)


def draw_plan(found: Plan) -> None:
    """Draw the counts of what would change."""
    counts = found.counts
    changed = len(found.relabelled) and sum(found.relabelled.values())
    left_out = len(found.dropped)
    st.markdown(
        f"**{several(changed, 'label')} would change and {several(left_out, 'image')} would be left out**, of "
        f"{count(len(found.dataset))}; {count(found.settled.opinions)} judged, {count(len(found.settled.disputed))} "
        "of them disputed."
    )
    with st.container(horizontal=True, gap="small"):
        for kind, (title, definition) in words.KINDS.items():
            if counts.get(kind):
                st.metric(title, count(counts[kind]), help=definition, width=132)
    if found.settled.gone:
        gone = several(found.settled.gone, "judged image")
        st.caption(f"Gone from the dataset: {gone}; their verdicts are kept.")
    proposals = len(found.proposed)
    if proposals:
        leaky = f", {count(found.leaky)} of them on images the encoder was trained on" if found.leaky else ""
        st.warning(
            f"Of these changes {several(proposals, 'proposal')} nobody has looked at{leaky}.",
            icon=":material/info:",
        )
    if found.relabelled:
        table = pd.DataFrame(
            [(before or "no label", after, number) for (before, after), number in found.relabelled.items()],
            columns=["label", "becomes", "images"],
        )
        st.dataframe(table, hide_index=True, height=min(36 * (len(table) + 1), 220), width="stretch")


def exports(view: View, dataset: Dataset) -> None:
    """Offer verdicts and the dataset they lead to as files."""
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Verdicts as CSV",
            lambda: known.export_csv(dataset),
            f"{dataset.name}-verdicts.csv",
            "text/csv",
            key=view.key("verdicts csv"),
            type="tertiary",
            icon=":material/download:",
            help="Every verdict, undone ones too: who, when, before, after.",
            on_click="ignore",
        )


def draw_retrain(view: View, dataset: Dataset) -> None:
    """Draw the cleaned datasets, the form, and the newest result of the one chosen."""
    found = {each.name: each for each in known.family(dataset)}
    if not found:
        st.caption(f"No dataset has been cleaned from {plain(dataset.name)} yet.")
        return
    if view["cleaned"] and view["cleaned"] not in found:
        raise unknown_name(f"dataset cleaned from {dataset.name}", view["cleaned"], found)
    name = view["cleaned"] or next(iter(found))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox("Cleaned dataset", list(found), width=260, **view.bind("cleaned", name, ",".join(found)))
        st.download_button(
            "As Parquet",
            lambda: known.export_parquet(found[name]),
            f"{name}.parquet",
            key=view.key("parquet"),
            icon=":material/download:",
            help="Images, labels, splits and soft labels; can be imported again.",
            on_click="ignore",
        )
    child = found[name]
    origin = cleaned(child)
    if origin is not None and child.name != dataset.name:
        st.caption(plain(f"{child.name} was {origin.sentence}. {origin.truth}"))
    try:
        parent = open_parent(session.store(), child)
    except WorkbenchError as error:
        notices.trouble(error)
        return
    results = known.retrainings(child)
    with st.expander("Train again", icon=":material/model_training:", expanded=not results):
        retrain_form(view, child, parent)
    if results:
        draw_result(view, results[0])


def draw_result(view: View, result: Retrain) -> None:
    """Draw what training again gave."""
    kinds = {
        "helped": (st.success, ":material/trending_up:"),
        "hurt": (st.error, ":material/trending_down:"),
        "no measurable change": (st.info, ":material/balance:"),
    }
    draw, icon = kinds[result.conclusion]
    draw(f"**{plain(result.sentence)}**", icon=icon)
    notices.notes(result.notes)
    comparisons = result.comparisons
    changed = comparisons.pop("changed", None)
    for name, found in comparisons.items():
        st.markdown(f"Against **{words.AGAINST[name]}**, {plain(result.spec.report_on)}")
        numbers(found)
    if changed is not None:
        ends = changed.changes["accuracy"]
        st.caption(
            f"Whose label changed in {plain(result.spec.report_on)}: {several(changed.images, 'image')}. The probe "
            f"gives {percent(ends.before.value, 0)} of them the new label before cleaning and "
            f"{percent(ends.after.value, 0)} after."
        )
    plain_values = {name: found.to_dict() for name, found in comparisons.items()}
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Before and after**", help=words.INTERVALS)
        st.plotly_chart(before_after(plain_values, words.AGAINST), key=view.key("before after"), config=CHART)
    with right:
        st.markdown("**Difference**", help=words.NUMBERS["difference"][1])
        st.plotly_chart(differences(plain_values, words.AGAINST), key=view.key("differences"), config=CHART)
        st.markdown("**Change of each class's recall**", help="Against the cleaned labels, with 95 % intervals.")
        st.plotly_chart(class_recalls(plain_values["cleaned"]), key=view.key("recalls"), config=CHART)
    st.download_button(
        "Answers as CSV",
        lambda: images_csv(result),
        f"{result.spec.dataset}-before-after.csv",
        "text/csv",
        key=view.key("answers csv"),
        type="tertiary",
        icon=":material/download:",
        help="What both probes said of each held-out image.",
        on_click="ignore",
    )
    report_button(result.artifact)


def numbers(found: Comparison) -> None:
    """Draw accuracy before and after with its test."""
    change = found.changes["accuracy"]
    difference = change.difference
    shown = {
        "before": (percent(change.before.value, 2), interval(change.before._asdict())),
        "after": (percent(change.after.value, 2), interval(change.after._asdict())),
        "difference": (points(difference.value), f"{points(difference.low)} to {points(difference.high)}"),
        "gained": (f"{count(found.mcnemar.gained)} / {count(found.mcnemar.lost)}", "images"),
        "p": (p_text(found.mcnemar.p).removeprefix("p ").removeprefix("= "), "exact"),
        "images": (count(found.images), " "),
    }
    for column, (name, (value, note)) in zip(st.columns(6, gap="small"), shown.items(), strict=True):
        title, help_text = words.NUMBERS[name]
        column.metric(title, value, note, delta_color="off", delta_arrow="off", help=help_text)


def draw_leakage(view: View, dataset: Dataset) -> None:
    """Draw the newest measurement of leakage, and the form for another."""
    found = known.leakages(dataset)
    if found:
        result = found[0]
        st.markdown(f"**{plain(result.sentence)}**")
        notices.notes(result.notes)
        if result.comparison is not None:
            draw_leaked(view, result)
    else:
        st.caption(words.LEAKAGE)
    with st.expander("Measure leakage", icon=":material/water_drop:", expanded=False):
        leakage_form(view, dataset)


def draw_leaked(view: View, result: Leakage) -> None:
    """Draw two probes on the same images, and what those images alone would make of accuracy."""
    left, right = st.columns([3, 2], gap="large")
    accuracy = {name: value._asdict() for name, value in result.accuracy.items()}
    left.plotly_chart(accuracies(accuracy), key=view.key("leakage"), config=CHART)
    pairs = {"leaked": result.leaked_comparison, "all": result.comparison}
    for name, comparison in pairs.items():
        if comparison is not None:
            change = comparison.changes["accuracy"].difference
            right.metric(
                words.LEAKED[name],
                f"{points(change.value)} points",
                f"{points(change.low)} to {points(change.high)}, {p_text(comparison.mcnemar.p)}",
                delta_color="off",
                delta_arrow="off",
                help=words.PAIRED,
            )
    if result.inflation is not None:
        st.caption(plain(result.confounded))
    report_button(result.artifact)


def images_csv(result: Retrain) -> bytes:
    """Return what both probes said of each held-out image as CSV."""
    table = result.images
    return csv_bytes(table.column_names, zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
