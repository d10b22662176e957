"""Where a job's result is shown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from workbench.app.widgets.job_status import result_place
from workbench.specs import (
    AblateSpec,
    AnglesSpec,
    ClassifySpec,
    CleanSpec,
    CompareSpec,
    CoopSpec,
    DissectSpec,
    EmbedSpec,
    ImportSpec,
    LeakageSpec,
    MapSpec,
    ProbeSpec,
    PromptsSpec,
    RetrainSpec,
    ReweightSpec,
    SlicesSpec,
    Spec,
    SuspectsSpec,
    TrainSpec,
)


@pytest.mark.parametrize(
    ("spec", "result", "place"),
    [
        (ImportSpec("a.csv", "faces"), "faces", ("pages/data.py", {"dataset": "faces"})),
        (ClassifySpec("faces"), "classification/a-1", ("pages/confusions.py", {"dataset": "faces", "run": "a-1"})),
        (DissectSpec("faces"), "dissection/a-1", ("pages/neurons.py", {"run": "a-1"})),
        (AblateSpec("a-1", "lin1"), "ablation/b-2", ("pages/neurons.py", {"run": "a-1", "tab": "removal"})),
        (ReweightSpec("a-1", "lin1"), "reweighting/b-2", ("pages/reweight.py", {"run": "a-1", "layer": "lin1"})),
        (MapSpec("faces"), "map/m-1", ("pages/map.py", {"dataset": "faces", "map": "m-1"})),
        (AnglesSpec("faces"), "angles/n-1", ("pages/map.py", {"dataset": "faces", "tab": "angles", "angles": "n-1"})),
        (
            SuspectsSpec("faces"),
            "suspects/s-1",
            ("pages/review.py", {"dataset": "faces", "tab": "suspects", "of": "s-1"}),
        ),
        (LeakageSpec("faces"), "leakage/l-1", ("pages/review.py", {"dataset": "faces", "tab": "loop"})),
        (RetrainSpec("clean"), "retrain/r-1", ("pages/review.py", {"dataset": "clean", "tab": "loop"})),
        (SlicesSpec("a-1"), "slices/t-1", ("pages/slices.py", {"run": "t-1"})),
        (ProbeSpec("faces"), "probe/p-1", ("pages/training.py", {"dataset": "faces", "model": "probe:p-1"})),
        (CoopSpec("faces"), "coop/c-1", ("pages/training.py", {"dataset": "faces", "model": "coop:c-1"})),
        (TrainSpec("faces"), "trained/t-1", ("pages/training.py", {"dataset": "faces", "model": "trained:t-1"})),
        (
            PromptsSpec("faces"),
            "prompts/p-1",
            ("pages/prompts.py", {"dataset": "faces", "tab": "studies", "study": "p-1"}),
        ),
        (
            CompareSpec("a-1", "b-2"),
            "comparison/c-1",
            ("pages/prompts.py", {"tab": "compare", "comparison": "c-1"}),
        ),
        (CleanSpec("faces", "clean"), "clean", ("pages/data.py", {"dataset": "clean"})),
        (EmbedSpec("faces"), "embeddings/c-3", None),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_result_is_shown_on_its_page(spec: Spec, result: str, place: object) -> None:
    job: Any = SimpleNamespace(result=result, spec=spec)
    assert result_place(job) == place
