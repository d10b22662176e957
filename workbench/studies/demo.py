"""The demo workspace: rendered faces with planted faults, and every study run on them once."""

from __future__ import annotations

import shutil

from workbench.data.datasets import Dataset, list_datasets, open_dataset
from workbench.data.demo import IMAGES, TRUTH, write_demo_source
from workbench.errors import SpecError
from workbench.files import disk_errors, write_bytes
from workbench.progress import SILENT, Progress
from workbench.specs import AblateSpec, ClassifySpec, DemoSpec, DissectSpec, ImportSpec, PredictSpec, ReweightSpec
from workbench.store import Store
from workbench.studies.ablate import ablate
from workbench.studies.classify import classify
from workbench.studies.dissect import dissect
from workbench.studies.importing import import_dataset
from workbench.studies.predict import predict
from workbench.studies.reweight import reweight

NAME = "demo"
"""Name of the demo dataset."""

CONCEPT_SETS = ("sentence-ensembles", "customer-satisfaction", "facial-expressions", "fer7")
"""The concept sets the demo is classified with; the last is the newest run, which the app shows first."""

NETWORK, LAYER = "face-cnn", "lin1"
"""The network that is looked into, and the layer whose units are ablated and reweighted."""


def build_demo(spec: DemoSpec, store: Store, progress: Progress = SILENT) -> Dataset:
    """Render the faces, import them, and run every study on them; what is there already is kept.

    The source stays in ``<workspace>/sources``; the truth of every plant stands in the dataset's ``truth.parquet``.

    Raises
    ------
    SpecError
        The workspace has a dataset named ``demo`` made with another seed or count.
    """
    dataset = _dataset(spec, store, progress)
    predict(PredictSpec(NAME, NETWORK), store, progress)
    for concepts in CONCEPT_SETS:
        classify(ClassifySpec(NAME, concepts=concepts), store, progress)
    dissection = dissect(DissectSpec(NAME, NETWORK), store, progress).artifact.name
    ablate(AblateSpec(dissection, LAYER), store, progress)
    reweight(ReweightSpec(dissection, LAYER), store, progress)
    return dataset


def _dataset(spec: DemoSpec, store: Store, progress: Progress) -> Dataset:
    source = store.root / "sources" / f"{NAME}-seed{spec.seed}-count{spec.count}"
    if NAME in list_datasets(store):
        dataset = open_dataset(store, NAME)
        if dataset.manifest["source"] != str(source / IMAGES):
            raise SpecError(f"{store.root} has another dataset named {NAME!r}; choose a new --workspace for this demo")
    else:
        if not (source / TRUTH).exists():
            shutil.rmtree(source, ignore_errors=True)
            with disk_errors(source):
                source.mkdir(parents=True)
            write_demo_source(source, seed=spec.seed, count=spec.count, progress=progress)
        dataset = import_dataset(ImportSpec(str(source / IMAGES), NAME), store, progress)
    if not (dataset.path / TRUTH).exists():
        write_bytes(dataset.path / TRUTH, (source / TRUTH).read_bytes())
    return dataset
