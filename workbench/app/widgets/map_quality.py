"""How far a map can be trusted, and the gap between images and texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from workbench.app import map_words
from workbench.app.text import count, percent

if TYPE_CHECKING:
    from workbench.studies.mapping import Map

ABSENT = "–"


def headline(found: Map) -> None:
    """Draw the map's quality: each number with what it is held against below it, its definition one hover away."""
    quality, shown = found.quality, len(found.rows)
    raw = quality["gap"]["raw"]
    trust, measured = quality["trustworthiness"], quality["trustworthiness_images"]
    chance = f"chance {_share(quality['purity_chance'])}"
    numbers = {
        "images": (count(shown), f"of {count(found.selected)}" if found.selected > shown else "all of the split"),
        "trustworthiness": (_number(trust), f"at {count(measured)} images" if measured else "too few images"),
        "purity_map": (_share(quality["purity_map"]), chance),
        "purity_space": (_share(quality["purity_space"]), chance),
        "gap": (_number(raw["angle"], 1, "°"), f"distance {_number(raw['distance'], 2)}"),
    }
    for column, (name, (value, below)) in zip(st.columns(5, gap="small"), numbers.items(), strict=True):
        title, definition = map_words.QUALITY[name]
        column.metric(title, value, below, delta_color="off", delta_arrow="off", help=definition)


def draw_gap(found: Map) -> None:
    """Draw how far apart images and texts lie, as the CLIP gives them, centred and shifted."""
    gaps: dict[str, dict[str, Any]] = found.quality["gap"]
    raw, centred = gaps["raw"], gaps["centred"]
    st.markdown(
        f"As the CLIP gives them, an image and a text stand at **{_number(raw['angle'], 1, '°')}** on average, and "
        f"their means are **{_number(raw['distance'], 2)}** apart. Taking each kind's own mean away leaves "
        f"**{_number(centred['distance'], 2)}**; so maps are centred unless asked otherwise. "
        "A little is left, centred or shifted: what was moved is scaled to length 1 again, which moves its mean too. "
        "To see the gap, make a map of the space *raw*."
    )
    table = pd.DataFrame([{"space": words, **gaps[space]} for space, words in map_words.SPACES.items()])
    columns = {
        name: st.column_config.NumberColumn(title, help=map_words.GAP[name], format="%.3f")
        for name, title in (
            ("distance", "distance of means"),
            ("cosine", "cosine image–text"),
            ("images", "cosine image–image"),
            ("texts", "cosine text–text"),
        )
    }
    columns["angle"] = st.column_config.NumberColumn("angle image–text", help=map_words.GAP["angle"], format="%.1f°")
    st.dataframe(table, hide_index=True, column_config=columns)


def _number(value: float | None, digits: int = 3, unit: str = "") -> str:
    return ABSENT if value is None else f"{value:.{digits}f}{unit}"


def _share(value: float | None) -> str:
    return ABSENT if value is None else percent(value)
