"""``make bench``: the measured figures, as ratios of two things timed in turn in one run.

``python -m tests.benchmarks [NAME ...]`` runs some of them only; WORKBENCH_FER2013 names a Parquet copy of FER2013 for
the figures at 35,887 real images, without which as many rendered and shifted faces stand in.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.benchmarks import (
    bench_app,
    bench_demo,
    bench_detector,
    bench_dissect,
    bench_encode,
    bench_import,
    bench_map,
    bench_map_page,
    bench_neurons,
    bench_probe,
    bench_prompts,
    bench_review,
    bench_reweight,
    bench_suspects,
    bench_video,
)
from workbench.reports import Table

BENCHMARKS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "import": bench_import.run,
    "encode": bench_encode.run,
    "demo": bench_demo.run,
    "dissect": bench_dissect.run,
    "reweight": bench_reweight.run,
    "map": bench_map.run,
    "map-page": bench_map_page.run,
    "app": bench_app.run,
    "review": bench_review.run,
    "suspects": bench_suspects.run,
    "neurons": bench_neurons.run,
    "prompts": bench_prompts.run,
    "probe": bench_probe.run,
    "detector": bench_detector.run,
    "video": bench_video.run,
    "video-memory": bench_video.run_memory,
}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all, and print a row a figure."""
    for name in names or BENCHMARKS:
        sys.stdout.write(Table(["figure", "measured"], BENCHMARKS[name](), f"\n{name}").text())
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
