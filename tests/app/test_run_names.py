from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.review_workspace import write_suspects
from tests.conftest import write_source
from workbench.app.run_names import finished, search_name
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset


def test_a_search_is_called_by_its_models_encoder_and_time(store: Store, tmp_path: Path) -> None:
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 60)), "faces"), store)
    run = write_suspects(store, "faces").artifact
    assert search_name(run) == f"face-clip + face-cnn · CLIP as given · {finished(run)}"


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 disputed image"), (2, "2 disputed images"), (1200, "1,200 disputed images")]
)
def test_a_noun_goes_with_its_number(number: int, words: str) -> None:
    from workbench.app.text import several

    assert several(number, "disputed image") == words
