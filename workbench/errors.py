"""What can go wrong, as one tree.

::

    WorkbenchError              one clear line for a person: what is wrong, where, what would be right
    ├── SpecError               something asked for: a name, an option, a combination
    ├── InputError              a file or folder that cannot be used
    │   ├── DatasetError        ... as images and labels
    │   ├── ConceptSetError     ... as a concept set
    │   └── VideoError          ... as a video
    ├── StoreError              the workspace on disk
    │   ├── DamagedArtifactError    a stored result that no longer matches its manifest
    │   └── BusyError               a name or result that another process is writing
    ├── ModelError              weights that cannot be had or do not fit
    └── Cancelled               the person asked to stop (exit status 130; nothing is lost)

Everything else that is raised is a bug: it keeps its traceback and exits with status 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED = 30


class WorkbenchError(Exception):
    """Base of every error a person can act upon; its text is one line."""


class SpecError(WorkbenchError):
    """What was asked for is not valid: an unknown name, a value out of range, a contradiction."""


class InputError(WorkbenchError):
    """A file or folder cannot be used; the text names it and, where known, the line."""


class DatasetError(InputError):
    """Images or labels cannot be read."""


class ConceptSetError(InputError):
    """A concept set is not valid."""


class VideoError(InputError):
    """A video cannot be read."""


class StoreError(WorkbenchError):
    """The workspace cannot be read or written."""


class DamagedArtifactError(StoreError):
    """A stored result does not match its manifest; the text names its path."""


class BusyError(StoreError):
    """Another process is writing what was asked for."""


class ModelError(WorkbenchError):
    """Weights cannot be found, reached or fitted to the network."""


class Cancelled(WorkbenchError):  # noqa: N818 - a wish, not a fault
    """The work was asked to stop; finished parts are kept."""


def unknown_name(kind: str, name: str, valid: Iterable[str]) -> SpecError:
    """Return the error for a name that is not in a registry: the valid ones, and the nearest match.

    Parameters
    ----------
    kind : str
        What the name should have been, for example ``"concept set"``.
    name : str
        The name that was given.
    valid : iterable of str
        The names that exist.
    """
    names = sorted(valid)
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    listed = (", ".join(names[:_LISTED]) or "none yet") + more
    shown = name if len(name) <= 200 else f"{name[:200]}..."
    return SpecError(f"unknown {kind} {shown!r}{hint} (known: {listed})")
