"""The prompt lab: sentences in boxes, and at once what they do."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.app import prompt_labs as labs
from workbench.app import prompt_text as text
from workbench.app import prompt_words as words
from workbench.app import saved_concepts, session
from workbench.app.prompt_labs import Edit, Place, Prompted, Trail
from workbench.app.prompt_text import Draft
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.widgets import notices
from workbench.app.widgets.prompts_actions import draw_actions
from workbench.app.widgets.prompts_answer import draw_answer, draw_tables
from workbench.app.widgets.prompts_guess import draw_guess
from workbench.data.concepts import ConceptSet, load_attributes
from workbench.data.datasets import Dataset
from workbench.errors import SpecError, WorkbenchError, unknown_name
from workbench.specs import AGGREGATES, EmbedSpec

CELL = {"label": "", "predicted": "", "face": "", "page": "1"}
DEFAULTS = {"clip": "face-clip", "split": "", "concepts": "sentence-ensembles", "attribute": "", "rule": "", "edit": ""}
RESETS = {
    "clip": ("face", "page"),
    "split": ("face", "page"),
    "concepts": ("attribute", "rule", "edit", *CELL),
    "attribute": ("rule", "edit", *CELL),
    "rule": ("face", "page"),
    "edit": ("face", "page"),
    "predicted": ("face", "page"),
}
BOX_WIDTH = 186
"""Width of the box of a class's words, in CSS pixels: two beside each other on a laptop, one where it is narrower."""


class Bench(NamedTuple):
    """What the lab works on: where, the starting set, the page's name for it, and the trail of edits."""

    where: Place
    start: ConceptSet
    name: str
    trail: Trail


def draw_lab(view: View, dataset: Dataset, head: DeltaGenerator) -> None:
    """Draw the lab; its choices go into ``head``.

    Raises
    ------
    WorkbenchError
        A choice names what is not there, or the starting set or the CLIP cannot be used.
    """
    with head:
        bench = choose(view, dataset)
    if not ready(view, dataset, bench.where.clip):
        return
    left, right = st.columns([5, 8], gap="large")
    with left:
        found, edit = draw_boxes(view, bench)
        actions = st.container()
    answered = labs.labelled(dataset, bench.start)
    with right:
        now, start, last = settle(bench, found, edit)
        if now != found:
            st.caption(":material/history: Shown are the last prompts that could be used.")
        if answered:
            answer = labs.answer(bench.where, now, start, last)
            draw_answer(view, dataset, answer)
        else:
            draw_guess(view, dataset, bench.where, (now, start, last))
    with actions:
        draw_actions(view, dataset, bench.where, bench.name, (now, start))
    if answered:
        draw_tables(view, answer)


def choose(view: View, dataset: Dataset) -> Bench:
    """Draw the choices of the lab and return what they mean."""
    where = choose_place(view, dataset)
    names, name = saved_concepts.names(), view["concepts"]
    st.selectbox(
        "Starting set",
        names if name in names else [*names, name],
        width=220,
        format_func=saved_concepts.title,
        help=words.SET,
        accept_new_options=True,
        **view.bind("concepts"),
    )
    sets = load_attributes(saved_concepts.spec_of(name))
    told = [attribute for attribute, each in sets.items() if labs.labelled(dataset, each)]
    attribute = view["attribute"] or next(iter([*told, *sets]))
    if attribute not in sets:
        raise unknown_name(f"attribute of {saved_concepts.title(name)}", attribute, sets)
    if len(sets) > 1:
        bound = view.bind("attribute", attribute, name)
        st.selectbox("Attribute", list(sets), width=130, help=words.ATTRIBUTE, **bound)
    start = sets[attribute]
    rule = view["rule"] or start.default_aggregate
    if rule not in AGGREGATES:
        raise unknown_name("rule", rule, AGGREGATES)
    st.selectbox(
        "Rule",
        AGGREGATES,
        width=190,
        format_func=words.RULES.__getitem__,
        help=words.RULE,
        **view.tie("rule", rule, lambda now: "" if now == start.default_aggregate else str(now)),
    )
    return Bench(where, start, name, Trail(f"{dataset.name} {name} {attribute} {start.fingerprint}"))


def choose_place(view: View, dataset: Dataset) -> Place:
    """Draw the choice of the CLIP and of the images."""
    clips, splits = labs.known_clips(dataset), list(dataset.selections)
    split = view["split"] or ("validation" if "validation" in splits else splits[0])
    if split not in splits:
        raise unknown_name("split", split, splits)
    labs.check_clip(view["clip"])
    st.selectbox(
        "CLIP",
        clips if view["clip"] in clips else [*clips, view["clip"]],
        width=150,
        help=words.CLIP,
        accept_new_options=True,
        **view.bind("clip"),
    )
    st.selectbox("Images", splits, width=150, help=words.SPLIT, **view.bind("split", split))
    return labs.place(dataset, view["clip"].strip(), split)


def ready(view: View, dataset: Dataset, clip: str) -> bool:
    """Return whether the images have been encoded; where not, offer to do it."""
    if labs.encoded(dataset, clip) or session.recall(f"encode here {dataset.name} {clip}"):
        return True
    st.info(
        f"The images of {plain(dataset.name)} have not been encoded by {plain(clip)} yet. That is done once, as a job; "
        "then every edit is answered from the stored embeddings.",
        icon=":material/memory:",
    )
    with st.container(horizontal=True):
        if st.button("Encode the images", key=view.key("encode"), type="primary", icon=":material/play_arrow:"):
            try:
                session.jobs().submit(EmbedSpec(dataset.name, clip))
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                st.toast("The encoding has been queued; the sidebar shows how far it is.")
                st.rerun()
        st.button(
            "Open the lab all the same",
            key=view.key("encode here"),
            type="tertiary",
            help="Encodes in this page what is missing; of many images that takes minutes.",
            on_click=lambda: session.remember(f"encode here {dataset.name} {clip}", True),
        )
    return False


def draw_boxes(view: View, bench: Bench) -> tuple[Prompted | None, Edit]:
    """Draw the boxes and their buttons; return the prompts in them, ``None`` where a box cannot be read.

    Raises
    ------
    SpecError
        The address holds no prompts.
    """
    begin = text.draft_of(bench.start)
    standing = f"{bench.name} {bench.start.fingerprint} {view['edit']}"
    number = labs.generation(standing)
    draft = text.decode(view["edit"], begin)
    problems: dict[str, DeltaGenerator] = {}
    templates = st.text_area(
        "Templates",
        draft.templates,
        height=36 + 25 * min(8, max(3, draft.templates.count("\n") + 2)),
        help=words.TEMPLATES,
        key=view.key(f"templates {number}"),
    )
    problems[text.TEMPLATES] = st.container()
    typed = {}
    row = st.container(horizontal=True, gap="small")
    for place, name in enumerate(bench.start.classes):
        with row.container(width=BOX_WIDTH, gap="small"):
            typed[name] = st.text_area(
                plain(name),
                draft.words[name],
                height="content",
                help=words.WORDS if place == 0 else None,
                key=view.key(f"words {place} {number}"),
            )
            problems[name] = st.container()
    now = Draft(str(templates or ""), {name: str(value or "") for name, value in typed.items()})
    code = view["edit"] if text.same_texts(now, draft) else text.encode(now, begin)
    if code != view["edit"]:
        view.set(edit=code)
        labs.typed(f"{bench.name} {bench.start.fingerprint} {code}")
    found, wrong = text.read(now, bench.start)
    for name, line in wrong.items():
        problems[name].error(plain(line), icon=":material/error:")
    edit = Edit(code, view["rule"])
    buttons(view, bench, edit)
    rule = view["rule"] or bench.start.default_aggregate
    return (None if found is None else Prompted(found, rule)), edit


def buttons(view: View, bench: Bench, edit: Edit) -> None:
    """Draw the ways back."""

    def undo() -> None:
        before = bench.trail.back(edit)
        view.jump(edit=before.code, rule=before.rule)

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Undo",
            key=view.key("undo"),
            icon=":material/undo:",
            on_click=undo,
            disabled=bench.trail.edits == [edit],
        )
        st.button(
            "Reset",
            key=view.key("reset"),
            icon=":material/restart_alt:",
            help="Back to the starting set; Undo brings the edits back.",
            on_click=lambda: view.jump(edit="", rule=""),
            disabled=edit == Edit(),
        )
        st.caption(words.HOW)


def settle(bench: Bench, found: Prompted | None, edit: Edit) -> tuple[Prompted, Prompted, Prompted]:
    """Return the prompts that are shown, the starting ones, and those before the last edit.

    Prompts that can be used go on the trail; in place of others the newest of the trail are shown.

    Raises
    ------
    SpecError
        The starting set cannot be used.
    """
    start = Prompted(bench.start, bench.start.default_aggregate)
    if found is not None:
        try:
            labs.try_out(bench.where, found)
            bench.trail.add(edit)
        except SpecError as error:
            if found.key == start.key:
                raise
            notices.trouble(error)
            found = None
    good = [prompted(bench, each) for each in bench.trail.edits]
    return found or good[-1], start, good[-2] if len(good) > 1 else start


def prompted(bench: Bench, edit: Edit) -> Prompted:
    """Return the prompts of an edit on the trail."""
    begin = text.draft_of(bench.start)
    found, _ = text.read(text.decode(edit.code, begin), bench.start)
    return Prompted(found or bench.start, edit.rule or bench.start.default_aggregate)
