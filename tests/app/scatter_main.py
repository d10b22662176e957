"""The page the map's component is tried on: ``?case=`` chooses what it shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from workbench.app.components.scatter import NONE, Cloud, Colouring, Landmark, Look, scatter
from workbench.app.lasso import inside
from workbench.figures.theme import EMOTIONS

HOSTILE = '<img src="http://outside.invalid/a.png" onerror="window.hacked=1">'
COUNTS = {"large": 36_000, "huge": 300_000, "empty": 0, "single": 1}
PLANTED = 7
"""Points of the small map that lie alone around (10, 10)."""


@st.cache_resource
def cloud(count: int) -> tuple[Cloud, np.ndarray]:
    """Seven clouds of points around a circle; in small maps a few points lie alone, and one has no class."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 7, count)
    angles = kinds / 7 * 2 * np.pi
    places = np.stack([np.cos(angles), np.sin(angles)], axis=1) * 4 + rng.normal(0, 1.3, (count, 2))
    codes = kinds.astype(np.uint8)
    if 100 < count < 1000:
        places[:PLANTED] = 10 + rng.normal(0, 0.05, (PLANTED, 2))
        codes[PLANTED] = NONE
    return Cloud(places.astype(np.float32), np.arange(count, dtype=np.int64) + 5), codes


def play() -> None:
    """Draw the map."""
    case = st.query_params.get("case", "small")
    shown, codes = cloud(COUNTS.get(case, 400))
    names = [f"{HOSTILE} {name}" if case == "hostile" else name for name in EMOTIONS]
    colours = list(EMOTIONS.values())
    if case == "value" or st.session_state.get("by value"):
        values = np.linalg.norm(shown.places, axis=1).astype(np.float32)
        values[codes == NONE] = np.nan
        colouring = Colouring("distance", codes[:0], values=values, low=0, high=8, none="unknown", help="From 0.")
    else:
        colouring = Colouring("label", codes, names, colours)
    marks = []
    for place, (name, colour) in enumerate(zip(names, colours, strict=True)):
        x, y = 4 * np.cos(place / 7 * 2 * np.pi), 4 * np.sin(place / 7 * 2 * np.pi)
        marks.append(Landmark("mean", name, x, y, colour, f"mean of {name}"))
        marks += [Landmark("text", f"a {name} face {k}", x * 0.8 + k / 9, y * 0.8, colour, "text") for k in range(3)]
    marks.append(Landmark("prompt", "a typed prompt", 0.5, 0.5, "#1f6f8b", "prompt"))
    if case == "held" and "lasso" not in st.session_state:
        shown = replace(shown, held=np.arange(len(codes)) < PLANTED)
    look = Look(**{name: st.session_state.get(name, "") for name in ("lasso", "hidden", "camera")}, picked=picked())
    scatter(
        shown,
        colouring,
        marks if case != "empty" else [],
        look,
        key="map",
        on_change=changed,
        description="A map of points.",
        told=Colouring("prediction", codes, names, colours),
        centre=(0.0, 0.0),
        pictures="/api/nothing/",
        facts="/api/nothing/",
        height=560,
        plain=case == "plain",
    )
    if st.button("Again"):
        st.session_state.again = st.session_state.get("again", 0) + 1
    if st.button("Let go"):
        st.session_state.lasso = ""
        st.rerun()
    if st.button("By value"):
        st.session_state["by value"] = True
        st.rerun()
    hidden = [name for name in look.hidden.split(".") if name.isdigit()]
    held = inside(shown.places, look.lasso) & ~np.isin(codes, [int(name) for name in hidden])
    st.text(f"runs again: {st.session_state.get('again', 0)}")
    st.text(f"held: {int(held.sum())}")
    st.text(f"hidden: {look.hidden}")
    st.text(f"camera: {look.camera}")
    st.text(f"face: {st.session_state.get('face')}")


def picked() -> int | None:
    """Return the row that was clicked."""
    face = st.session_state.get("face", "")
    return int(face) if face else None


def changed() -> None:
    """Keep what the person changed."""
    for name, value in (dict(st.session_state.get("map") or {}).get("change") or {}).items():
        st.session_state[name] = value


def elsewhere() -> None:
    """Draw another page."""
    st.text("elsewhere")


pages = [st.Page(play, title="Map", default=True), st.Page(elsewhere, title="Elsewhere", url_path="elsewhere")]
st.navigation(pages).run()
