"""How a classifier learned: the settings it tried, its growth, its curve, the words near its vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from workbench.app import definitions, training
from workbench.app import training_words as words
from workbench.app.session import View
from workbench.app.text import count, interval, percent, plain, several
from workbench.app.widgets.metrics import CHART
from workbench.figures import coop as coop_figures
from workbench.figures import probe as figures
from workbench.figures import training as training_figures
from workbench.methods.reweight_verdict import points
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.learned_prompts import LearnedPrompts
    from workbench.studies.probing import StoredProbe


def draw_learning(view: View, run: Artifact) -> None:
    """Draw how a classifier learned."""
    {"probe": draw_probe, "coop": draw_prompts, "trained": draw_network}[run.kind](view, run)


def draw_network(view: View, run: Artifact) -> None:
    """Draw a network's course, epoch by epoch, and which epoch was kept."""
    found = training.opened_network(run)
    kept = next(each for each in found.curve if each.epoch == found.chosen_epoch)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**Accuracy on {plain(found.spec.tune_on)}**", help=words.CURVE)
        st.plotly_chart(training_figures.curve(found.curve, found.chosen_epoch), key=view.key("curve"), config=CHART)
    with right:
        st.markdown("**Loss**", help=words.LOSS)
        st.plotly_chart(training_figures.losses(found.curve, found.chosen_epoch), key=view.key("losses"), config=CHART)
    ended = "it stopped there, as nothing was gained any more" if found.early else "all that were asked for"
    st.markdown(
        f"Kept: epoch {found.chosen_epoch}, {percent(kept.accuracy)} right on {plain(found.spec.tune_on)}. "
        f"{several(len(found.curve), 'epoch')}: {ended}; an epoch took "
        f"{words.lasted(found.seconds / len(found.curve))}. It answers {words.short(found.images_per_second)} images a "
        f"second with {several(found.crops, 'view')} of each."
    )
    if found.one_view is not None:
        accuracy = found.one_view["accuracy"]
        st.caption(f"With one view of a face: {percent(accuracy['value'])} right ({interval(accuracy)}).")


def draw_prompts(view: View, run: Artifact) -> None:
    """Draw how learned prompts came about, what they stand between, and the words nearest to them."""
    found = training.opened_prompts(run)
    standing(found)
    left, right = st.columns(2, gap="large")
    with left:
        tune_on = found.spec.tune_on
        kept = found.curve[found.best_epoch]
        st.markdown(f"**Course**: epoch {found.best_epoch} was kept, {percent(kept['accuracy'])} right on "
                    f"{plain(tune_on)}", help=words.CURVE)  # fmt: skip
        figure = coop_figures.curve(found.curve, found.best_epoch, tune_on)
        st.plotly_chart(figure, key=view.key("course"), config=CHART)
        shots = training.by_shots(run, training.stored(found.dataset))
        if len({each["shots"] for each in shots}) > 1:
            st.markdown("**By training images of each class**", help=words.BY_SHOTS)
            st.plotly_chart(coop_figures.by_shots(shots), key=view.key("shots"), config=CHART)
    with right:
        st.markdown("**Nearest words**", help=words.VECTORS)
        far = coop_figures.nearest_words(found.vectors, found.word_distances)
        st.plotly_chart(far, key=view.key("vectors"), config=CHART)


def standing(found: LearnedPrompts) -> None:
    """Draw where learned prompts stand: after zero-shot, before a linear probe on the same images."""
    shown = {
        "zero-shot": (found.bounds["zero-shot"]["reported"], found.against_zero_shot),
        "learned": (found.reported, None),
        "linear probe": (found.bounds["linear probe"]["reported"], found.against_probe),
    }
    for column, (name, (judged, against)) in zip(st.columns(3, gap="small"), shown.items(), strict=True):
        title, definition = words.STANDING[name]
        accuracy = judged["accuracy"]
        column.metric(title, percent(accuracy["value"]), interval(accuracy), delta_color="off", delta_arrow="off",
                      help=f"{definition} {definitions.INTERVAL}")  # fmt: skip
        if against is not None:
            value, low, high = (points(each) for each in against.changes["accuracy"].difference)
            test = f"{count(against.mcnemar.gained)} gained, {count(against.mcnemar.lost)} lost"
            column.caption(f"learned: {value} points ({low} to {high}); {test}", help=words.AGAINST)


def draw_probe(view: View, run: Artifact) -> None:
    """Draw what each value of a probe's setting gave, and how a forest grew."""
    found = training.opened_probe(run)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{plain(found.setting.capitalize())}**, chosen on {plain(found.spec.tune_on)}", help=words.TRIED)
        st.plotly_chart(figures.settings(found.tried, found.chosen, found.setting), key=view.key("tried"), config=CHART)
    with right:
        if not found.growth:
            st.dataframe(tried_table(found.tried, found.chosen), hide_index=True, column_config=tried_columns(found))
        else:
            st.markdown("**Tree by tree**", help=words.GROWTH)
            st.plotly_chart(figures.growth(found.growth), key=view.key("growth"), config=CHART)
            last = found.growth[-1]
            st.caption(f"{last['trees']:,} trees take {last['bytes'] / 1e6:,.1f} MB.")


def tried_table(tried: Sequence[Mapping[str, Any]], chosen: float) -> pd.DataFrame:
    """Return each value of the setting with what it gave on the images that choose."""
    return pd.DataFrame(
        {
            "value": f"{each['value']:,g}{' (chosen)' if each['value'] == chosen else ''}",
            "accuracy": each["accuracy"]["value"] * 100,
            "interval": interval(each["accuracy"]),
            "log_loss": each["log_loss"],
            "seconds": each["seconds"],
        }
        for each in tried
    )


def tried_columns(found: StoredProbe) -> dict[str, Any]:
    """Return headings and definitions of the table."""
    number = st.column_config.NumberColumn
    return {
        "value": st.column_config.TextColumn(found.setting, help=words.TRIED),
        "accuracy": number("accuracy", format="%.1f %%", help=definitions.METRICS["accuracy"][1]),
        "interval": st.column_config.TextColumn("95 %"),
        "log_loss": number("log loss", format="%.3f", help=words.LOG_LOSS),
        "seconds": number("seconds", format="%.1f", help="What learning took."),
    }
