"""Start: what this is, what the workspace holds, and the ways in."""

from __future__ import annotations

import streamlit as st

from workbench.app import session
from workbench.app.run_names import classification_names
from workbench.app.text import count, percent, plain
from workbench.app.widgets import notices
from workbench.app.widgets.fired import dissection_title
from workbench.app.widgets.import_form import import_form
from workbench.errors import WorkbenchError
from workbench.specs import DemoSpec

WAYS = (
    (
        notices.CONFUSIONS,
        ":material/grid_on:",
        "Browse confusions",
        "What does a model take for what? Click a cell and see its faces, the most confident errors first.",
    ),
    (
        notices.MAP,
        ":material/scatter_plot:",
        "See the embedding space",
        "Every image as a point among the texts: draw around a group and see its faces, or drop a sentence onto it.",
    ),
    (
        notices.REVIEW,
        ":material/rate_review:",
        "Find and settle wrong labels",
        "The most doubtful labels first, each with the reasons; one key a verdict, and whether cleaning helped.",
    ),
    (
        notices.NEURONS,
        ":material/neurology:",
        "Look into a network",
        "Which units encode which emotions? Labels with the evidence for them, and what happens without the units.",
    ),
    (
        notices.DATA,
        ":material/photo_library:",
        "Look into a dataset",
        "Classes and splits, the images, and what is wrong with them: blank, duplicate, contradicting, leaking.",
    ),
    (
        notices.VIDEO,
        ":material/movie:",
        "Score a video",
        "A satisfaction score whose every part can be seen: frames, emotions, peaks, end, and what other choices give.",
    ),
)

PLACES = (
    (notices.DATA, "Images", ":material/photo_library:"),
    (notices.MAP, "Map", ":material/scatter_plot:"),
    (notices.REVIEW, "Review", ":material/rate_review:"),
)
"""What every dataset has: page, words, icon."""


def main() -> None:
    """Draw the page."""
    st.title("Expression workbench")
    st.markdown(
        "Look into facial-expression recognition with CLIP: what a model confuses, which labels to doubt, and why. "
        "Everything runs on this machine; nothing leaves it."
    )
    names = session.dataset_names()
    if names:
        ways()
        workspace(names)
    else:
        begin()
    st.divider()
    st.caption(
        "**Responsible use.** A face does not reveal what a person feels. FER labels are noisy: random annotators "
        "agree on about 61 % of FER2013. Error rates differ between groups of people. Scoring people without their "
        "consent is wrong, and in the EU inferring emotions at work and in education is prohibited (AI Act, Art. 5)."
    )


def ways() -> None:
    """Draw the ways in."""
    for row in (WAYS[:3], WAYS[3:]):
        for column, (page, icon, title, words) in zip(st.columns(3, gap="medium"), row, strict=True):
            with column.container(border=True, height="stretch"):
                st.page_link(page, label=f"**{title}**", icon=icon)
                st.caption(words)


def workspace(names: list[str]) -> None:
    """Draw the datasets of the workspace, each with its runs."""
    st.subheader("In this workspace")
    for name in names:
        with st.container(border=True, gap="small"):
            try:
                draw_dataset(name)
            except WorkbenchError as error:
                st.error(f"**{plain(name)}** {plain(error)}")
    with st.expander("Import another dataset", icon=":material/add:"):
        import_form("start import")


def draw_dataset(name: str) -> None:
    """Draw one dataset, its runs, each a link to its confusions, and its dissections, each a link to its units."""
    dataset = session.dataset(name)
    head, *links = st.columns([5, 1, 1, 1], vertical_alignment="center")
    splits = ", ".join(plain(split) for split in dataset.split_names)
    head.markdown(f"**{plain(name)}** · {count(len(dataset))} images · {len(dataset.classes)} classes · {splits}")
    for link, (page, label, icon) in zip(links, PLACES, strict=True):
        link.page_link(page, label=label, icon=icon, query_params={"dataset": name})
    found = session.runs(name)
    if not found:
        st.caption("No run yet.")
        st.page_link(
            notices.CONFUSIONS, label="Classify it", icon=":material/play_arrow:", query_params={"dataset": name}
        )
    names = classification_names(found)
    for run in found:
        summary = run.summary
        split = next((split for split in ("test", "validation") if split in summary["metrics"]), "all")
        accuracy = summary["metrics"].get(split, {}).get("accuracy")
        score = f" — {percent(accuracy['value'])} accuracy on {plain(split)}" if accuracy else ""
        st.page_link(
            notices.CONFUSIONS,
            label=f"{plain(names[run.name])}{score}",
            icon=":material/grid_on:",
            query_params={"dataset": name, "run": run.name},
        )
    for dissection in session.dissections(name):
        labelled = sum(int(row["labelled"]) for row in dissection.summary["layers"])
        units = sum(int(row["units"]) for row in dissection.summary["layers"])
        st.page_link(
            notices.NEURONS,
            label=f"{plain(dissection_title(dissection))} — {count(labelled)} of {count(units)} units labelled",
            icon=":material/neurology:",
            query_params={"dataset": name, "run": dissection.name},
        )


def begin() -> None:
    """Offer the next step in an empty workspace: the demo, or an import."""
    left, right = st.columns(2, gap="medium")
    with left.container(border=True, height="stretch"):
        st.subheader("Build the demo")
        st.markdown(
            "About 3,000 rendered faces with known expressions and planted faults, classified with the bundled CLIP. "
            "It needs no download and takes a minute or two."
        )
        if st.button("Build the demo", type="primary", icon=":material/auto_awesome:"):
            try:
                session.jobs().submit(DemoSpec())
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                st.rerun()
    with right.container(border=True, height="stretch"):
        st.subheader("Import your own images")
        import_form("first import")


main()
