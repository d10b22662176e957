"""What stored runs that judge labels are called, the same on every page."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence

from workbench.store import Artifact

ENCODERS = {"given": "CLIP as given", "out-of-fold": "encoders of other folds"}
"""What the choices of a search's encoder are called."""
TRAINED = {"probe": "probe", "coop": "learned prompts", "trained": "network", "network": "changed network"}
"""What the kinds of the workspace's own classifiers are called."""


def search_name(run: Artifact) -> str:
    """Return a search for suspects in words: what judges, by which encoder, and when: "face-clip + face-cnn · ..."."""
    models = [str(run.spec.get(name, "")) for name in ("clip", "network")]
    encoder = str(run.spec.get("encoder", ""))
    parts = [" + ".join(name for name in models if name), ENCODERS.get(encoder, encoder), finished(run)]
    return " · ".join(part for part in parts if part)


def classification_names(runs: Sequence[Artifact]) -> dict[str, str]:
    """Return classifications in words by their names: what answers, and what it is called.

    ``"zero-shot fer7 (sum), face-clip"``, ``"probe linear-face-clip"``. Where several of the runs would be called the
    same, four signs of the classifier's hash tell them apart, or else of the run's.
    """
    names = {run.name: _words(run) for run in runs}
    for signs in (lambda run: _cut(_answers(run))[1], lambda run: _cut(run.name)[1]):
        names = _told_apart(runs, names, signs)
    return names


def learned_prompts(run: Artifact) -> str:
    """Return the learned prompts that answer, as a model or as the concept set of a CLIP; empty where none do."""
    answers = _answers(run)
    return answers if answers.startswith("coop:") else ""


def _answers(run: Artifact) -> str:
    """Return the trained classifier, network or CLIP that answers."""
    concepts = str(run.summary.get("concept_set") or "")
    return concepts if concepts.startswith("coop:") else str(run.summary.get("clip") or run.spec.get("model") or "")


def _words(run: Artifact) -> str:
    summary, model = run.summary, _answers(run)
    kind, _, name = model.partition(":")
    short = _cut(name)[0].removeprefix(f"{run.manifest['content'].get('dataset')}-")
    rule = summary.get("aggregate")
    zero_shot = rule != "network"
    if kind in TRAINED:
        return f"{TRAINED[kind]} {short}{f' ({rule})' if zero_shot else ''}"
    model = model.rpartition("/")[2] if kind == "local-dir" else model
    return f"zero-shot {summary.get('concept_set')} ({rule}), {model}" if zero_shot else f"network {model}"


def _told_apart(runs: Sequence[Artifact], names: dict[str, str], signs: Callable[[Artifact], str]) -> dict[str, str]:
    """Return the names, with four signs added to those that several runs share, where these differ."""
    among: dict[str, set[str]] = {}
    for run in runs:
        among.setdefault(names[run.name], set()).add(signs(run))
    shared = Counter(names.values())

    def tell(run: Artifact) -> str:
        name = names[run.name]
        return f"{name} {signs(run)[:4]}" if shared[name] > 1 and len(among[name]) > 1 else name

    return {run.name: tell(run) for run in runs}


def _cut(name: str) -> tuple[str, str]:
    """Return a result's name without the hash at its end, and the hash."""
    found = re.fullmatch(r"(.+)-([0-9a-f]{16})", name)
    return (found[1], found[2]) if found else (name, "")


def finished(run: Artifact) -> str:
    """Return when a run was finished, in local time to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
