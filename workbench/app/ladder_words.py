"""What the numbers and choices of the Ladder page mean, in the words shown on hover."""

from __future__ import annotations

from workbench.app import definitions

TABS = {"ladder": "Ladder", "robustness": "Robustness", "compare": "Compare two"}
WHAT = (
    "Every way to classify faces on the same images: from bare words over learned prompts and probes to networks. What "
    "is trained already is found again; the rest is trained one after another, and what is finished is kept."
)
COLUMNS = {
    "name": ("Way to classify", 0, "What answers, and below it what is learned, and from what."),
    "plot": (
        "",
        132,
        "Dot and line: accuracy on the reported split with its 95 % interval. Ring: without copies of training images.",
    ),
    "accuracy": (
        "Accuracy",
        74,
        "Share of the labelled images of the reported split that are right, on average over the seeds; below it the "
        "95 % interval over images and seeds together.",
    ),
    "behind": (
        "Behind",
        86,
        "Accuracy minus that of the most accurate way on the same images, in points, with its 95 % interval; where "
        "that reaches 0 the two are not told apart.",
    ),
    "unseen": (
        "No copies",
        74,
        "The accuracy without images that are copies of training images (equal pixels or perceptual hash): what has "
        "learned may remember their answer.",
    ),
    "f1": ("Macro F1", 72, definitions.METRICS["macro_f1"][1]),
    "top3": ("Top-3", 70, definitions.METRICS["top3"][1]),
    "ece": ("ECE", 72, definitions.METRICS["ece"][1]),
    "parameters": (
        "Numbers",
        64,
        "Numbers kept of what was learned: 0 where only words were chosen. Of seeds that differ: from, to.",
    ),
    "seconds": (
        "Learning",
        66,
        "What learning took with the setting chosen, on average over the seeds, without encoding the images.",
    ),
    "rate": ("Images/s", 54, "Images a second from decoded picture to answer, on the machine that made the ladder."),
    "elsewhere": (
        "Elsewhere",
        60,
        "Accuracy in percent that others reported of this way, with other models and not on these images alone: open "
        "the row for who did.",
    ),
}
"""Heading, width in pixels (0 for the rest) and definition of each column of the table."""
FIGURE = (
    "Dots: accuracy here, with 95 % intervals over images and seeds. Diamonds: what others reported of the same way "
    "with other models, not on these images alone. Dotted: always answering the commonest class."
)
FORM = {
    "clip": "The CLIP of prompts, probes and learned prompts, and the one whose image tower is tuned on.",
    "rungs": "Ways to classify. The slow ones take a processor hours.",
    "seeds": "How often a way with chance in it is trained; its figures are means over the seeds.",
    "epochs": "The most passes of each network over the training images.",
    "trees": "Trees of the forests.",
}
