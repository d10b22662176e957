"""What a command prints: the same values as text for people and as JSON for programs."""

from __future__ import annotations

from workbench.reports import ladder, maps, neurons, review, training, training_networks, video
from workbench.reports.base import Report as Report
from workbench.reports.base import Table as Table
from workbench.reports.images import answers as answers
from workbench.reports.images import classification as classification
from workbench.reports.images import embeddings as embeddings
from workbench.reports.images import health as health
from workbench.reports.lists import artifacts as artifacts
from workbench.reports.lists import concepts as concepts
from workbench.reports.lists import datasets as datasets
from workbench.reports.lists import jobs as jobs
from workbench.reports.lists import written as written
from workbench.reports.neurons import layers as layers
from workbench.reports.robustness import robustness
from workbench.reports.verdicts import appended as appended
from workbench.reports.verdicts import verdicts as verdicts
from workbench.specs import ClassifySpec, PredictSpec, Spec
from workbench.store import Artifact, Store

_OF_KIND = {
    "classification": classification,
    "embeddings": embeddings,
    "dissection": neurons.dissection,
    "ablation": neurons.ablation,
    "reweighting": neurons.reweighting,
    "score": video.score,
    "score-table": video.score_table,
    "map": maps.layout,
    "angles": maps.angles,
    "suspects": review.suspects,
    "slices": review.slices,
    "retrain": review.retrain,
    "leakage": review.leakage,
    "comparison": ladder.comparison,
    "probe": ladder.probe,
    "prompts": ladder.prompts,
    "coop": training.coop,
    "trained": training_networks.trained,
    "ladder": ladder.ladder,
    "robustness": robustness,
}
KINDS = tuple(_OF_KIND)
"""The kinds of artifacts that have a report."""


def of_artifact(artifact: Artifact) -> Report:
    """Report a stored result of one of :data:`KINDS`; a classification with all its splits."""
    return _OF_KIND[artifact.kind](artifact)


def of_result(spec: Spec, result: str, store: Store, split: str = "") -> Report:
    """Report what a study made.

    Parameters
    ----------
    spec : Spec
        What was asked for.
    result : str
        What :func:`workbench.studies.run_study` returned: a dataset's name, or ``kind/name`` of an artifact.
    store : Store
        The workspace.
    split : str
        Of a classification, report this split only.
    """
    if "/" not in result:
        return health(store, result)
    artifact = store.artifact(*result.split("/", 1))
    if isinstance(spec, (ClassifySpec, PredictSpec)):
        return classification(artifact, split)
    return of_artifact(artifact)
