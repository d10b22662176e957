"""Interpretability and analysis workbench for facial-expression recognition with CLIP.

Everything a script needs stands in this namespace and is loaded when first used, so ``import workbench`` is quick::

    from workbench import ClassifySpec, ImportSpec, Store, classify, import_dataset

    store = Store("workspace")
    import_dataset(ImportSpec("fer2013.csv", "fer2013"), store)
    print(classify(ClassifySpec("fer2013"), store).metrics["test"]["accuracy"])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.data.concepts import Concept as Concept
    from workbench.data.concepts import ConceptSet as ConceptSet
    from workbench.data.concepts import load_concept_set as load_concept_set
    from workbench.data.datasets import Dataset as Dataset
    from workbench.data.datasets import list_datasets as list_datasets
    from workbench.data.datasets import open_dataset as open_dataset
    from workbench.data.verdicts import Verdicts as Verdicts
    from workbench.errors import WorkbenchError as WorkbenchError
    from workbench.models.clip import Clip as Clip
    from workbench.models.clip import load_clip as load_clip
    from workbench.models.layers import list_layers as list_layers
    from workbench.models.targets import Target as Target
    from workbench.models.targets import load_target as load_target
    from workbench.specs import AblateSpec as AblateSpec
    from workbench.specs import AnglesSpec as AnglesSpec
    from workbench.specs import ClassifySpec as ClassifySpec
    from workbench.specs import CleanSpec as CleanSpec
    from workbench.specs import CompareSpec as CompareSpec
    from workbench.specs import CoopSpec as CoopSpec
    from workbench.specs import DemoSpec as DemoSpec
    from workbench.specs import DissectSpec as DissectSpec
    from workbench.specs import EmbedSpec as EmbedSpec
    from workbench.specs import ImportSpec as ImportSpec
    from workbench.specs import LadderSpec as LadderSpec
    from workbench.specs import LeakageSpec as LeakageSpec
    from workbench.specs import MapSpec as MapSpec
    from workbench.specs import PredictSpec as PredictSpec
    from workbench.specs import ProbeSpec as ProbeSpec
    from workbench.specs import PromptsSpec as PromptsSpec
    from workbench.specs import RetrainSpec as RetrainSpec
    from workbench.specs import ReweightSpec as ReweightSpec
    from workbench.specs import RobustnessSpec as RobustnessSpec
    from workbench.specs import ScoreSpec as ScoreSpec
    from workbench.specs import SlicesSpec as SlicesSpec
    from workbench.specs import SuspectsSpec as SuspectsSpec
    from workbench.specs import TrainSpec as TrainSpec
    from workbench.specs import read_spec as read_spec
    from workbench.store import Store as Store
    from workbench.studies.ablate import Ablation as Ablation
    from workbench.studies.ablate import ablate as ablate
    from workbench.studies.ablate import open_ablation as open_ablation
    from workbench.studies.angles import Angles as Angles
    from workbench.studies.angles import angles as angles
    from workbench.studies.angles import open_angles as open_angles
    from workbench.studies.classify import Classification as Classification
    from workbench.studies.classify import classify as classify
    from workbench.studies.classify import open_classification as open_classification
    from workbench.studies.clean import clean as clean
    from workbench.studies.compare import RunComparison as RunComparison
    from workbench.studies.compare import compare_runs as compare_runs
    from workbench.studies.compare import open_comparison as open_comparison
    from workbench.studies.coop import coop as coop
    from workbench.studies.curves import Robustness as Robustness
    from workbench.studies.curves import open_robustness as open_robustness
    from workbench.studies.demo import build_demo as build_demo
    from workbench.studies.dissect import dissect as dissect
    from workbench.studies.dissection import Dissection as Dissection
    from workbench.studies.dissection import open_dissection as open_dissection
    from workbench.studies.embed import Embeddings as Embeddings
    from workbench.studies.embed import embed as embed
    from workbench.studies.health import Health as Health
    from workbench.studies.health import load_health as load_health
    from workbench.studies.importing import import_dataset as import_dataset
    from workbench.studies.ladder import ladder as ladder
    from workbench.studies.leakage import Leakage as Leakage
    from workbench.studies.leakage import leakage as leakage
    from workbench.studies.leakage import open_leakage as open_leakage
    from workbench.studies.learned_prompts import LearnedPrompts as LearnedPrompts
    from workbench.studies.learned_prompts import open_coop as open_coop
    from workbench.studies.map import find_prompt as find_prompt
    from workbench.studies.map import lay_out as lay_out
    from workbench.studies.mapping import Map as Map
    from workbench.studies.mapping import open_map as open_map
    from workbench.studies.predict import predict as predict
    from workbench.studies.probe import probe as probe
    from workbench.studies.probing import StoredProbe as StoredProbe
    from workbench.studies.probing import open_probe as open_probe
    from workbench.studies.prompting import Prompts as Prompts
    from workbench.studies.prompting import open_prompts as open_prompts
    from workbench.studies.prompts import prompts as prompts
    from workbench.studies.retrain import Retrain as Retrain
    from workbench.studies.retrain import open_retrain as open_retrain
    from workbench.studies.retrain import retrain as retrain
    from workbench.studies.reweight import Reweighting as Reweighting
    from workbench.studies.reweight import open_reweighting as open_reweighting
    from workbench.studies.reweight import reweight as reweight
    from workbench.studies.robustness import robustness as robustness
    from workbench.studies.score import score as score
    from workbench.studies.scoring import ScoreTable as ScoreTable
    from workbench.studies.scoring import VideoScore as VideoScore
    from workbench.studies.scoring import open_score as open_score
    from workbench.studies.scoring import open_score_table as open_score_table
    from workbench.studies.slices import slices as slices
    from workbench.studies.slicing import Slices as Slices
    from workbench.studies.slicing import open_slices as open_slices
    from workbench.studies.standings import Ladder as Ladder
    from workbench.studies.standings import open_ladder as open_ladder
    from workbench.studies.suspects import suspects as suspects
    from workbench.studies.suspicion import Suspects as Suspects
    from workbench.studies.suspicion import open_suspects as open_suspects
    from workbench.studies.train import train as train
    from workbench.studies.trained import TrainedNetwork as TrainedNetwork
    from workbench.studies.trained import open_trained as open_trained

__version__ = "0.1.0"

_HOMES = {
    "AblateSpec": "specs",
    "Ablation": "studies.ablate",
    "Angles": "studies.angles",
    "AnglesSpec": "specs",
    "Classification": "studies.classify",
    "ClassifySpec": "specs",
    "CleanSpec": "specs",
    "Clip": "models.clip",
    "CompareSpec": "specs",
    "Concept": "data.concepts",
    "ConceptSet": "data.concepts",
    "CoopSpec": "specs",
    "Dataset": "data.datasets",
    "DemoSpec": "specs",
    "DissectSpec": "specs",
    "Dissection": "studies.dissection",
    "EmbedSpec": "specs",
    "Embeddings": "studies.embed",
    "Health": "studies.health",
    "ImportSpec": "specs",
    "Ladder": "studies.standings",
    "LadderSpec": "specs",
    "Leakage": "studies.leakage",
    "LeakageSpec": "specs",
    "LearnedPrompts": "studies.learned_prompts",
    "Map": "studies.mapping",
    "MapSpec": "specs",
    "PredictSpec": "specs",
    "ProbeSpec": "specs",
    "Prompts": "studies.prompting",
    "PromptsSpec": "specs",
    "Retrain": "studies.retrain",
    "RetrainSpec": "specs",
    "ReweightSpec": "specs",
    "Reweighting": "studies.reweight",
    "Robustness": "studies.curves",
    "RobustnessSpec": "specs",
    "RunComparison": "studies.compare",
    "ScoreSpec": "specs",
    "ScoreTable": "studies.scoring",
    "Slices": "studies.slicing",
    "SlicesSpec": "specs",
    "Store": "store",
    "StoredProbe": "studies.probing",
    "Suspects": "studies.suspicion",
    "SuspectsSpec": "specs",
    "Target": "models.targets",
    "TrainSpec": "specs",
    "TrainedNetwork": "studies.trained",
    "Verdicts": "data.verdicts",
    "VideoScore": "studies.scoring",
    "WorkbenchError": "errors",
    "ablate": "studies.ablate",
    "angles": "studies.angles",
    "build_demo": "studies.demo",
    "classify": "studies.classify",
    "clean": "studies.clean",
    "compare_runs": "studies.compare",
    "coop": "studies.coop",
    "dissect": "studies.dissect",
    "embed": "studies.embed",
    "find_prompt": "studies.map",
    "import_dataset": "studies.importing",
    "ladder": "studies.ladder",
    "lay_out": "studies.map",
    "leakage": "studies.leakage",
    "list_datasets": "data.datasets",
    "list_layers": "models.layers",
    "load_clip": "models.clip",
    "load_concept_set": "data.concepts",
    "load_health": "studies.health",
    "load_target": "models.targets",
    "open_ablation": "studies.ablate",
    "open_angles": "studies.angles",
    "open_classification": "studies.classify",
    "open_comparison": "studies.compare",
    "open_coop": "studies.learned_prompts",
    "open_dataset": "data.datasets",
    "open_dissection": "studies.dissection",
    "open_ladder": "studies.standings",
    "open_leakage": "studies.leakage",
    "open_map": "studies.mapping",
    "open_probe": "studies.probing",
    "open_prompts": "studies.prompting",
    "open_retrain": "studies.retrain",
    "open_reweighting": "studies.reweight",
    "open_robustness": "studies.curves",
    "open_score": "studies.scoring",
    "open_score_table": "studies.scoring",
    "open_slices": "studies.slicing",
    "open_suspects": "studies.suspicion",
    "open_trained": "studies.trained",
    "predict": "studies.predict",
    "probe": "studies.probe",
    "prompts": "studies.prompts",
    "read_spec": "specs",
    "retrain": "studies.retrain",
    "reweight": "studies.reweight",
    "robustness": "studies.robustness",
    "score": "studies.score",
    "slices": "studies.slices",
    "suspects": "studies.suspects",
    "train": "studies.train",
}

__all__ = sorted(["__version__", *_HOMES])


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module(f"workbench.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
