"""Train face-cnn from a FER2013 Parquet file: ``python analyses/train_face_cnn/run.py FER2013.parquet``.

Started again after an interruption it goes on from its last checkpoint. With ``--final`` it reads PrivateTest too.
"""

import argparse
import logging
import tomllib
from pathlib import Path

import numpy as np
import torch
from evaluate import report, write_asset
from learn import train

from workbench.data.fer2013 import read_fer2013, without_held_out

HERE = Path(__file__).parent
log = logging.getLogger("train_face_cnn")


def main() -> None:
    """Train, evaluate, write the asset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fer2013", type=Path, help="FER2013 as Parquet: usage, label, image")
    parser.add_argument(
        "--spec", type=Path, default=HERE / "spec.toml", help="the recipe (vgg.toml: the full-size VGG)"
    )
    parser.add_argument("--output", type=Path, help="default: checkpoints/NAME")
    parser.add_argument("--checkpoint", type=Path, help="default: checkpoints/NAME.pt")
    parser.add_argument("--final", action="store_true", help="evaluate on PrivateTest too (once, at the end)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    spec = tomllib.loads(arguments.spec.read_text(encoding="utf-8"))
    name = "face-cnn" if arguments.spec.stem == "spec" else arguments.spec.stem
    output = arguments.output or HERE / "checkpoints" / name
    checkpoint = arguments.checkpoint or HERE / "checkpoints" / f"{name}.pt"
    faces = read_fer2013(arguments.fer2013)
    held_out = np.concatenate([faces["PublicTest"].pixels, faces["PrivateTest"].pixels])
    training = without_held_out(faces["Training"], held_out)
    log.info("%d training images", len(training))
    model = train(spec, training, faces["PublicTest"], checkpoint)
    write_asset(model, training, output)
    usages = ("PublicTest", "PrivateTest") if arguments.final else ("PublicTest",)
    log.info("%s", report(output, {usage: faces[usage] for usage in usages}))


if __name__ == "__main__":
    main()
