"""Train face-clip from a FER2013 Parquet file: ``python analyses/train_face_clip/run.py FER2013.parquet``.

Started again after an interruption it goes on from its last checkpoint. With ``--final`` it reads PrivateTest too.
"""

import argparse
import json
import logging
import tomllib
from pathlib import Path

import numpy as np
import torch
from captions import Tokens, Vocabulary, with_unknown_words
from evaluate import report
from learn import train
from network import export, shape_of
from objective import Material
from rendered import rendered_faces

from workbench.data.fer2013 import read_fer2013, without_held_out, write_fingerprints

HERE = Path(__file__).parent
log = logging.getLogger("train_face_clip")


def main() -> None:
    """Read, render, train, export, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fer2013", type=Path, help="FER2013 as Parquet: usage, label, image")
    parser.add_argument("--output", type=Path, default=HERE / "checkpoints" / "face-clip")
    parser.add_argument("--checkpoint", type=Path, default=HERE / "checkpoints" / "state.pt")
    parser.add_argument("--export-only", action="store_true", help="export and evaluate the checkpoint as it stands")
    parser.add_argument("--final", action="store_true", help="evaluate on PrivateTest too (once, at the end)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    spec = tomllib.loads((HERE / "spec.toml").read_text(encoding="utf-8"))

    faces = read_fer2013(arguments.fer2013)
    held_out = np.concatenate([faces["PublicTest"].pixels, faces["PrivateTest"].pixels])
    photos = without_held_out(faces["Training"], held_out)
    drawn = spec["rendered"]
    rendered, unseen = (
        rendered_faces(drawn[part], drawn[f"{part}_seed"], drawn["random_share"], HERE / "cache")
        for part in ("training", "held_out")
    )
    vocabulary = Vocabulary.read(HERE / "vocabulary.yaml")
    tokens = Tokens(vocabulary.texts())
    emotions = tokens.captions(vocabulary.emotions, with_unknown_words(vocabulary.templates, spec["seed"]))
    expressions = tokens.captions(
        vocabulary.expressions, with_unknown_words(vocabulary.expression_templates, spec["seed"])
    )
    log.info("%d photographs, %d rendered faces, %d tokens", len(photos), len(rendered.emotions), len(tokens))

    if arguments.export_only:
        spec = {**spec, "stop": 0}
    material = Material(photos, rendered, emotions, expressions)
    trainee = train(spec, material, tokens, (faces["PublicTest"], unseen), arguments.checkpoint)
    export(trainee, tokens, vocabulary, shape_of(spec["model"]), arguments.output)
    write_fingerprints(photos.pixels, arguments.output / "training_images.parquet")
    usages = ("PublicTest", "PrivateTest") if arguments.final else ("PublicTest",)
    log.info("%s", json.dumps(report(arguments.output, {usage: faces[usage] for usage in usages}, unseen), indent=2))


if __name__ == "__main__":
    main()
