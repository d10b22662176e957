"""The study of robustness: its spec can be run, and the figures reported are those of the spec."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.specs import DISTURBANCES, RENDERED, RobustnessSpec, read_spec, words

STUDY = Path(__file__).parents[2] / "analyses" / "robustness"


def test_the_reported_figures_are_of_every_model_and_disturbance_of_the_spec() -> None:
    spec = read_spec(STUDY / "spec.toml")
    assert isinstance(spec, RobustnessSpec)
    found = json.loads((STUDY / "expected.json").read_text(encoding="utf-8"))
    assert (found["images"], found["people"]) == (spec.images, spec.faces)
    told = {(course["model"], course["disturbance"]) for course in found["courses"]}
    assert told == {(model, name) for model in words(spec.models) for name in (*DISTURBANCES, *RENDERED)}
    for course in found["courses"]:
        assert len(course["levels"]) == len(course["accuracy"]) == len(course["macro_f1"])


def test_the_table_says_what_was_found() -> None:
    text = (STUDY / "README.md").read_text(encoding="utf-8")
    found = json.loads((STUDY / "expected.json").read_text(encoding="utf-8"))
    halves = {(course["disturbance"], course["model"]): course["half"] for course in found["courses"]}
    value, low, high = halves["noise", "face-cnn"]
    assert f"{value:.1f} ({low:.1f} to {high:.1f})" in text
    value, low, high = halves["blur", "clip:face-clip"]
    assert f"{value:.3f} ({low:.3f} to {high:.3f})" in text
