"""What a user asks for: validated, immutable, to and from TOML."""

from __future__ import annotations

import dataclasses
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from workbench.errors import SpecError, unknown_name
from workbench.specs.base import Spec as Spec
from workbench.specs.base import check_name as check_name
from workbench.specs.base import numbers as numbers
from workbench.specs.base import words as words
from workbench.specs.images import AGGREGATES as AGGREGATES
from workbench.specs.images import ClassifySpec as ClassifySpec
from workbench.specs.images import DemoSpec as DemoSpec
from workbench.specs.images import EmbedSpec as EmbedSpec
from workbench.specs.images import ImportSpec as ImportSpec
from workbench.specs.images import PredictSpec as PredictSpec
from workbench.specs.ladder import ALL_RUNGS as ALL_RUNGS
from workbench.specs.ladder import DISTURBANCES as DISTURBANCES
from workbench.specs.ladder import PROMPT_METRICS as PROMPT_METRICS
from workbench.specs.ladder import RENDERED as RENDERED
from workbench.specs.ladder import RUNGS as RUNGS
from workbench.specs.ladder import CompareSpec as CompareSpec
from workbench.specs.ladder import LadderSpec as LadderSpec
from workbench.specs.ladder import PromptsSpec as PromptsSpec
from workbench.specs.ladder import RobustnessSpec as RobustnessSpec
from workbench.specs.maps import METHODS as METHODS
from workbench.specs.maps import SPACES as SPACES
from workbench.specs.maps import AnglesSpec as AnglesSpec
from workbench.specs.maps import MapSpec as MapSpec
from workbench.specs.neurons import POOLINGS as POOLINGS
from workbench.specs.neurons import RULES as RULES
from workbench.specs.neurons import SIMILARITIES as SIMILARITIES
from workbench.specs.neurons import AblateSpec as AblateSpec
from workbench.specs.neurons import DissectSpec as DissectSpec
from workbench.specs.neurons import ReweightSpec as ReweightSpec
from workbench.specs.review import DISPUTED as DISPUTED
from workbench.specs.review import ENCODERS as ENCODERS
from workbench.specs.review import CleanSpec as CleanSpec
from workbench.specs.review import LeakageSpec as LeakageSpec
from workbench.specs.review import RetrainSpec as RetrainSpec
from workbench.specs.review import SlicesSpec as SlicesSpec
from workbench.specs.review import SuspectsSpec as SuspectsSpec
from workbench.specs.training import BALANCES as BALANCES
from workbench.specs.training import CONTEXTS as CONTEXTS
from workbench.specs.training import LEARNERS as LEARNERS
from workbench.specs.training import OPTIMIZERS as OPTIMIZERS
from workbench.specs.training import POSITIONS as POSITIONS
from workbench.specs.training import PRECISIONS as PRECISIONS
from workbench.specs.training import SCHEDULES as SCHEDULES
from workbench.specs.training import SEES as SEES
from workbench.specs.training import CoopSpec as CoopSpec
from workbench.specs.training import ProbeSpec as ProbeSpec
from workbench.specs.training import TrainSpec as TrainSpec
from workbench.specs.video import COLOURS as COLOURS
from workbench.specs.video import PEAKS as PEAKS
from workbench.specs.video import ScoreSpec as ScoreSpec

SPECS: dict[str, type[Spec]] = {
    "import": ImportSpec,
    "embed": EmbedSpec,
    "classify": ClassifySpec,
    "predict": PredictSpec,
    "dissect": DissectSpec,
    "ablate": AblateSpec,
    "reweight": ReweightSpec,
    "score": ScoreSpec,
    "map": MapSpec,
    "angles": AnglesSpec,
    "suspects": SuspectsSpec,
    "clean": CleanSpec,
    "retrain": RetrainSpec,
    "leakage": LeakageSpec,
    "slices": SlicesSpec,
    "prompts": PromptsSpec,
    "probe": ProbeSpec,
    "coop": CoopSpec,
    "train": TrainSpec,
    "compare": CompareSpec,
    "ladder": LadderSpec,
    "robustness": RobustnessSpec,
    "demo": DemoSpec,
}
"""Every kind of spec by the word a file names it with."""


def parse_spec(values: Mapping[str, Any], where: str = "the spec") -> Spec:
    """Return the spec that plain values describe.

    Raises
    ------
    SpecError
        The kind or a field is unknown, missing or of the wrong type; the text names ``where``.
    """
    kind = values.get("kind")
    if not isinstance(kind, str):
        raise SpecError(f'{where} names no kind; add for example kind = "classify" (known: {", ".join(sorted(SPECS))})')
    if kind not in SPECS:
        raise unknown_name(f"kind of spec in {where}", kind, SPECS)
    fields = {field.name: field for field in dataclasses.fields(SPECS[kind])}
    given = {name: value for name, value in values.items() if name != "kind"}
    for name, value in tuple(given.items()):
        if name not in fields:
            raise unknown_name(f"field of {kind} in {where}", name, fields)
        wanted = str(fields[name].type)
        if type(value) is int and abs(value) > sys.float_info.max:
            raise SpecError(f"{where}: {name} is a number of more than 300 digits; use a smaller one")
        if wanted == "float" and type(value) is int:
            given[name] = float(value)
        elif type(value).__name__ != wanted:
            shown = "" if isinstance(value, list | dict) else f" {value!r}"
            raise SpecError(f"{where}: {name} must be {wanted}, not {type(value).__name__}{shown}")
    missing = [n for n, field in fields.items() if field.default is dataclasses.MISSING and n not in given]
    if missing:
        raise SpecError(f"{where}: {kind} needs {', '.join(missing)}")
    return SPECS[kind](**given)


def read_spec(path: Path) -> Spec:
    """Read a spec from a TOML file.

    Raises
    ------
    SpecError
        The file cannot be read or is no valid spec.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: not valid TOML ({error})") from error
    except ValueError as error:  # of Python's limit on the digits of a number
        raise SpecError(f"{path}: holds a number of thousands of digits; use a smaller one") from error
    except RecursionError as error:
        raise SpecError(f"{path}: nested too deeply; a spec is a list of lines such as: name = value") from error
    return parse_spec(values, str(path))


def spec_toml(spec: Spec) -> str:
    """Return the spec as TOML text, which :func:`read_spec` reads back to an equal spec."""
    return tomli_w.dumps(spec.to_dict())
