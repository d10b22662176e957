"""One function per capability: a spec in, a stored result out."""

from __future__ import annotations

from workbench.errors import SpecError
from workbench.progress import SILENT, Progress
from workbench.specs import ClassifySpec, DemoSpec, EmbedSpec, ImportSpec, Spec
from workbench.store import Store


def run_study(spec: Spec, store: Store, progress: Progress = SILENT) -> str:
    """Run the study a spec asks for and return the name of what it made: a dataset, or ``kind/name`` of an artifact.

    The studies are imported here, so that a command which only reads specs does not load torch.
    """
    if isinstance(spec, ImportSpec):
        from workbench.studies.importing import import_dataset

        return import_dataset(spec, store, progress).name
    if isinstance(spec, EmbedSpec):
        from workbench.studies.embed import embed

        return embed(spec, store, progress).artifact.reference
    if isinstance(spec, ClassifySpec):
        from workbench.studies.classify import classify

        return classify(spec, store, progress).artifact.reference
    if isinstance(spec, DemoSpec):
        from workbench.studies.demo import build_demo

        return build_demo(spec, store, progress).name
    raise SpecError(f"no study runs a spec of kind {spec.kind!r}")
