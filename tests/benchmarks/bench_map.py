"""Maps of 35,887 faces embedded by face-clip: processor time and trustworthiness of each method.

The processor's time counts, on one thread, so that other work on the machine does not. t-SNE by openTSNE, which the
workbench uses, and by scikit-learn are timed in turn on a part of the faces: scikit-learn's grows faster.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.faces36k import source
from workbench import EmbedSpec, ImportSpec, Store, embed, import_dataset

COMPARED = 12_000
_MEASURE = """
import json, sys, time
import numpy as np
from threadpoolctl import threadpool_limits
from workbench.methods.map import lay_out, spread
from workbench.methods.map_quality import draw, trustworthiness

def known(points):
    from sklearn.manifold import TSNE
    return TSNE(perplexity=30, init="pca", random_state=0, n_jobs=1).fit_transform(points)

path, way, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
vectors = np.load(path)
points = spread(vectors, vectors[:1], "centred")[0][draw(len(vectors), count, 0)]
with threadpool_limits(1):
    started = time.process_time()
    flat = known(points) if way == "scikit-learn" else lay_out(points, way)
    seconds = time.process_time() - started
print(json.dumps({"points": len(points), "seconds": seconds, "trust": trustworthiness(points, flat).value}))
"""


def run() -> list[tuple[str, str]]:
    """Embed the faces, then lay them out, each way in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name) / "workspace")
        path, words = source(Path(name))
        import_dataset(ImportSpec(str(path), "faces"), store)
        return measure(store, "faces", words)


def measure(store: Store, dataset: str, words: str) -> list[tuple[str, str]]:
    """Lay a dataset of the workspace out in every way."""
    import numpy as np

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "vectors.npy"
        np.save(path, embed(EmbedSpec(dataset), store).matrix)
        rows = [("faces", words)]
        rows += [(f"{way} of all", _laid_out(path, way, 10_000_000)) for way in ("pca", "umap", "tsne")]
        for way, title in (("tsne", "openTSNE"), ("scikit-learn", "scikit-learn")):
            rows.append((f"t-SNE by {title} of a part", _laid_out(path, way, COMPARED)))
    return rows


def _laid_out(path: Path, way: str, count: int) -> str:
    command = [sys.executable, "-c", _MEASURE, str(path), way, str(count)]
    root = Path(__file__).parents[2]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout)
    return f"{found['points']:,} faces: {found['seconds']:.0f} s of one core, trustworthiness {found['trust']:.3f}"
