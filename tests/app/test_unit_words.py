"""What is known of a unit, in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.app.unit_words import decimal, evidence, label_of, small, spoken_for, stated, verdict


def unit(**changes: Any) -> Any:
    values: dict[str, Any] = {
        "spec": SimpleNamespace(alpha=0.05, resamples=50),
        "layers": ("lin1",),
        "concepts": ("Smile", "Frown"),
        "classes": ("happy", "sad"),
        "membership": np.eye(2, dtype=bool),
        "held_out": 918,
        "layer_index": np.array([0]),
        "label": np.array([0]),
        "holds": np.array([True]),
        "constant": np.array([False]),
        "similarity": np.array([2.5]),
        "null_limit": np.array([1.25]),
        "runner_up": np.array([1]),
        "runner_up_similarity": np.array([-0.5]),
        "p": np.array([0.0001]),
        "q": np.array([0.012]),
        "stability": np.array([0.96]),
        "faithfulness": np.array([0.51]),
        "faithfulness_low": np.array([0.45]),
        "faithfulness_high": np.array([0.56]),
        "accuracy": np.array([0.8]),
        "top": np.zeros((1, 5), dtype=np.int64),
        "truth_auroc": np.array([np.nan]),
        "truth_best": np.array([-1]),
    }
    changed = {name: np.array([value]) if not hasattr(value, "alpha") else value for name, value in changes.items()}
    return SimpleNamespace(**(values | changed))


def test_a_label_that_holds_comes_with_its_evidence() -> None:
    found = dict(evidence(unit(), 0))
    assert verdict(unit(), 0) == "The label Smile holds."
    assert "2.50 with Smile, above 1.25" in found["Similarity"]
    assert "p\u00a0<\u00a0.001, q\u00a0=\u00a0.012" in found["Similarity"]
    assert found["Runner-up"] == "Frown, −0.50"
    assert "in 48 of 50 resamples" in found["Stability"]
    assert "on 918 images" in found["Held out"]
    assert "0.51 (95 % interval 0.45 to 0.56)" in found["Held out"]
    assert found["Accuracy"] == "4 of its 5 top images are labelled happy"
    assert "Truth" not in found


def test_a_label_that_does_not_hold_says_why() -> None:
    chance = unit(holds=False, q=0.4)
    assert label_of(chance, 0) == "no label"
    assert verdict(chance, 0).startswith("No label: its similarity is no more than chance")
    assert "q\u00a0=\u00a0.400, above 0.05" in verdict(chance, 0)
    unfaithful = unit(holds=False, faithfulness_low=-0.1)
    assert verdict(unfaithful, 0) == "No label: on images held out it does not follow the concept."
    shaky = unit(holds=False, stability=0.3)
    assert verdict(shaky, 0) == "No label: only 30 % of the resamples give the same label."


def test_a_constant_unit_has_neither_label_nor_evidence() -> None:
    still = unit(holds=False, constant=True, label=-1)
    assert "one and the same number" in verdict(still, 0)
    assert evidence(still, 0) == []
    assert spoken_for(still, 0) == ""


def test_the_truth_is_told_where_it_is_known() -> None:
    assert "better than any other" in dict(evidence(unit(truth_auroc=0.95, truth_best=0), 0))["Truth"]
    assert dict(evidence(unit(truth_auroc=0.6, truth_best=1), 0))["Truth"].endswith("AUROC 0.60; best is Frown")


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, ".012"), (0.0001, "<\u00a0.001"), (1.0, "1.000"), (float("nan"), "–")]
)
def test_a_probability_has_three_digits(value: float, text: str) -> None:
    assert small(value) == text


def test_numbers_keep_their_sign_and_say_where_they_are_not_known() -> None:
    assert decimal(-0.125, 3) == "−0.125"
    assert decimal(float("nan")) == "–"
    assert stated("q", 0.5) == "q\u00a0=\u00a0.500"
