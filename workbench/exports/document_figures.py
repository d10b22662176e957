"""The figures of every kind of stored result, with a heading each, as its report as HTML shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import plotly.graph_objects as go

from workbench.data.datasets import open_dataset
from workbench.errors import WorkbenchError
from workbench.store import Artifact, Store

MOST_POINTS = 6000
"""The most images that a map in a report shows; of more every so many-th is."""
Figures = Iterator[tuple[str, go.Figure]]


def figures_of(artifact: Artifact, store: Store) -> Figures:
    """Give each figure of a stored result with its heading; nothing for a kind that has none."""
    yield from KINDS.get(artifact.kind, _none)(artifact, store)


def _none(artifact: Artifact, store: Store) -> Figures:
    del artifact, store
    yield from ()


def _classification(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.classify import confusion, per_class_bars, reliability_diagram
    from workbench.studies.classification import open_classification

    del store
    found = open_classification(artifact)
    if not found.metrics:
        return
    split = "test" if "test" in found.metrics else next(iter(found.metrics))
    of = found.metrics[split]
    reports = dict(zip(found.classes, of["classes"], strict=True))
    yield f"Labels and answers on {split}", confusion(found.classes, np.asarray(of["confusion"]))
    yield f"Recall of each class on {split}", per_class_bars(reports, "recall")
    bins = of["calibration"]
    figure = reliability_diagram(bins["confidence"], bins["accuracy"], bins["counts"], bins["error"]["value"])
    yield f"Confidence against accuracy on {split}", figure


def _dissection(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.dissect import similarity_distribution
    from workbench.studies.dissection import open_dissection

    del store
    found = open_dissection(artifact)
    for place, layer in enumerate(found.layers):
        own = found.rows(layer)
        figure = similarity_distribution(found.similarity[own], found.holds[own], float(found.null_limit[place]))
        yield f"Greatest similarity of each unit of {layer}", figure


def _ablation(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.ablate import set_effects
    from workbench.studies.ablation import open_ablation

    del store
    found = open_ablation(artifact)
    yield "Without the units most selective for a class", set_effects(found.sets, found.classes)


def _reweighting(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.reweight import class_changes, controls_strip, sweep_surface
    from workbench.studies.reweighting import open_reweighting

    del store
    found = open_reweighting(artifact)
    report = artifact.summary["splits"]["report"]
    if found.verdict is not None and found.chosen is not None:
        yield f"Against controls, on {report}", controls_strip(found.verdict["gain"], found.controls)
        yield f"Change of each class's recall, on {report}", class_changes(found.verdict["classes"])
    chosen = None if found.chosen is None else int(found.chosen["index"])
    yield "All settings, where they were chosen", sweep_surface(found.sweep, chosen, found.spec.threshold)


def _score_table(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.score import models

    del store
    rows = [row for row in artifact.summary["rows"] if row["reported"] is not None and row["computed"] is not None]
    if rows:
        yield "Computed against reported", models(rows)


def _map(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.map import map_figure
    from workbench.studies.mapping import open_map

    found = open_map(artifact)
    labels: list[str] = [""] * len(found.rows)
    classes: tuple[str, ...] = ()
    try:
        dataset = open_dataset(store, found.spec.dataset)
        if dataset.fingerprint == artifact.manifest["content"].get("rows", dataset.fingerprint):
            labels, classes = dataset.labels[found.rows].tolist(), dataset.classes
    except WorkbenchError:
        pass  # a dataset that is gone leaves the points gray
    means = {name: np.asarray(place) for name, place in found.class_means.items()}
    step = -(-len(found.points) // MOST_POINTS) if len(found.points) else 1
    figure = map_figure(found.points[::step], labels[::step], classes, found.text_points, found.texts, means)
    every = f", every {step}th image" if step > 1 else ""
    yield f"The map: {found.spec.method} of {found.spec.dataset}{every}", _without_webgl(figure)


def _without_webgl(figure: go.Figure) -> go.Figure:
    """Return the figure drawn without WebGL, which a page that may not evaluate code cannot use."""
    traces = []
    for trace in figure.data:
        values = trace.to_plotly_json()
        traces.append(values | {"type": "scatter"} if values["type"] == "scattergl" else values)
    return go.Figure(traces, figure.layout)


def _angles(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.angles import angle_agreement, angle_tables
    from workbench.studies.angles import open_angles

    del store
    found = open_angles(artifact)
    images = (found.images, found.images_low, found.images_high)
    texts = (found.texts, found.texts_low, found.texts_high)
    yield "Angles between classes", angle_tables(found.classes, images, texts, found.unrelated)
    yield "Images against texts", angle_agreement(found.classes, images, texts, found.unrelated)


def _suspects(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.suspects import noise_matrix, precision_curve, recall_curve
    from workbench.studies.suspicion import open_suspects

    del store
    found = open_suspects(artifact)
    yield "Given labels against estimated true ones", noise_matrix(found.classes, found.noise)
    for source, bins in found.evaluation.items():
        for name, entry in bins.items():
            if entry.get("curve"):
                by_depth = dict(sorted(entry["precision"].items(), key=lambda item: int(item[0])))
                yield (
                    f"Precision of {name!r} against what is {source}",
                    precision_curve(entry | {"precision": by_depth}),
                )
                yield f"Recall of {name!r} against what is {source}", recall_curve(entry | {"precision": by_depth})


def _slices(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.slices import slice_rates
    from workbench.studies.slicing import open_slices

    del store
    found = open_slices(artifact)
    shown = [
        vars(each) | {name: getattr(each, name)._asdict() for name in ("rate", "rest", "difference")}
        for each in found.slices
    ]
    if shown:
        yield "Error rate of each slice, and of the rest", slice_rates(shown)


def _retrain(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.retrain import before_after, class_recalls, differences
    from workbench.studies.retrain import AGAINST, open_retrain

    del store
    found = {name: each.to_dict() for name, each in open_retrain(artifact).comparisons.items() if name != "changed"}
    yield "Before and after", before_after(found, AGAINST)
    yield "Difference", differences(found, AGAINST)
    if "cleaned" in found:
        yield "Change of each class's recall, against the cleaned labels", class_recalls(found["cleaned"])


def _leakage(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.leakage import accuracies
    from workbench.studies.leakage import open_leakage

    del store
    found = open_leakage(artifact)
    if found.comparison is not None:
        yield (
            "With and without what leaks",
            accuracies({name: value._asdict() for name, value in found.accuracy.items()}),
        )


def _comparison(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures import compare as figures
    from workbench.studies.compare import open_comparison

    del store
    found = open_comparison(artifact)
    comparison, tests = found.comparison.to_dict(), [test._asdict() for test in found.tests]
    yield "Scores", figures.scores(comparison, found.models)
    yield "Recall of each class", figures.recalls(comparison, tests, found.models)
    yield "Only one is right", figures.disagreements(tests, found.models)


def _probe(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures import probe as figures
    from workbench.studies.probing import open_probe

    del store
    found = open_probe(artifact)
    yield f"What was tried, on {found.spec.tune_on}", figures.settings(found.tried, found.chosen, found.setting)
    if found.growth:
        yield f"The forest by its trees, on {found.spec.tune_on}", figures.growth(found.growth)


def _prompts(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures import prompts as figures
    from workbench.studies.prompting import open_prompts

    del store
    found = open_prompts(artifact)
    spec, whole = found.spec, found.whole.to_dict()
    templates = {name: each.to_dict() for name, each in found.templates.items()}
    report = {name: each.to_dict() for name, each in found.report.items()}
    experiment = [
        {"size": each.size, "templates": each.templates, "concepts": each.concepts, "measured": each.measured.to_dict()}
        for each in found.experiment
    ]
    yield f"Each template alone, on {spec.tune_on}", figures.template_scores(templates, whole, spec.metric)
    yield f"Template by class, on {spec.tune_on}", figures.template_recalls(templates, whole)
    if found.left_out:
        left = {name: each.to_dict() for name, each in found.left_out.items()}
        yield f"Leave one template out, on {spec.tune_on}", figures.left_out(left, spec.metric)
    yield "How much the choice moves it", figures.choices(found.spread, experiment, whole, spec.metric)
    path = figures.search_path(found.path, report, spec.metric, spec.tune_on, spec.report_on)
    yield "The search, and the winner once", path


def _coop(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures import coop as figures
    from workbench.studies.learned_prompts import open_coop

    del store
    found = open_coop(artifact)
    yield "The course of learning", figures.curve(found.curve, found.best_epoch, found.spec.tune_on)
    yield "Nearest words", figures.nearest_words(found.vectors, found.word_distances)


def _trained(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures import training as figures
    from workbench.studies.trained import open_trained

    del store
    found = open_trained(artifact)
    yield f"Accuracy on {found.spec.tune_on}", figures.curve(found.curve, found.chosen_epoch)
    yield "Loss", figures.losses(found.curve, found.chosen_epoch)


def _ladder(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures.ladder import ladder
    from workbench.studies.standings import open_ladder

    del store
    found = open_ladder(artifact)
    lines = [
        {
            "title": each.rung.title,
            "family": each.rung.family,
            "accuracy": each.accuracy._asdict(),
            "unseen": each.unseen._asdict() if each.unseen else None,
            "seeds": each.seeds,
            "published": [(published.percent, published.source) for published in each.rung.published],
        }
        for each in found.standings
    ]
    yield "The ladder", ladder(lines, found.commonest)


def _robustness(artifact: Artifact, store: Store) -> Figures:
    from workbench.figures import robustness as figures
    from workbench.studies.curves import open_robustness

    del store
    found = open_robustness(artifact)
    yield "Step by step", figures.curves(found.courses)
    yield "Kept on average", figures.areas(found.courses)
    titles = {course.disturbance: course.title for course in found.courses}
    yield "What the faces look like", figures.examples(found.examples, titles)


KINDS: Mapping[str, Callable[[Artifact, Store], Figures]] = {
    "classification": _classification,
    "dissection": _dissection,
    "ablation": _ablation,
    "reweighting": _reweighting,
    "score-table": _score_table,
    "map": _map,
    "angles": _angles,
    "suspects": _suspects,
    "slices": _slices,
    "retrain": _retrain,
    "leakage": _leakage,
    "comparison": _comparison,
    "probe": _probe,
    "prompts": _prompts,
    "coop": _coop,
    "trained": _trained,
    "ladder": _ladder,
    "robustness": _robustness,
}
"""The kinds that have figures."""
