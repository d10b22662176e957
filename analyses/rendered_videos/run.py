"""How near the parts of a video score come to a known truth: ``python analyses/rendered_videos/run.py``.

Renders videos whose course of emotion is known, scores them, and compares. What is stored already is not computed
again. Prints what was found; ``--out`` writes it as JSON.
"""

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

from measure import STRENGTHS, against_truth, people, response, summary

from workbench import ScoreSpec, Store, load_concept_set, score
from workbench.data.rendered_videos import read_truth, write_rendered_videos
from workbench.progress import Console
from workbench.reports import Table
from workbench.studies.scorers import class_scores

HERE = Path(__file__).parent


def study(store: Store, spec: dict[str, Any]) -> dict[str, Any]:
    """Render, score and compare."""
    known = class_scores(load_concept_set(spec["concepts"]))
    folders = {seed: store.root / "rendered_videos" / f"seed{seed}" for seed in spec["seeds"]}
    videos = [path for seed, folder in folders.items() for path in write_rendered_videos(folder, seed, Console())]
    result: dict[str, Any] = {"summary": {}, "response": {}, "videos": {}}
    for way in spec["ways"]:
        scores = [score(ScoreSpec(str(video), concepts=spec["concepts"], **way), store) for video in videos]
        pairs = [(found, read_truth(video)) for found, video in zip(scores, videos, strict=True)]
        compared = [against_truth(found, truth, known) for found, truth in pairs]
        rows = [{"people": video.parent.name, **row} for video, row in zip(videos, compared, strict=True)]
        name = f"{way['model']}, {way['faces']}"
        result["summary"][name], result["response"][name], result["videos"][name] = summary(rows), response(pairs), rows
    both = [video for video in videos if video.stem == "two-faces"]
    rows = [{"people": video.parent.name, **row} for video in both for row in people(video, spec, store, known)]
    return result | {"two_faces": rows}


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    rows = []
    for name, found in result["summary"].items():
        spans = [f"{mean:.2f} (lowest {low:.2f})" for mean, low in (found["pearson"], found["spearman"])]
        mae = "{:.2f} ({:.2f}-{:.2f})".format(*found["mae"])
        order = f"{found['order_right']} of {found['videos']}"
        rows.append((name, *spans, order, mae, f"{found['bias']:+.2f}", f"{found['gaps_wrong']} of {found['frames']}"))
    print(Table(("way", "pearson", "spearman", "order right", "MAE", "bias", "gaps wrong"), rows).text())
    for name, emotions in result["response"].items():
        rows = [(emotion, *map(shown, values)) for emotion, values in emotions.items()]
        print(Table(("strength from", *map(str, STRENGTHS[:-1])), rows, f"probability, {name}").text())
    for name, each in (*result["videos"].items(), ("two people, by their tracks", result["two_faces"])):
        keys = [key for key in each[0] if key not in ("frames", "frame_error")]
        print(Table(keys, [[shown(row[key]) for key in keys] for row in each], name).text())


def shown(value: object) -> str:
    """Return a cell's text."""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def main() -> None:
    """Run the study in a workspace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--spec", type=Path, default=HERE / "spec.toml")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    result = study(Store(options.workspace), tomllib.loads(options.spec.read_text(encoding="utf-8")))
    show(result)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
