from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.app.review_workspace import write_suspects
from tests.conftest import write_source
from workbench.app.run_names import classification_names, finished, learned_prompts, search_name
from workbench.app.widgets.compare_form import _other
from workbench.app.widgets.compare_result import renamed
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset


def test_a_search_is_called_by_its_models_encoder_and_time(store: Store, tmp_path: Path) -> None:
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 60)), "faces"), store)
    run = write_suspects(store, "faces").artifact
    assert search_name(run) == f"face-clip + face-cnn · CLIP as given · {finished(run)}"


def run(name: str, clip: str, concepts: str = "its own classes", rule: str = "network") -> Any:
    return SimpleNamespace(
        name=name,
        spec={},
        summary={"clip": clip, "concept_set": concepts, "aggregate": rule},
        manifest={"content": {"dataset": "faces"}},
    )


def test_classifications_are_called_by_their_kind_and_by_what_tells_them_apart() -> None:
    one, other = "coop:faces-face-clip-fer7-aaaa000011112222", "coop:faces-face-clip-fer7-bbbb000011112222"
    runs = [
        run("a", one, "texts of its classes"),
        run("b", other, "texts of its classes"),
        run("c", "face-clip", one, "sum"),
        run("d", "probe:faces-linear-face-clip-cccc000011112222"),
        run("e", "trained:other-lenet-dddd000011112222"),
        run("f", "face-cnn"),
        run("faces-fer7-1234000011112222", "face-clip", "fer7", "sum"),
        run("faces-fer7-5678000011112222", "face-clip", "fer7", "sum"),
        run("g", "local-dir:/models/tiny", "fer7", "max"),
    ]
    assert list(classification_names(runs).values()) == [
        "learned prompts face-clip-fer7 aaaa",
        "learned prompts face-clip-fer7 bbbb",
        "learned prompts face-clip-fer7 (sum)",
        "probe linear-face-clip",
        "network other-lenet",
        "network face-cnn",
        "zero-shot fer7 (sum), face-clip 1234",
        "zero-shot fer7 (sum), face-clip 5678",
        "zero-shot fer7 (max), tiny",
    ]
    assert [learned_prompts(each) for each in runs[:4]] == [one, other, one, ""]
    by_name = {each.name: each for each in runs}
    assert _other("", by_name) == "a"
    assert _other("a", {name: by_name[name] for name in ("a", "c", "d")}) == "d"  # c is by the same learned prompts
    assert _other("a", {name: by_name[name] for name in ("a", "c")}) == "c"


def test_a_comparisons_notes_call_the_runs_as_the_page_does() -> None:
    assert renamed("only a b has x; a has y", ("a", "a b"), ("one", "two")) == "only two has x; one has y"


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 disputed image"), (2, "2 disputed images"), (1200, "1,200 disputed images")]
)
def test_a_noun_goes_with_its_number(number: int, words: str) -> None:
    from workbench.app.text import several

    assert several(number, "disputed image") == words
