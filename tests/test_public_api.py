"""What a script may rely on."""

from __future__ import annotations

import pytest

import workbench

PUBLIC = {
    "Classification", "ClassifySpec", "Clip", "Concept", "ConceptSet", "Dataset", "DemoSpec", "EmbedSpec", "Embeddings",
    "Health", "ImportSpec", "Store", "WorkbenchError", "__version__", "build_demo", "classify", "embed",
    "import_dataset", "list_datasets", "load_clip", "load_concept_set", "load_health", "open_classification",
    "open_dataset", "read_spec",
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
