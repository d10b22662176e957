"""What the numbers and choices of the Training page mean, in the words shown on hover."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from workbench.app import definitions
from workbench.app.text import count
from workbench.methods.learners import LEARNERS

PARTS = {"learning": "How it learned", "classes": "Classes", "calibration": "Calibration", "try": "Try it"}
WHAT = (
    "A classifier is trained on one split of a dataset, tuned on another and reported on a third, once. A probe reads "
    "the stored embeddings of a CLIP, learned prompts change the words around the class names, a network sees the "
    "pixels."
)
NOTHING = (
    "Nothing has been trained on this dataset yet. A probe is the quickest: it learns from embeddings within seconds."
)
COLUMNS = {
    "name": ("Classifier", 0, "The kind of classifier, and below it what it saw of an image."),
    "plot": (
        "",
        120,
        "Dot and line: accuracy on the reported split with its 95 % interval. Ring: without copies of training images.",
    ),
    "accuracy": (
        "Accuracy",
        86,
        "Share of the labelled images of the reported split that are right; below it the bootstrap 95 % interval. Of "
        "several seeds: the mean, and below it the range.",
    ),
    "unseen": (
        "No copies",
        86,
        "The accuracy without images that are copies of training images (equal pixels or perceptual hash): a "
        "classifier may remember their answer.",
    ),
    "f1": ("Macro F1", 70, definitions.METRICS["macro_f1"][1]),
    "top3": ("Top-3", 60, definitions.METRICS["top3"][1]),
    "ece": ("ECE", 56, definitions.METRICS["ece"][1]),
    "images": ("Images", 66, "Images it has learned from."),
    "parameters": ("Numbers", 74, "Numbers that were learned and are kept: weights, trees, remembered faces."),
    "seconds": ("Time", 64, "What learning took, without loading the CLIP and encoding the images."),
    "made": ("Made", 72, "When it was finished."),
}
"""Heading, width in pixels (0 for the rest) and definition of each column of the table."""
RISING = ("name", "ece", "parameters", "seconds")
"""What a first click on the heading sorts from the lowest; all else from the highest."""

NUMBERS = {
    "unseen": ("Without copies", COLUMNS["unseen"][2]),
    "images": ("Images", "Labelled images of the reported split that the numbers are measured on."),
}
TRIED = (
    "Accuracy on the images that choose, for each value of the setting, with 95 % intervals; filled: the one chosen. "
    "Copies of training images have no say in it."
)
CURVE = (
    "Share of the images that choose that are right after each epoch; copies of training images have no say. Dotted: "
    "the learning rate was lowered. The large point: the best epoch, the one that is kept."
)
STANDING = {
    "zero-shot": ("Zero-shot", "The concept set's own prompts, nothing learned: what learned prompts begin against."),
    "learned": ("Learned prompts", "The prompts with the learned vectors of the epoch that was kept."),
    "linear probe": (
        "Linear probe",
        "A linear classifier on the embeddings of the very same training images: what such embeddings can give where "
        "the answer need not be words.",
    ),
}
"""Names and definitions of what learned prompts stand between."""
AGAINST = "Difference in accuracy on the same images, in points, with its paired 95 % interval."
VECTORS = (
    "How far each learned vector is from the nearest word of the CLIP's vocabulary. The gray band holds 90 % of words' "
    "own distances to their nearest word: far beyond it a vector is no word, and its word says little. Gray, and the "
    "word slanted: random vectors come as near. Hover for more words."
)
BY_SHOTS = "The same settings with other numbers of training images of each class; of several seeds the mean and range."
MAPPED = "Lays the images out as a job, with the learned prompts beside the plain texts."
LOSS = (
    "Mean cross-entropy in nats. Training faces are moved and turned while the network still learns, so their loss may "
    "lie above the other; where the other rises while this one falls, the network begins to remember."
)
LOG_LOSS = "Mean of -log of the probability of the label, in nats; 0 is perfect. It counts how sure an error was."
GROWTH = "The forest's accuracy on the images that choose, tree by tree; hover for its size."
CLASSIFY = "Classifies every image of the dataset with it as a job; the Confusions page then shows the faces."
MATRIX = "Click a cell to see its faces on the Confusions page."
NO_FACES = "Classify the dataset with it to see the faces in each cell."
MODEL = "What it is called wherever a model is asked for: on the command line, in a video, in a comparison."
POOR = (
    "This classifier was no better than always answering the commonest class ({} of the images of {}): what it says of "
    "a picture means little."
)
STALE = "The dataset has changed since this was trained: the figures are of what it was."
GO_ON = "Starts the same again. Embeddings, finished trees and the last checkpoint are kept: it goes on from there."

PROBE = {
    "learner": "Linear: one weighted sum a class. Perceptron: one hidden layer. Forest: many decision trees. "
    "Neighbours: a vote of the most similar training images.",
    "on": "The embeddings of a CLIP, or the bare pixels in gray, 48 x 48.",
    "clip": "Whose embeddings are read: face-clip (bundled), MODEL/WEIGHTS such as ViT-B-32/openai, hf-hub:owner/name, "
    "or local-dir:PATH. Of no account with pixels.",
    "settings": "Values to try, comma-separated: penalties of a linear probe, hidden units of a perceptron, smallest "
    "leaves of a forest, numbers of neighbours. Empty: the learner's own.",
    "trees": "Trees of a forest, 100 to 100,000. Its smallest leaf is chosen by forests of 100.",
}
COOP = {
    "clip": "Whose text tower is entered: face-clip (bundled), MODEL/WEIGHTS such as ViT-B-32/openai, "
    "hf-hub:owner/name, or local-dir:PATH. A tower that cannot be entered is refused with the reason.",
    "concepts": "The classes that are told apart; a class's first concept is its name in the prompt.",
    "context": "Shared: one learned context for all classes. Class: each class has its own, which needs more images.",
    "length": "Learned vectors; where initial words are given, as many as these have tokens.",
    "shots": "Training images of each class, drawn by the seed; 0 for all there are.",
    "position": "Where the class's name stands among the learned vectors.",
    "words": "What the vectors begin as, such as: a photo of a. Empty for small random vectors.",
}
NETWORK = {
    "network": "lenet, googlenet, resnet18, resnet50, vgg (of the published recipe), vgg-small, or clip:SPEC for a "
    "CLIP's image tower with a new output layer.",
    "start": "What the weights begin as: empty for fresh ones (a CLIP's own for clip:), a name of torchvision's "
    "weights such as IMAGENET1K_V1, which downloads, or a file of weights.",
    "schedule": "What becomes of the learning rate: lowered where validation stalls, lowered along a cosine, or left.",
    "augment": "How strongly training faces are moved, turned, scaled and blanked: 1 as published, 0 not at all, to 2.",
    "balance": "What is done about rare classes: nothing, or losses weighted by a class's rarity.",
    "crops": "Views of a face whose answers are averaged: 1, or 10 (corners, centre and their mirror images).",
    "precision": "Arithmetic of training: mixed where there is a GPU, float32, or mixed wherever the device allows.",
}
SHARED = {
    "train": "The split that is learned from.",
    "tune_on": "The split that chooses the setting, or stops the training.",
    "report_on": "The split that the one chosen is reported on, once.",
    "seed": "Of what is left to chance: start, order, drawn images, and the bootstrap.",
    "seeds": "How many seeds, this one and those after it: as many jobs. The table shows their mean and range.",
    "optimizer": "sgd has momentum 0.9; adam and adamw adapt the step to each weight.",
    "rate": "Learning rate at the start.",
    "weight_decay": "How strongly weights are pulled to 0.",
    "epochs": "The most passes over the training images.",
    "batch": "Images a step.",
    "patience": "Passes without a gain on the tuning split after which it stops; 0 for never.",
}


def kind_of(kind: str, spec: Mapping[str, Any]) -> str:
    """Return what a classifier is, in words: ``"linear probe"``, ``"learned prompts"``, ``"network vgg-small"``."""
    if kind == "probe":
        return LEARNERS[str(spec["learner"])].title
    return "learned prompts" if kind == "coop" else f"network {spec['network']}"


def saw(kind: str, spec: Mapping[str, Any]) -> str:
    """Return what a classifier saw of an image and was told, in words."""
    clip = str(spec.get("clip", ""))
    clip = clip.rpartition("/")[2] if clip.startswith("local-dir:") else clip
    if kind == "probe":
        return f"{clip} embeddings" if spec["on"] == "embeddings" else "gray pixels, 48 x 48"
    if kind == "coop":
        shots = f", {spec['shots']} shots" if spec["shots"] else ""
        return f"{clip}, {spec['context']} context{shots}"
    return f"pixels{', pretrained' if spec['start'] else ''}"


def short(number: float) -> str:
    """Return a count in few letters: ``"903"``, ``"1.2 M"``."""
    if number != number:
        return "–"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e5, "k")):
        if number >= size:
            whole = number / (1e3 if letter == "k" else size)
            return f"{whole:,.0f} {letter}" if whole >= 100 else f"{whole:.1f} {letter}"
    return count(round(number))


def lasted(seconds: float) -> str:
    """Return a time in words: ``"0.3 s"``, ``"45 s"``, ``"12 min"``, ``"3.5 h"``."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def estimate(what: str, taken: Mapping[str, float], names: Mapping[str, str]) -> str:
    """Return how long trainings (``what``: "it", "an epoch") took here, in words; empty where nothing is known."""
    known = [f"{names.get(name, name)} {lasted(seconds)}" for name, seconds in taken.items()]
    return f"On this dataset {what} took: {', '.join(known)}." if known else ""
