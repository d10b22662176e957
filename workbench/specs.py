"""What a user asks for: validated, immutable, to and from TOML."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import tomli_w

from workbench.errors import SpecError, unknown_name

AGGREGATES = ("sum", "max", "vote", "vote-mean")
"""Ways to fold concept probabilities into classes; see workbench.methods.zeroshot."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> str:
    """Return a dataset's name if it may be one.

    Raises
    ------
    SpecError
        It is empty, longer than 64 characters, begins with a dot, or holds anything but letters, digits and ``. _ -``.
    """
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"{name!r} cannot be a dataset's name: use 1 to 64 letters, digits, '.', '_' or '-', beginning with a "
            "letter or digit"
        )
    return name


@dataclass(frozen=True)
class Spec:
    """Base of all specs; a subclass names its ``kind`` and validates itself when made."""

    kind: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: ``kind`` and every field."""
        return {"kind": self.kind, **dataclasses.asdict(self)}

    @property
    def title(self) -> str:
        """A few words for lists of jobs."""
        return self.kind


@dataclass(frozen=True)
class ImportSpec(Spec):
    """Bring a source of images into the workspace under a name.

    Parameters
    ----------
    source : str
        A folder, ``fer2013.csv`` or ``icml_face_data.csv``, a Parquet file, or ``hf:owner/name``.
    name : str
        The dataset's name.
    outside_labels : str
        What becomes of labels outside the seven classes: ``"keep"``, ``"drop"``, or a mapping such as
        ``"contempt=disgust,calm=neutral"`` (labels not in the mapping are kept).
    """

    kind: ClassVar[str] = "import"
    source: str
    name: str
    outside_labels: str = "keep"

    def __post_init__(self) -> None:
        check_name(self.name)
        if not self.source:
            raise SpecError("an import needs a source: a folder, a CSV, a Parquet file or hf:owner/name")

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"import {self.name}"


@dataclass(frozen=True)
class EmbedSpec(Spec):
    """Encode a dataset's images with a CLIP.

    Parameters
    ----------
    dataset : str
        Name of a dataset in the workspace.
    clip : str
        ``face-clip``, ``MODEL/WEIGHTS`` of open_clip, ``hf-hub:owner/name`` or ``local-dir:PATH``.
    engine : str
        Where batches run; see workbench.engines.
    """

    kind: ClassVar[str] = "embed"
    dataset: str
    clip: str = "face-clip"
    engine: str = "local"

    def __post_init__(self) -> None:
        check_name(self.dataset)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"embed {self.dataset} with {self.clip}"


@dataclass(frozen=True)
class ClassifySpec(Spec):
    """Classify a dataset zero-shot with a concept set; every split is reported separately.

    Parameters
    ----------
    dataset, clip : str
        As in :class:`EmbedSpec`.
    concepts : str
        A bundled concept set's name, a ``.yaml`` or ``.txt`` file, with ``#attribute`` where it has several.
    aggregate : str
        ``sum``, ``max``, ``vote`` or ``vote-mean``; empty for the concept set's own default.
    top_k : int
        How many ranked classes are kept for each image, 1 or more.
    """

    kind: ClassVar[str] = "classify"
    dataset: str
    clip: str = "face-clip"
    concepts: str = "fer7"
    aggregate: str = ""
    top_k: int = 3

    def __post_init__(self) -> None:
        check_name(self.dataset)
        if self.aggregate and self.aggregate not in AGGREGATES:
            raise unknown_name("aggregate", self.aggregate, AGGREGATES)
        if self.top_k < 1:
            raise SpecError(f"top_k is {self.top_k}; it must be 1 or more")

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"classify {self.dataset} with {self.clip} and {self.concepts}"


@dataclass(frozen=True)
class DemoSpec(Spec):
    """Build the demo workspace: rendered faces with planted faults, and every study run on them once.

    Parameters
    ----------
    seed : int
        Seed of the rendered faces, 0 or more.
    count : int
        Number of images, 300 to 1,000,000.
    """

    kind: ClassVar[str] = "demo"
    seed: int = 0
    count: int = 3000

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**31:
            raise SpecError(f"seed is {self.seed}; it must be 0 or more, and below 2^31")
        if not 300 <= self.count <= 1_000_000:
            raise SpecError(f"count is {self.count}; the demo takes 300 to 1,000,000 images")

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return "build the demo"


SPECS: dict[str, type[Spec]] = {
    "import": ImportSpec,
    "embed": EmbedSpec,
    "classify": ClassifySpec,
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
    for name, value in given.items():
        if name not in fields:
            raise unknown_name(f"field of {kind} in {where}", name, fields)
        wanted = str(fields[name].type)
        if type(value).__name__ != wanted:
            raise SpecError(f"{where}: {name} must be {wanted}, not {type(value).__name__} {value!r}")
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
    return parse_spec(values, str(path))


def spec_toml(spec: Spec) -> str:
    """Return the spec as TOML text, which :func:`read_spec` reads back to an equal spec."""
    return tomli_w.dumps(spec.to_dict())
