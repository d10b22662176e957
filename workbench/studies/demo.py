"""The demo workspace: rendered faces with planted faults, rendered videos, and every study run on them once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.data.datasets import Dataset, list_datasets, open_dataset
from workbench.data.demo import IMAGES, PERSON, TRUTH, write_demo_source
from workbench.errors import SpecError
from workbench.files import disk_errors, write_bytes
from workbench.progress import SILENT, Progress
from workbench.specs import (
    AblateSpec,
    AnglesSpec,
    ClassifySpec,
    CleanSpec,
    DemoSpec,
    DissectSpec,
    ImportSpec,
    LeakageSpec,
    MapSpec,
    PredictSpec,
    RetrainSpec,
    ReweightSpec,
    SlicesSpec,
    SuspectsSpec,
)
from workbench.store import Store
from workbench.studies.ablate import ablate
from workbench.studies.angles import angles
from workbench.studies.classify import classify
from workbench.studies.clean import clean
from workbench.studies.demo_videos import head_start, score_demo_videos
from workbench.studies.dissect import dissect
from workbench.studies.importing import import_dataset
from workbench.studies.leakage import leakage
from workbench.studies.map import lay_out
from workbench.studies.predict import predict
from workbench.studies.retrain import retrain
from workbench.studies.reweight import reweight
from workbench.studies.slices import slices
from workbench.studies.suspects import suspects

NAME = "demo"
"""Name of the demo dataset."""

CONCEPT_SETS = ("sentence-ensembles", "customer-satisfaction", "facial-expressions", "fer7")
"""The concept sets the demo is classified with; the last is the newest run, which the app shows first."""

NETWORK, LAYER = "face-cnn", "lin1"
"""The network that is looked into, and the layer whose units are ablated and reweighted."""

MAPS = ("pca", "tsne")
"""The methods the demo's maps are laid out with; the last is the newest map, which the app shows first."""

CLEANED, SURE = "demo-cleaned", 0.8
"""The dataset that the suspects' proposals lead to, and the score from which one counts."""

PEOPLE = "people.csv"
"""Beside the source's images: what is known of each rendered person, to slice the errors by."""


def build_demo(spec: DemoSpec, store: Store, progress: Progress = SILENT) -> Dataset:
    """Render faces and videos, import the faces, and run every study; what is there already is kept.

    The source stays in ``<workspace>/sources``; the truth of every plant stands in the dataset's ``truth.parquet``. The
    videos are the workspace's own, each with its truth beside it.

    Raises
    ------
    SpecError
        The workspace has a dataset named ``demo`` made with another seed or count, or another video of the same name.
    """
    with head_start(spec.seed, store, progress):
        dataset = _run_on_faces(spec, store, progress)
    score_demo_videos(spec.seed, store, progress)
    return dataset


def _run_on_faces(spec: DemoSpec, store: Store, progress: Progress) -> Dataset:
    dataset = _dataset(spec, store, progress)
    predict(PredictSpec(NAME, NETWORK), store, progress)
    for concepts in CONCEPT_SETS:
        classification = classify(ClassifySpec(NAME, concepts=concepts), store, progress).artifact.name
    dissection = dissect(DissectSpec(NAME, NETWORK), store, progress).artifact.name
    ablate(AblateSpec(dissection, LAYER), store, progress)
    reweight(ReweightSpec(dissection, LAYER), store, progress)
    _map_and_review(dataset, classification, store, progress)
    return dataset


def _map_and_review(dataset: Dataset, classification: str, store: Store, progress: Progress) -> None:
    """Lay the faces out, doubt their labels, and clean them by the proposals, as if each had been accepted."""
    for method in MAPS:
        lay_out(MapSpec(NAME, method=method), store, progress)
    angles(AnglesSpec(NAME), store, progress)
    doubts = suspects(SuspectsSpec(NAME), store, progress).artifact.name
    clean(CleanSpec(NAME, CLEANED, suspects=doubts, above=SURE), store, progress)
    retrain(RetrainSpec(CLEANED), store, progress)
    leakage(LeakageSpec(NAME), store, progress)
    for attribute in (str(_people(dataset)), ""):
        slices(SlicesSpec(classification, split="all", attribute=attribute), store, progress)


def _people(dataset: Dataset) -> Path:
    """Write what the truth tells of the people, image by image, beside the source; return the table."""
    path = Path(dataset.manifest["source"]).with_name(PEOPLE)
    if not path.exists():
        truth = pq.read_table(dataset.path / TRUTH, columns=["id", *PERSON])
        known = truth.filter(pc.is_in(truth["id"], pa.array(dataset.ids.tolist()))).to_pydict()
        write_bytes(path, "".join(_people_lines(known)).encode())
    return path


def _people_lines(known: dict[str, list[Any]]) -> Iterator[str]:
    yield "id,skin tone,age,glasses,beard\n"
    for image, tone, age, glasses, beard in zip(*known.values(), strict=True):
        if tone is None:  # a picture without a face
            yield f"{image},,,,\n"
        else:
            words = ("yes" if glasses > 0 else "no", "yes" if beard > 0 else "no")
            yield f"{image},{tone:.3f},{age:.3f},{','.join(words)}\n"


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
