"""A stored sweep: what holds, the controls, the classes, the surface, and what the protocol does to the number."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from workbench.app import reweight_words as words
from workbench.app import session
from workbench.app.browse import csv_bytes
from workbench.app.session import View
from workbench.app.text import count, percent, plain
from workbench.app.widgets import notices
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.report_button import report_button
from workbench.app.widgets.reweight_form import reweight_form
from workbench.errors import unknown_name
from workbench.figures.reweight import class_changes, controls_strip, protocols, sweep_lines, sweep_surface
from workbench.methods.reweight_verdict import p_text, points, reached

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection
    from workbench.studies.reweighting import Reweighting

SURFACES = {"map": "Heat map", "lines": "Lines"}
IMAGES = {"choose": "change", "report": "report_change"}
NO_GAIN = {"value": 0.0, "low": 0.0, "high": 0.0}


def draw_result(view: View, dissection: Dissection, layer: str) -> None:
    """Draw the sweep that the view names, else the newest of the layer.

    Raises
    ------
    SpecError
        There is no such sweep.
    """
    found = {each.artifact.name: each for each in session.reweightings(dissection, layer)}
    if not found:
        st.info(
            f"No sweep of {plain(layer)} yet. A sweep tries every setting on one split, reports the best once on "
            "another, and compares it with controls.",
            icon=":material/tune:",
        )
        with st.columns([3, 2])[0].container(border=True):
            reweight_form("first", dissection, layer)
        return
    name = view["result"] or next(iter(found))
    if name not in found:
        raise unknown_name(f"sweep of {layer}", name, found)
    if len(found) > 1:
        st.selectbox(
            "Sweep", list(found), format_func=lambda each: sweep_title(found[each]), **view.bind("result", name)
        )
    result = found[name]
    banner(result)
    numbers(result)
    notices.notes(result.notes)
    figures(view, result)
    exports(view, result)


def sweep_title(result: Reweighting) -> str:
    """Return a sweep in words: rule, threshold, settings, protocol and when."""
    spec = result.spec
    finished = time.strftime("%d %b %H:%M", time.localtime(result.artifact.created))
    settings = f"{len(result.sweep['factor'])} settings"
    return (
        f"{words.RULES[spec.rule]} · by {spec.threshold} · {settings} · {words.PROTOCOLS[spec.protocol]} · {finished}"
    )


def banner(result: Reweighting) -> None:
    """Draw the sentence that says what holds."""
    text = f"**{plain(result.sentence)}**"
    kinds = {
        "holds": (st.success, ":material/check_circle:"),
        "any units": (st.warning, ":material/balance:"),
        "loss": (st.error, ":material/trending_down:"),
        "not significant": (st.info, ":material/balance:"),
        "left alone": (st.info, ":material/do_not_disturb_on:"),
    }
    draw, icon = kinds[result.conclusion]
    draw(text, icon=icon)


def numbers(result: Reweighting) -> None:
    """Draw the numbers of the verdict, each with its definition; nothing where the network is left alone."""
    verdict, chosen, controls = result.verdict, result.chosen, result.controls
    if verdict is None or chosen is None:
        return
    gain = verdict["gain"]
    random, shuffled = (reached(gain["value"], controls[name]) for name in ("random", "shuffled"))
    sign = "≤" if result.spec.threshold == "q" else ">"
    shown = {
        "accuracy": (percent(verdict["after"], 2), f"{percent(verdict['before'], 2)} as it is"),
        "gain": (points(gain["value"]), f"{points(gain['low'])} to {points(gain['high'])}"),
        "images": (f"{verdict['gained']} / {verdict['lost']}", f"of {count(verdict['images'])} images"),
        "p": (p_text(verdict["p"]).removeprefix("p ").removeprefix("= "), "exact McNemar"),
        "controls": (f"{random} of {len(controls['random'])}", f"{shuffled} of {len(controls['shuffled'])} shuffled"),
        "units": (
            f"{chosen['up']} / {chosen['down']}",
            f"{result.spec.threshold} {sign} {chosen['threshold']:.3g}, x {chosen['factor']:g}",
        ),
    }
    for column, (name, (value, note)) in zip(st.columns(6, gap="small"), shown.items(), strict=True):
        title, help_text = words.NUMBERS[name]
        column.metric(title, value, note, delta_color="off", delta_arrow="off", help=help_text)


def figures(view: View, result: Reweighting) -> None:
    """Draw the four figures: controls, classes, sweep and protocols."""
    splits = result.artifact.summary["splits"]
    verdict = result.verdict
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**Against controls, on {plain(splits['report'])}**", help=words.STRIP)
        gain = verdict["gain"] if verdict else NO_GAIN
        st.plotly_chart(controls_strip(gain, result.controls), key=view.key("strip"), config=CHART)
    with right:
        st.markdown(f"**Change of each class's recall, on {plain(splits['report'])}**", help=words.CLASSES)
        if verdict:
            st.plotly_chart(class_changes(verdict["classes"]), key=view.key("classes"), config=CHART)
        else:
            st.caption("The network is left alone: no class changes.")
    left, right = st.columns(2, gap="large")
    with left:
        sweep(view, result, splits)
    with right:
        st.markdown("**What the protocol does to the gain**", help=words.PROTOCOL_FIGURE)
        st.plotly_chart(protocols(protocol_rows(result, splits)), key=view.key("protocols"), config=CHART)
        st.caption(plain(flattery(result, splits)))


def sweep(view: View, result: Reweighting, splits: dict[str, str]) -> None:
    """Draw the surface of all settings."""
    for name, valid in (("surface", SURFACES), ("images", IMAGES)):
        if view[name] not in valid:
            raise unknown_name(name, view[name], valid)
    st.markdown("**All settings**", help=words.SWEEP)
    with st.container(horizontal=True, gap="small"):
        for title, name, shown in (("Split", "images", splits), ("Form", "surface", SURFACES)):
            st.segmented_control(
                title,
                list(shown),
                required=True,
                format_func=shown.__getitem__,
                label_visibility="collapsed",
                **view.bind(name),
            )
    draw = sweep_surface if view["surface"] == "map" else sweep_lines
    chosen = None if result.chosen is None else int(result.chosen["index"])
    figure = draw(result.sweep, chosen, result.spec.threshold, IMAGES[view["images"]])
    st.plotly_chart(figure, key=view.key("sweep"), config=CHART)


def protocol_rows(result: Reweighting, splits: dict[str, str]) -> list[tuple[str, float, float, float]]:
    """Return what a gain looks like under each protocol: words, value and ends of the interval where there is one."""
    found, report = result.optimism, splits["report"]
    gain = result.verdict["gain"] if result.verdict else NO_GAIN
    rows = [(f"chosen on {splits['choose']}, reported on {report}", gain["value"], gain["low"], gain["high"])]
    if splits["choose"] != report:
        best = found["best_gain"]
        rows.append((f"chosen on {report}, reported on {report}", best, best, best))
    for words_of, name in (("chosen on a half, reported on it", "same"), ("... reported on the other half", "other")):
        value = found[f"halves_{name}"]
        rows.append((words_of, value, value, value))
    return rows


def flattery(result: Reweighting, splits: dict[str, str]) -> str:
    """Return in words how far choosing on the reported images flatters the gain."""
    found, report = result.optimism, splits["report"]
    same, other = points(found["halves_same"]), points(found["halves_other"])
    halves = f"Over 200 random halves of {report}, a gain of {same} on the half that chose is {other} on the other."
    if splits["choose"] == report:
        return halves
    best, honest = points(found["best_gain"]), points(found["chosen_gain"])
    return (
        f"Choosing on {report} itself would have claimed {best} points where the honest choice has {honest}. {halves}"
    )


def exports(view: View, result: Reweighting) -> None:
    """Offer the numbers as files, and say how the network is used elsewhere."""
    name = f"{result.spec.layer}-{result.spec.rule}"
    files = {
        "Settings": (f"{name}-settings.csv", lambda: settings_csv(result)),
        "Controls": (f"{name}-controls.csv", lambda: controls_csv(result)),
        "Images": (f"{name}-images.csv", lambda: images_csv(result)),
    }
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for title, (file, make) in files.items():
            st.download_button(
                f"{title} as CSV",
                make,
                file,
                "text/csv",
                key=view.key(f"{title} csv"),
                type="tertiary",
                icon=":material/download:",
                on_click="ignore",
            )
        report_button(result.artifact)
    if result.network:
        st.caption("The reweighted network is a target like any other, here and on the command line:")
        st.code(f"network:{result.network}", language=None)


def settings_csv(result: Reweighting) -> bytes:
    """Return every setting with its changes as CSV."""
    names = ("threshold", "factor", "up", "change", "report_change")
    chosen = -1 if result.chosen is None else int(result.chosen["index"])
    columns = [result.sweep[name].tolist() for name in names]
    lines = ([*line, index == chosen] for index, line in enumerate(zip(*columns, strict=True)))
    return csv_bytes([*names, "chosen"], lines)


def controls_csv(result: Reweighting) -> bytes:
    """Return the change of accuracy of every control as CSV."""
    lines = ([name, float(value)] for name, values in result.controls.items() for value in np.asarray(values))
    return csv_bytes(["control", "change"], lines)


def images_csv(result: Reweighting) -> bytes:
    """Return what the network said of each reported image, before and after, as CSV."""
    table = result.artifact.table()
    return csv_bytes(table.column_names, zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
