"""What the numbers of a comparison mean, in the words shown on hover."""

from __future__ import annotations

NUMBERS = {
    "first": (
        "First",
        "Accuracy of the first run: the share of labelled images whose most probable class is the label.",
    ),
    "second": (
        "Second",
        "Accuracy of the second run: the share of labelled images whose most probable class is the label.",
    ),
    "difference": (
        "Second minus first (points)",
        "Difference of the accuracies on the same images, in points of percent. Below it the paired 95 % interval: "
        "where it holds 0, chance could make it.",
    ),
    "alone": (
        "Only one right",
        "Images that only the first, and that only the second has right. Below it the exact two-sided McNemar test: "
        "how often chance alone would share them out at least as unevenly.",
    ),
    "disagree": (
        "They disagree",
        "Images to which the two give different answers. Below it those that both have right.",
    ),
}
"""Name and definition of each number over a comparison."""

SCORES = (
    "Three scores of both on the same images, with 95 % intervals; on hover the paired difference. Macro F1 is the "
    "mean of F1 over classes, balanced accuracy the mean of recall."
)
RECALLS = (
    "Share of each class's images that is predicted so. * marks classes whose difference holds: q up to 0.05, where q "
    "is the share of such findings that is expected to be chance (Benjamini and Hochberg)."
)
ALONE = "Images of each class that only one of the two has right."
TESTS = "Whether one of the two is right on more images of a class than chance would make it, all classes looked at."
COLUMNS = {
    "images": "Labelled images of the class.",
    "only first": "Images of the class that only the first run has right.",
    "only second": "Images of the class that only the second run has right.",
    "p": "Exact two-sided McNemar test on these images.",
    "q": "Benjamini and Hochberg's q among the classes: of those with at most this q, about this share is chance.",
}
"""Definition of each column of the table of classes."""
ORDER = "Surest first: by the probabilities that the two give their own answers, added."
TILES = (
    "**First**: {first}. **Second**: {second}. Under each face stands what the first says, then the second; ✓ is the "
    "label."
)
REVIEW = "Settles these images one by one on the Review page: keep, relabel, ambiguous, not a face."
SPLIT = "The images both are held against. Neither run should have been chosen or trained on them."
NONE = (
    "To compare two classifiers, classify the images with both: two CLIPs, two concept sets, a network, a probe. "
    "This dataset has {found}."
)
ASK = (
    "These two have not been compared on {split} yet. A comparison says which is better beyond chance, on which "
    "classes, and shows the images on which they disagree; it takes seconds."
)
