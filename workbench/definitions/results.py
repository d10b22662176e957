"""What the numbers in the report of each kind of result mean."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.definitions import DISSECTION, F1, LAYERS, METRICS, PRECISION, RECALL, SETS, UNITS
from workbench.definitions.robustness import COLUMNS, CURVES

_INTERVAL = {
    "95 % interval": "The numbers in brackets: how much the number would vary over samples of this size. Percentiles "
    "of a bootstrap, which draws the images again."
}
_WILSON = {
    "95 % interval": "The numbers in brackets: how much the number would vary over samples of this size. Of accuracy, "
    "and of other shares of images, Wilson's; of differences of such shares Newcombe's; of means over classes, such as "
    "F1, and their differences, percentiles of a bootstrap, which draws the images again. Where an accuracy stands by "
    "itself, as in a probe's own report or the ladder, its interval is the bootstrap's too and differs a little."
}
_POINTS = {
    "Points": "Differences of shares, in points of percent: from 60 % to 62 % is +2. A difference between two answers "
    "to the same images is paired: its interval takes into account that both answered the same."
}
_ACCURACY, _TOP, _MACRO, _WEIGHTED, _CALIBRATION = (
    dict([METRICS[name]]) for name in ("accuracy", "top3", "macro_f1", "weighted_f1", "ece")
)
_ECE = {"ECE": _CALIBRATION["Calibration error"]}
_BALANCED = {"Balanced accuracy": "Mean over classes of the share of the class's images that are right."}
_CLASSES = {"Precision": PRECISION, "Recall": RECALL, "F1": F1}
_MCNEMAR = {
    "p (McNemar)": "How often chance alone would part two equally good classifiers at least so far: an exact test on "
    "the images that only one of them has right.",
}
_Q = {
    "q": "Benjamini and Hochberg's: of the rows with at most this q, about this share differs by chance alone.",
}
_COPIES = {
    "Copies of training images": "Images with equal pixels or an equal perceptual hash, which a model may remember; "
    "the figures without them stand beside the others.",
}
_JUDGED = _ACCURACY | _TOP | _MACRO | _ECE | _COPIES
_LOSS = {"Log loss": "Mean of minus the logarithm of the label's probability, in nats; 0 is best."}
_LAYER_NAMES = {
    "units": "units",
    "num_interp": "interp",
    "overall_acc": "overall acc",
    "interp_acc": "interp acc",
    "uninterp_acc": "uninterp acc",
    "labelled": "labelled",
    "labelled_acc": "labelled acc",
    "median_similarity": "median sim",
    "null_limit": "null limit",
}

DEFINITIONS: Mapping[str, Mapping[str, str]] = {
    "classification": _ACCURACY | _TOP | _MACRO | _WEIGHTED | _ECE | _CLASSES | _INTERVAL,
    "embeddings": {"Embedding": "A vector of length 1 that a CLIP gives an image; similar images have a small angle."},
    "dissection": {name: LAYERS[key] for key, name in _LAYER_NAMES.items()}
    | {
        "label": UNITS["label"],
        "similarity": UNITS["similarity"],
        "runner-up": UNITS["lead"],
        "unit's q": UNITS["q"],
        "stability": UNITS["stability"],
        "held-out corr.": UNITS["faithfulness"],
        "unit's accuracy": UNITS["accuracy"],
        "Accuracy of a layer": DISSECTION["accuracy"][1],
    },
    "ablation": {
        "Without a class's units": SETS,
        "change of its recall": "Recall of the class afterwards minus before, in points of percent.",
        "p": "Share of the random sets that cost the class at least as much.",
    },
    "reweighting": _POINTS
    | {
        "gain": "Accuracy of the reweighted network minus that of the network as it is, on the reported images.",
        "random sets of units": "As many units as were chosen, drawn at random and multiplied alike.",
        "shuffled, chosen anew": "The unit's labels dealt out at random, and the setting chosen again for each deal.",
        "by weight norm": "The units of the greatest weights in place of those chosen.",
        "optimism": "What the same search claims where it is judged on the images that chose the setting.",
    },
    "score-table": {
        "video score": "Peak-end rule over the scores of frames, 1 (least satisfied) to 5 (most).",
        "error": "Computed minus reported.",
        "mean absolute error": "Mean over videos of the distance between computed and reported score.",
        "bias": "Mean over videos of the error.",
        "rank correlation": "Whether computed and reported scores order the videos alike, -1 to 1.",
    },
    "map": {
        "trustworthiness": "Whether the neighbours on the map are neighbours in the space, 0 to 1; 1 is perfect.",
        "neighbours with the same label": "Share of an image's nearest neighbours that carry its label; by chance: the "
        "same with neighbours drawn at random.",
        "distance of the means": "Between the mean image and the mean text; 0 is no gap.",
        "mean cosine image-text": "Over all pairs of an image and a text.",
    },
    "angles": {
        "angle": "Between the directions of two classes' means around the mean of all classes: 0 is the same, 180 the "
        "opposite direction.",
        "Spearman": "Whether images and texts order the pairs of classes alike, -1 to 1.",
        "p": "Share of all orders of the classes in which they would agree at least as well.",
    },
    "suspects": _INTERVAL
    | {
        "doubt": "0 to 1: how far all signs together speak against the label.",
        "precision": "Of the images put first, the share that is truly so.",
        "average precision": "Precision averaged over all depths at which one more is found.",
        "chance": "The precision of any order at random.",
        "labels estimated to be wrong": "From how often a probe contradicts labels of each class (confident learning).",
    },
    "slices": _WILSON
    | _Q
    | {
        "slice": "Images that lie together in a CLIP's space and are wrong about equally often, or that share a value "
        "of an attribute.",
        "wrong": "Share of the slice's measured images that are wrong.",
        "more than the rest": "Its error rate minus that of all other images, in points, with Newcombe's interval.",
    },
    "retrain": _POINTS | _WILSON | _ACCURACY | _BALANCED | _MACRO,
    "leakage": _POINTS | _WILSON | _MCNEMAR | _COPIES,
    "comparison": _ACCURACY | _BALANCED | _MACRO | _POINTS | _MCNEMAR | _Q | _WILSON,
    "probe": _JUDGED | _LOSS | _INTERVAL,
    "prompts": _ACCURACY | _TOP | _MACRO | _WEIGHTED | _POINTS | _WILSON | {
        "left out": "Accuracy of all templates but this one, minus that of all: below 0 the template helps.",
        "standard deviation": "How far sets of templates and words drawn at random lie apart, each of as many "
        "templates and words as chance gives. The table of sizes holds other sets, a few of each size.",
    },
    "coop": _JUDGED | _LOSS | _POINTS | _MCNEMAR | _INTERVAL | {
        "nearest words": "The words whose vectors lie next to a learned one, with their distance.",
    },
    "trained": _JUDGED | _INTERVAL | {"loss": _LOSS["Log loss"]},
    "ladder": _JUDGED | _INTERVAL | {
        "behind the best": "Accuracy minus that of the most accurate way on the same images, in points, paired.",
        "seeds": "How often it was trained; its figures are the mean, and the intervals are over images and seeds.",
        "numbers kept": "Numbers that a learner keeps: weights, nodes of trees, or every image that nearest neighbours "
        "look at. 0 where nothing is learned; of seeds that differ the fewest and the most.",
        "seconds to learn": "With the setting chosen, on average over the seeds, without encoding the images.",
        "images/s": "Images a second, from a decoded picture to an answer, on the machine that made the ladder.",
        "always answering the commonest class": "What needs no model: the share of the commonest class. The dotted "
        "line in the figure.",
    },
    "robustness": {title.lower(): meaning for title, meaning in COLUMNS.values()} | {"curves": CURVES},
}  # fmt: skip
"""By kind of artifact: each word of its report, and its meaning."""
