"""What is wrong with the images of a dataset, and the images themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from workbench.app import session
from workbench.app.browse import Rows, csv_bytes
from workbench.app.components import Tile
from workbench.app.session import View
from workbench.app.text import count
from workbench.app.widgets import notices
from workbench.app.widgets.faces import browse_faces
from workbench.app.widgets.samples import sample_card, sample_tiles
from workbench.data.datasets import Dataset
from workbench.studies.health import DuplicateGroup, Health

CHECKS = {
    "conflicting": (
        "Conflicting labels",
        "Groups of equal or nearly equal images that carry different labels: at least one of the labels is wrong.",
    ),
    "cross": (
        "Across splits",
        "Groups of equal or nearly equal images in more than one split: one split knows the other.",
    ),
    "exact": ("Exact duplicates", "Groups of images whose pixels are all equal."),
    "near": (
        "Near duplicates",
        "Groups of images that differ in pixels but hardly to the eye (close perceptual hashes).",
    ),
    "blank": ("Blank images", "Images that show nothing: hardly any difference between their pixels."),
    "rejected": (
        "Set aside",
        "What the source held that is no usable image, each with the reason; it is not in the dataset.",
    ),
}
"""Name and definition of each check."""


@st.fragment
def draw_health(view: View, dataset: Dataset) -> None:
    """Draw the number of findings of each check, and the findings of the chosen one, group by group."""
    with notices.explained(notices.DATA):
        health = session.health(dataset)
        for column, (check, (title, definition)) in zip(st.columns(len(CHECKS)), CHECKS.items(), strict=True):
            number, words = finding(health, check)
            column.metric(title, count(number), words, delta_color="off", delta_arrow="off", help=definition)
        check = st.segmented_control(
            "Check",
            list(CHECKS),
            required=True,
            format_func=lambda name: CHECKS[name][0],
            label_visibility="collapsed",
            **view.bind("check"),
        )
        st.caption(CHECKS[str(check)][1])
        if check == "rejected":
            draw_rejected(dataset)
            return
        rows, tiles = grouped(dataset, health, str(check))
        left, right = st.columns([9, 4], gap="medium")
        with left:
            browse_faces(
                view,
                dataset,
                rows,
                lambda shown: [tiles[row] for row in shown.tolist()],
                lambda: export(dataset, rows, tiles),
                empty="Nothing found: good.",
            )
        with right:
            sample_card(view, dataset, rows)


def finding(health: Health, check: str) -> tuple[int, str]:
    """Return the number of findings of a check, and what is counted."""
    if check == "blank":
        return len(health.blank), "images"
    if check == "rejected":
        return health.rejected.num_rows, "files or lines"
    rows = [group.rows for group in groups_of(health, check)]
    return len(rows), f"groups, {count(len(np.unique(np.concatenate(rows))))} images" if rows else "groups"


def groups_of(health: Health, check: str) -> Sequence[DuplicateGroup]:
    """Return the groups that a check found."""
    found = {
        "conflicting": health.conflicting,
        "cross": health.cross_split,
        "exact": health.exact,
        "near": health.near,
    }
    return found[check]


def grouped(dataset: Dataset, health: Health, check: str) -> tuple[Rows, dict[int, Tile]]:
    """Return the rows a check found, group by group, and the tile of each; a row is shown in its first group only."""
    if check == "blank":
        return health.blank, {tile.row: tile for tile in sample_tiles(dataset, health.blank)}
    tiles: dict[int, Tile] = {}
    for number, group in enumerate(groups_of(health, check), start=1):
        note = f"{group.kind} · {', '.join(group.labels) or 'no label'} · {', '.join(group.splits)}"
        for tile in sample_tiles(dataset, group.rows):
            if tile.row not in tiles:
                remark = str(dataset.splits[tile.row])
                tiles[tile.row] = Tile(
                    tile.row, tile.caption, "", tile.colours, tile.hint, remark, f"Group {count(number)}", note
                )
    return np.array(list(tiles), dtype=np.int64), tiles


def draw_rejected(dataset: Dataset) -> None:
    """Draw what the import set aside."""
    table = dataset.rejected
    if not table.num_rows:
        st.info("The import set nothing aside.", icon=":material/check:")
        return
    lines = zip(table["source"].to_pylist(), table["reason"].to_pylist(), strict=True)
    st.dataframe(table.to_pandas(), hide_index=True)
    data = csv_bytes(["source", "reason"], lines)
    st.download_button(
        "CSV", data, f"{dataset.name}-set-aside.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )


def export(dataset: Dataset, rows: Rows, tiles: dict[int, Tile]) -> bytes:
    """Return the findings as CSV."""
    lines = ([tiles[row].group, dataset.ids[row], dataset.splits[row], dataset.labels[row]] for row in rows.tolist())
    return csv_bytes(["group", "id", "split", "label"], lines)
