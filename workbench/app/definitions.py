"""What each number means, in the words shown on hover."""

from __future__ import annotations

METRICS = {
    "accuracy": ("Accuracy", "Share of labelled images whose most probable class is their label."),
    "top3": ("Top-3 accuracy", "Share of labelled images whose label is among the three most probable classes."),
    "macro_f1": (
        "Macro F1",
        "Mean over classes of F1, the harmonic mean of precision and recall; every class counts the same.",
    ),
    "weighted_f1": ("Weighted F1", "Mean over classes of F1, each class weighted by its number of labelled images."),
    "ece": (
        "Calibration error",
        "Expected calibration error: mean distance between the confidence of a prediction and how often predictions of "
        "that confidence are right, weighted by the number of images. 0 is perfect.",
    ),
}
"""Name and definition of each metric of a split."""

INTERVAL = "Below it the bootstrap 95 % interval: how much the number would vary over samples of this size."

PRECISION = "Of the images predicted to be of this class, the share labelled so."
RECALL = "Of the images labelled with this class, the share predicted so."
F1 = "Harmonic mean of precision and recall."
SUPPORT = "Number of images labelled with this class."

MARGIN = (
    "Probability of the image's label minus that of the best other class, -1 to 1. Below 0 the prediction is wrong; "
    "the lower, the more confident the error."
)
ORDER = (
    "By the margin: the probability of the image's label minus that of the best other class. Errors first begins with "
    "the most confident error, hits first with the most confident hit, closest calls with margins near 0."
)
PROBABILITY = "Probability of the class given by the run, 0 to 1; over all classes they add up to 1."
CONCEPTS = "Probability of each concept, before concepts are folded into classes."
NEIGHBOURS = (
    "Images whose embeddings are most similar to this one's (cosine similarity, at most 1), with their labels. Where "
    "most of them carry another label, either this label or theirs is worth a doubt."
)
TRAINED_ON = "The CLIP was trained on this very image, so what it says of it is no evidence about its label."
BROAD = "Share is of all images with that label (row). Blue: agreement. Orange: confusion."
FINE = "Share is of all images whose most probable concept is that row's. Blue: the concept speaks for that label."

SPLITS = {
    "all": "all images",
    "merged-test": "merged test (validation + test)",
}
"""Words for the splits that are put together from others."""
