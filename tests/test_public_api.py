"""What a script may rely on."""

from __future__ import annotations

import pytest

import workbench

PUBLIC = {
    "AblateSpec", "Ablation", "Classification", "ClassifySpec", "Clip", "Concept", "ConceptSet", "Dataset",
    "DemoSpec", "DissectSpec", "Dissection", "EmbedSpec", "Embeddings", "Health", "ImportSpec", "PredictSpec",
    "ReweightSpec", "Reweighting", "ScoreSpec", "ScoreTable", "Store", "Target", "VideoScore", "WorkbenchError",
    "__version__", "ablate", "build_demo",
    "classify", "dissect", "embed", "import_dataset", "list_datasets", "list_layers", "load_clip", "load_concept_set",
    "load_health", "load_target", "open_ablation", "open_classification", "open_dataset", "open_dissection",
    "open_reweighting", "open_score", "open_score_table", "predict", "read_spec", "reweight", "score",
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
