"""What stored runs that judge labels are called, the same on every page."""

from __future__ import annotations

import time

from workbench.store import Artifact

ENCODERS = {"given": "CLIP as given", "out-of-fold": "encoders of other folds"}
"""What the choices of a search's encoder are called."""


def search_name(run: Artifact) -> str:
    """Return a search for suspects in words: what judges, by which encoder, and when: "face-clip + face-cnn · ..."."""
    models = [str(run.spec.get(name, "")) for name in ("clip", "network")]
    encoder = str(run.spec.get("encoder", ""))
    parts = [" + ".join(name for name in models if name), ENCODERS.get(encoder, encoder), finished(run)]
    return " · ".join(part for part in parts if part)


def classification_name(run: Artifact) -> str:
    """Return a classification in words: by which concepts, how they are added up, by which model, and when."""
    summary = run.summary
    parts = [summary.get("concept_set"), summary.get("aggregate"), summary.get("clip") or run.spec.get("model")]
    return " · ".join([*(str(part) for part in parts if part), finished(run)])


def finished(run: Artifact) -> str:
    """Return when a run was finished, in local time to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
