"""The forms that train a probe, learn prompts, and train a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.app import session, training
from workbench.app import training_words as words
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.widgets.form_popover import close
from workbench.app.widgets.training_live import begun
from workbench.data.concepts import bundled_concept_sets, load_concept_set
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.methods.learners import LEARNERS as PROBES
from workbench.specs import (
    BALANCES,
    CONTEXTS,
    LEARNERS,
    OPTIMIZERS,
    POSITIONS,
    PRECISIONS,
    SCHEDULES,
    SEES,
    CoopSpec,
    ProbeSpec,
    TrainSpec,
)

NETWORKS = ("vgg-small", "lenet", "vgg", "resnet18", "resnet50", "googlenet", "clip:face-clip")
"""Networks to choose from; ``clip:`` with another CLIP may be typed."""
PROBE_TITLES = {"linear": "Linear", "mlp": "Perceptron", "forest": "Forest", "knn": "Neighbours"}
SEE_TITLES = {"embeddings": "Embeddings", "pixels": "Pixels"}
CONTEXT_TITLES = {"shared": "Shared", "class": "One a class"}
NAMES = {"probe": "new probe", "coop": "new prompts", "trained": "new network"}
"""Names of the popovers by the kind of classifier."""
MOST_SEEDS = 20

Trained = TypeVar("Trained", ProbeSpec, CoopSpec, TrainSpec)


def probe_form(view: View, dataset: Dataset) -> None:
    """Draw the form for a probe and submit what is asked for as jobs, one a seed."""
    with st.form("new probe", border=False):
        learner = _choice("Learner", LEARNERS, PROBE_TITLES, words.PROBE["learner"])
        on = _choice("Learns from", SEES, SEE_TITLES, words.PROBE["on"])
        clip = st.text_input("CLIP", ProbeSpec.clip, help=words.PROBE["clip"], key="probe form clip")
        with st.expander("More"):
            splits = _splits(dataset, "probe")
            left, middle, right = st.columns(3)
            settings = left.text_input("Settings", placeholder="its own", help=words.PROBE["settings"])
            trees = middle.number_input(
                "Trees", 100, 100_000, ProbeSpec.trees, 100, help=words.PROBE["trees"], key="probe form trees"
            )
            seeds = _seeds(left, right, "probe")
        _took(dataset, "probe", "learner", {name: PROBES[name].title for name in LEARNERS})
        if st.form_submit_button("Train", type="primary", icon=":material/play_arrow:"):

            def asked() -> ProbeSpec:
                return ProbeSpec(
                    dataset.name, learner, on, clip.strip(), *splits, settings=settings.strip(), trees=int(trees)
                )

            submit(view, "probe", asked, seeds)


def coop_form(view: View, dataset: Dataset) -> None:
    """Draw the form for learned prompts and submit what is asked for as jobs, one a seed."""
    with st.form("new prompts", border=False):
        left, right = st.columns(2)
        clip = left.text_input("CLIP", CoopSpec.clip, help=words.COOP["clip"], key="coop form clip")
        bundled = bundled_concept_sets()
        concepts = right.selectbox(
            "Concept set",
            bundled,
            bundled.index(CoopSpec.concepts),
            accept_new_options=True,
            help=words.COOP["concepts"],
            key="coop form concepts",
        )
        context = _choice("Context", CONTEXTS, CONTEXT_TITLES, words.COOP["context"])
        left, middle, right = st.columns(3)
        length = left.number_input("Vectors", 1, 64, CoopSpec.length, help=words.COOP["length"])
        shots = middle.number_input("Shots", 0, 1_000_000, CoopSpec.shots, help=words.COOP["shots"])
        epochs = _epochs(right, CoopSpec.epochs, "coop")
        with st.expander("More"):
            splits = _splits(dataset, "coop")
            begin = st.text_input("Initial words", placeholder="random vectors", help=words.COOP["words"])
            left, middle, right = st.columns(3)
            further = _optimizer((left, middle, right), CoopSpec, OPTIMIZERS[:2], "coop")
            position = right.selectbox("Name stands", POSITIONS, help=words.COOP["position"])
            seeds = _seeds(left, middle, "coop")
        _took(dataset, "coop", "context", {name: title.lower() for name, title in CONTEXT_TITLES.items()})
        if st.form_submit_button("Learn prompts", type="primary", icon=":material/play_arrow:"):

            def asked() -> CoopSpec:
                load_concept_set(str(concepts or ""))
                train, tune_on, report_on = splits
                return CoopSpec(
                    dataset.name,
                    clip.strip(),
                    str(concepts),
                    context,
                    int(length),
                    str(position),
                    begin.strip(),
                    int(shots),
                    train,
                    tune_on,
                    report_on,
                    epochs=int(epochs),
                    **further,
                )

            submit(view, "coop", asked, seeds)


def network_form(view: View, dataset: Dataset) -> None:
    """Draw the form for a network and submit what is asked for as jobs, one a seed."""
    with st.form("new network", border=False):
        left, right = st.columns([2, 1])
        network = left.selectbox("Network", NETWORKS, accept_new_options=True, help=words.NETWORK["network"])
        epochs = _epochs(right, TrainSpec.epochs, "network")
        left, middle, right = st.columns(3)
        augment = left.slider("Augmentation", 0.0, 2.0, TrainSpec.augment, 0.1, help=words.NETWORK["augment"])
        balance = middle.selectbox("Rare classes", BALANCES, help=words.NETWORK["balance"])
        schedule = right.selectbox("Schedule", SCHEDULES, help=words.NETWORK["schedule"])
        with st.expander("More"):
            splits = _splits(dataset, "network")
            start = st.text_input("Start from", placeholder="fresh weights", help=words.NETWORK["start"])
            left, middle, right = st.columns(3)
            further = _optimizer((left, middle, right), TrainSpec, OPTIMIZERS, "network")
            crops = right.selectbox("Views", (1, 10), help=words.NETWORK["crops"])
            precision = left.selectbox("Precision", PRECISIONS, help=words.NETWORK["precision"])
            seeds = _seeds(middle, right, "network")
        _took(dataset, "trained", "network", {})
        if st.form_submit_button("Train", type="primary", icon=":material/play_arrow:"):

            def asked() -> TrainSpec:
                train, tune_on, report_on = splits
                return TrainSpec(
                    dataset.name,
                    str(network or "").strip(),
                    start.strip(),
                    train,
                    tune_on,
                    report_on,
                    schedule=str(schedule),
                    epochs=int(epochs),
                    augment=float(augment),
                    balance=str(balance),
                    crops=int(crops),
                    precision=str(precision),
                    **further,
                )

            submit(view, "trained", asked, seeds)


def submit(view: View, kind: str, asked: Callable[[], Trained], seeds: tuple[int, int]) -> None:
    """Submit a job for each seed, or show the one line that says what is wrong."""
    from workbench.studies.case import open_case

    first, many = seeds
    try:
        spec = asked()
        open_case(spec, session.dataset(spec.dataset), "a classifier", "choose")
        for seed in range(first, first + many):
            begun(view, session.jobs().submit(replace(spec, seed=seed)))
    except WorkbenchError as error:
        st.error(plain(error))
    else:
        close(NAMES[kind])
        st.toast("It has been queued; the page shows how far it is.")
        st.rerun()


def _choice(title: str, options: Sequence[str], titles: dict[str, str], help_text: str) -> str:
    return str(
        st.segmented_control(
            title, options, default=options[0], required=True, format_func=titles.__getitem__, help=help_text
        )
    )


def _splits(dataset: Dataset, form: str) -> tuple[str, str, str]:
    names = list(dataset.selections)
    usual = {"train": ("train",), "tune_on": ("validation", "test"), "report_on": ("test", "validation")}
    titles = {"train": "Learn from", "tune_on": "Choose on", "report_on": "Report on"}
    found = []
    for column, (name, wanted) in zip(st.columns(3), usual.items(), strict=True):
        split = next((split for split in wanted if split in names), names[-1])
        key = f"{form} form {name} {dataset.name}"
        found.append(str(column.selectbox(titles[name], names, names.index(split), help=words.SHARED[name], key=key)))
    return found[0], found[1], found[2]


def _epochs(column: DeltaGenerator, usual: int, form: str) -> int:
    return int(column.number_input("Epochs", 1, 10_000, usual, help=words.SHARED["epochs"], key=f"{form} form epochs"))


def _optimizer(
    columns: tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator],
    spec: type[CoopSpec] | type[TrainSpec],
    optimizers: Sequence[str],
    form: str,
) -> dict[str, Any]:
    first, second, third = columns
    text = words.SHARED
    optimizer = first.selectbox("Optimizer", optimizers, help=text["optimizer"], key=f"{form} form optimizer")
    rate = second.number_input(
        "Learning rate", 0.0, 100.0, spec.rate, 0.001, format="%g", help=text["rate"], key=f"{form} form rate"
    )
    decay = third.number_input(
        "Weight decay", 0.0, 10.0, spec.weight_decay, 0.0001, format="%g", help=text["weight_decay"],
        key=f"{form} form decay",
    )  # fmt: skip
    batch = first.number_input("Batch", 1, 65_536, spec.batch, help=text["batch"], key=f"{form} form batch")
    patience = second.number_input(
        "Patience", 0, 10_000, spec.patience, help=text["patience"], key=f"{form} form patience"
    )
    return {
        "optimizer": str(optimizer),
        "rate": float(rate),
        "weight_decay": float(decay),
        "batch": int(batch),
        "patience": int(patience),
    }


def _seeds(first: DeltaGenerator, second: DeltaGenerator, form: str) -> tuple[int, int]:
    seed = first.number_input("Seed", 0, 2**31 - 100, 0, help=words.SHARED["seed"], key=f"{form} form seed")
    many = second.number_input("Seeds", 1, MOST_SEEDS, 1, help=words.SHARED["seeds"], key=f"{form} form seeds")
    return int(seed), int(many)


def _took(dataset: Dataset, kind: str, field: str, names: dict[str, str]) -> None:
    """Say how long it took before, where that is known."""
    found = [run for run in training.stored(dataset.name) if run.kind == kind]
    known = words.estimate("it" if kind == "probe" else "an epoch", training.took(found, field), names)
    if known:
        st.caption(f":material/timer: {plain(known)}")
