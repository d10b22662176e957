"""One function per capability: a spec in, a stored result out."""

from __future__ import annotations

from importlib import import_module

from workbench.data.datasets import Dataset
from workbench.errors import SpecError
from workbench.progress import SILENT, Progress
from workbench.specs import Spec
from workbench.store import Store

STUDIES = {
    "import": "importing.import_dataset",
    "embed": "embed.embed",
    "classify": "classify.classify",
    "predict": "predict.predict",
    "dissect": "dissect.dissect",
    "ablate": "ablate.ablate",
    "reweight": "reweight.reweight",
    "score": "score.score",
    "map": "map.lay_out",
    "angles": "angles.angles",
    "suspects": "suspects.suspects",
    "clean": "clean.clean",
    "retrain": "retrain.retrain",
    "leakage": "leakage.leakage",
    "slices": "slices.slices",
    "prompts": "prompts.prompts",
    "probe": "probe.probe",
    "coop": "coop.coop",
    "train": "train.train",
    "compare": "compare.compare_runs",
    "ladder": "ladder.ladder",
    "robustness": "robustness.robustness",
    "demo": "demo.build_demo",
}
"""The function that runs each kind of spec; imported when first run, so that reading specs does not load torch."""


def run_study(spec: Spec, store: Store, progress: Progress = SILENT) -> str:
    """Run the study a spec asks for and return the name of what it made: a dataset, or ``kind/name`` of an artifact."""
    if spec.kind not in STUDIES:
        raise SpecError(f"no study runs a spec of kind {spec.kind!r}")
    module, function = STUDIES[spec.kind].split(".")
    result = getattr(import_module(f"workbench.studies.{module}"), function)(spec, store, progress)
    return result.name if isinstance(result, Dataset) else str(result.artifact.reference)
