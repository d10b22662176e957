"""What a script may rely on."""

from __future__ import annotations

import pytest

import workbench

PUBLIC = {
    "AblateSpec", "Ablation", "Angles", "AnglesSpec", "Classification", "ClassifySpec", "CleanSpec", "Clip",
    "CompareSpec", "Concept", "ConceptSet", "CoopSpec", "Dataset", "DemoSpec", "DissectSpec", "Dissection",
    "EmbedSpec", "Embeddings", "Health", "ImportSpec", "Ladder", "LadderSpec", "Leakage", "LeakageSpec",
    "LearnedPrompts", "Map", "MapSpec", "PredictSpec", "ProbeSpec", "Prompts", "PromptsSpec", "Retrain",
    "RetrainSpec", "ReweightSpec", "Reweighting", "Robustness", "RobustnessSpec", "RunComparison", "ScoreSpec",
    "ScoreTable", "Slices", "SlicesSpec", "Store", "StoredProbe", "Suspects", "SuspectsSpec", "Target",
    "TrainSpec", "TrainedNetwork", "Verdicts", "VideoScore", "WorkbenchError", "__version__", "ablate",
    "angles", "build_demo", "classify", "clean", "compare_runs", "coop", "dissect", "embed", "find_prompt",
    "import_dataset", "ladder", "lay_out", "leakage", "list_datasets", "list_layers", "load_clip",
    "load_concept_set", "load_health", "load_target", "open_ablation", "open_angles", "open_classification",
    "open_comparison", "open_coop", "open_dataset", "open_dissection", "open_ladder", "open_leakage",
    "open_map", "open_probe", "open_prompts", "open_retrain", "open_reweighting", "open_robustness",
    "open_score", "open_score_table", "open_slices", "open_suspects", "open_trained", "predict", "probe",
    "prompts", "read_spec", "retrain", "reweight", "robustness", "score", "slices", "suspects", "train",
}  # fmt: skip


def test_the_public_names_are_exactly_these() -> None:
    assert set(workbench.__all__) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_is_there_and_documented(name: str) -> None:
    found = getattr(workbench, name)
    assert name == "__version__" or found.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = workbench.nonsense
