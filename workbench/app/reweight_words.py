"""What the numbers and choices of the Reweight page mean, in the words shown on hover."""

from __future__ import annotations

RULES = {
    "weights": "weights x factor",
    "weights-and-bias": "weights and bias x factor",
    "similarity": "weights by similarity",
}
RULE = (
    "What becomes of the weights. Weights: those of interpretable units are multiplied by the factor, those of all "
    "others divided by it. With bias: the biases too. By similarity: each unit by factor to the power of its distance "
    "from the threshold, in standard deviations, at most 1 either way."
)
BY = {"tau": "similarity (tau)", "q": "q-value"}
BY_HELP = (
    "What makes a unit interpretable: its greatest similarity with a concept is above the threshold, or its q-value is "
    "at most the threshold."
)
THRESHOLD = "Units on the blue side are multiplied by the factor, those on the orange side divided by it."
FACTOR = "What the weights are multiplied and divided by; 1 changes nothing, below 1 turns the two sides around."
THRESHOLDS = "Numbers, comma-separated; empty: eight quantiles of the layer's own values, and 0 (tau) or 0.05 (q)."
FACTORS = "Numbers above 0, comma-separated."
CHOOSE_ON = "The images that choose the setting of greatest accuracy; leaving the network alone may win too."
REPORT_ON = "The images on which the chosen setting is reported, once."
PROTOCOLS = {"held-out": "held out", "test-set": "on the test set itself"}
PROTOCOL = (
    "Held out: choose on one split, report on another. On the test set: choose on the very images that are reported, "
    "which flatters the gain; kept to show by how much."
)
CONTROLS = "Random sets of as many units, reweighted by the same factor; 20 or more."

NUMBERS = {
    "accuracy": ("Accuracy", "Share of images that the reweighted network gets right. Below it: the network as it is."),
    "gain": (
        "Gain",
        "Change of accuracy in points, with its paired bootstrap 95 % interval: how much it would vary over samples of "
        "this size.",
    ),
    "images": ("Gained / lost", "Images that became right, and that became wrong. Below it the number of images."),
    "p": (
        "p",
        "Exact two-sided McNemar test: how likely so uneven a split of gained and lost images is if both are equally "
        "likely.",
    ),
    "controls": (
        "Controls as good",
        "Random sets of as many units that gain at least as much. Below it: repeats of the whole procedure, sweep and "
        "choice, with the similarities shuffled among the units.",
    ),
    "units": ("Units up / down", "Units whose weights are multiplied, and divided. Below it the setting."),
}
"""Name and definition of each number of a verdict."""

SWEEP = (
    "Change of accuracy for every threshold and factor, in points. Framed: the setting that was chosen, the best on "
    "the images that choose; of equal ones the mildest."
)
STRIP = (
    "Change of accuracy on the reported images. Band: 95 % interval of this network. Orange controls do at least as "
    "well. Random sets: as many units, drawn at random, with the same factor. Shuffled: the whole procedure repeated "
    "with meaningless similarities. By weight norm: as many units, those of greatest norm. Inverted: multiplied and "
    "divided exchanged."
)
CLASSES = "Change of each class's recall, in points, with its paired bootstrap 95 % interval."
PROTOCOL_FIGURE = (
    "What the protocol does to the number. First: chosen without looking at the reported images. Second: chosen on "
    "them. Then 200 random halves of the reported images: the gain of a half's best setting on that half, and on the "
    "other."
)
LIVE = (
    "Turning the sliders until the number is high is choosing on these images too: what it is worth on new ones, only "
    "a sweep that reports on another split can tell."
)
