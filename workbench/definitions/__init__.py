"""What each number means: the words shown on hover in the app, and at the end of reports."""

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
BROAD = "Share is of all images with that label (row). Teal: agreement. Orange: confusion."
FINE = "Share is of all images whose most probable concept is that row's. Blue: the concept speaks for that label."

SPLITS = {
    "all": "all images",
    "merged-test": "merged test (validation + test)",
}
"""Words for the splits that are put together from others."""

UNITS = {
    "layer": "The network's layer, in the order of the network.",
    "unit": "Number of the channel or neuron in its layer, from 0 on.",
    "label": (
        "The concept most similar to the unit, where the evidence bears it out: the q-value is small enough, at least "
        "half the resamples give the same label, and on images not used for labelling the unit's activation rises with "
        "the concept's CLIP score. Else no label, the best match in gray. Dots: the classes the concept speaks for."
    ),
    "similarity": (
        "Similarity of the unit with its best-matching concept over the probing images. Below it the limit: 95 % of "
        "random image sets reach no more with any concept of the set."
    ),
    "lead": "The second most similar concept; sorted by how far the best match is ahead of it.",
    "q": (
        "Benjamini-Hochberg q-value of the similarity among the units of the layer: of units with at most this q, "
        "about this share is expected to be chance."
    ),
    "stability": "Share of bootstrap resamples of the probing images in which the same concept fits best, 0 to 1.",
    "faithfulness": (
        "Rank correlation of the unit's activation with the concept's CLIP score on images held out from labelling, "
        "-1 to 1, with its 95 % interval. Near 0 the label says nothing about new images."
    ),
    "accuracy": "Share of the unit's top images (at most 5) whose class the best-matching concept speaks for, 0 to 1.",
    "emotion": (
        "AUROC of the unit's activation: the chance that it is more active on an image of the class than on one of "
        "another class. 0.5 is chance, 1 perfect. Shown for the chosen emotion, else for the class where it is highest."
    ),
    "truth": "AUROC of the activation for the label's true presence in the image, where the dataset knows it.",
}
"""What stands in each column of the units' table."""

NULL_BAND = (
    "Gray: what 95 % of random sets of as many images reach with that concept. Dashed: the limit that the best of all "
    "concepts must pass, since the label is the best of many."
)
BY_CLASS = "AUROC of the unit's activation for each class against all others on the probing images; 0.5 is chance."
CLASS_MEANS = "Mean activation on the images of each class."
ABLATION = (
    "The unit is replaced by its mean (or by zero) and the network evaluated again. Recall: change in points of "
    "percent. Margin: change of the label's logit minus the best other. Below 0 the class depends on the unit."
)
NEAREST_UNITS = "Units of the same layer whose activations correlate most with this one's over the probing images."
PERCENTILE = "Share of the probing images on which the unit is less active than on this face."
FIRED = (
    "Units whose label holds, first those that are more active here than on the largest share of the probing images. "
    "The bar: how far above the unit's mean, in its standard deviations (sd)."
)
DISSECTION = {
    "units": ("Units", "Channels and neurons of the layers looked into; below it those that never change."),
    "labelled": (
        "Label holds",
        "Units whose label the evidence bears out; see the label column. Below it their share.",
    ),
    "faithfulness": (
        "Held-out correlation",
        "Median over units whose label holds of the rank correlation between activation and the concept's CLIP score, "
        "on images held out from labelling. Below it the number of those images.",
    ),
    "accuracy": (
        "Accuracy",
        "Mean over units whose label holds of the share of top images whose class the label speaks for. Below it: over "
        "all units.",
    ),
    "probing": ("Probing images", "Images that chose the labels; blank ones and copies are left out."),
    "truth": ("True AUROC", "Median AUROC of the units whose label holds for the label's true presence in the image."),
}
"""Name and definition of each number over the table of units."""

LAYERS = {
    "layer": "Name of the layer in the network.",
    "type": "What kind of module it is.",
    "shape": "Shape of its output for one image.",
    "units": "Channels or neurons.",
    "labelled": "Units whose label holds.",
    "num_interp": "Units whose greatest similarity exceeds tau.",
    "num_uninterp": "Units whose greatest similarity does not exceed tau.",
    "prop_interp": "Share of units above tau.",
    "overall_acc": "Mean accuracy of all units: the share of top images whose class the label speaks for.",
    "interp_acc": "Mean accuracy of the units above tau.",
    "uninterp_acc": "Mean accuracy of the units not above tau.",
    "labelled_acc": "Mean accuracy of the units whose label holds.",
    "median_similarity": "Median over units of the greatest similarity.",
    "null_limit": "What 95 % of random image sets do not exceed with their best concept.",
    "constant": "Units that give one number for every image.",
    "truth_auroc": "Median AUROC of the units for their label's true presence in the image.",
    "truth_right": "Share of units whose label is the concept that they truly tell apart best.",
    "truth_right_labelled": "The same share among units whose label holds.",
}
"""What stands in each column of the table of layers."""

ACCURATE = "Accurate: more than half of the unit's top images are of a class that the best-matching concept speaks for."
MAPS = "Where the channel is active in each face: clear where it hardly is, yellow for its greatest value."
SETS = (
    "The units with the highest AUROC for a class are replaced by their mean, all at once, and the network is "
    "evaluated again. Gray: random sets of as many units of the layer."
)
