"""soft-WPMI of 4,096 units, 28,709 images and 1,000 concepts: in blocks against the loop over units, and its memory.

The loop is torch's, in two ways: on one thread, like the blocks (processor time, so that other work on the machine does
not count), and on as many as torch takes by itself (wall clock, of an eighth of the units).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

UNITS, IMAGES, CONCEPTS = 4096, 28_709, 1000
ROUNDS = 3
_MEASURE = """
import json, re, sys, time
from pathlib import Path
import numpy as np, torch
from tests.references.dissect import torch_soft_wpmi
from workbench.methods.dissect import soft_wpmi

threads = torch.get_num_threads()
torch.set_num_threads(1)
units, images, concepts, rounds = map(int, sys.argv[1:])
generator = np.random.default_rng(0)
activations = np.maximum(generator.standard_normal((images, units), dtype=np.float32), -0.5)
scores = 0.2 + 0.05 * generator.standard_normal((images, concepts), dtype=np.float32)

def resident(peak):
    return int(re.search(("VmHWM" if peak else "VmRSS") + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

def timed(function, activations=activations, clock=time.process_time):
    started = clock()
    return function(activations, scores), clock() - started

soft_wpmi(activations[:500, :50], scores[:500])
Path("/proc/self/clear_refs").write_text("5")
before = resident(peak=False)
found = soft_wpmi(activations, scores)
extra = resident(peak=True) - before
seconds = []
for _ in range(rounds):
    expected, loop = timed(torch_soft_wpmi)
    again, blocks = timed(soft_wpmi)
    seconds.append((loop, blocks))
torch.set_num_threads(threads)
some = np.ascontiguousarray(activations[:, ::8])
free = [timed(function, some, time.perf_counter)[1] for function in (torch_soft_wpmi, soft_wpmi)]
other = int((found.argmax(axis=1) != expected.argmax(axis=1)).sum())
print(json.dumps({"extra": extra / 1024, "seconds": seconds, "threads": threads, "free": free, "other": other}))
"""


def run() -> list[tuple[str, str]]:
    """Run both in turn on one thread, in a process of their own."""
    command = [sys.executable, "-c", _MEASURE, *map(str, (UNITS, IMAGES, CONCEPTS, ROUNDS))]
    root = Path(__file__).parents[2]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout
    measured = json.loads(printed)
    loops, blocks = zip(*measured["seconds"], strict=True)
    free = measured["free"]
    ratios = [loop / block for loop, block in measured["seconds"]]
    return [
        ("soft-WPMI", f"{UNITS:,} units x {IMAGES:,} images x {CONCEPTS:,} concepts, one thread"),
        ("loop over units, as published", f"{statistics.median(loops):.1f} s of one processor"),
        ("in blocks", f"{statistics.median(blocks):.2f} s of one processor"),
        ("loop / blocks", f"{statistics.median(ratios):.1f} x (rounds: {', '.join(f'{r:.1f}' for r in ratios)})"),
        (
            f"loop on {measured['threads']} threads / blocks",
            f"{free[0] / free[1]:.1f} x ({UNITS // 8} units, wall clock)",
        ),
        ("peak memory beyond the inputs", f"{measured['extra']:,.0f} MiB"),
        ("units with another label than the loop gives", f"{measured['other']:,} of {UNITS:,}"),
    ]
