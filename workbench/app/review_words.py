"""What the Review page says: definitions shown on hover, and sentences."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.app.text import several
from workbench.data.verdicts import Agreement, Settled, blindness

WORDS: dict[str, str] = {
    "name": "Your verdicts are kept under this name, and others' verdicts are shown to you only after yours.",
    "score": "How doubtful the label is, 0 to 1: all parts together.",
    "probability": "Probability of the class given by all opinions together; the given label has no say in it.",
    "seen": "What such a model says of this image echoes the label it was taught, so doubt may be too low.",
    "similar": (
        "Copies first, then the images whose embeddings have the greatest cosine with this one's; below each its "
        "label. Click those that show the same as this face: the next verdict goes to them too."
    ),
    "alike": (
        "Copies and near-duplicates by their pixels (framed green), and images that look the same to the CLIP, with a "
        "cosine of 0.99 or more (framed amber), which may be another moment or person. G chooses all or none of them."
    ),
    "no_space": "No embeddings of this dataset yet, and no copies of this image; any run with a CLIP makes embeddings.",
    "ambiguous": "A face, but no class is clear",
    "not_a_face": "No face, or nothing to see",
    "skip": "Decide later; a skipped face is no opinion",
    "together": (
        "Doubt is the best other class's share of the probability of it and the label, in the mean of all opinions, "
        "each weighted by how much it tells of the labels; the label counts less where labels of its class are often "
        "wrong."
    ),
    "blind": (
        "Blind: label, proposal, doubt, neighbours' labels and others' verdicts are shown once you have given yours. "
        "Choose a class; it is kept that you judged blind."
    ),
    "ended": "Look for more takes in what has been added since, and leaves out what you have judged.",
}
"""What the queue's component says."""

SECTIONS = {
    "queue": "Queue",
    "suspects": "Suspects",
    "people": "Reviewers",
    "loop": "Clean and train again",
}
"""Sections of the page."""

EMPTY: Mapping[str, str] = {
    "unjudged": "Nothing left to judge here. Widen the filters, or show all.",
    "skipped": "You have skipped none of these.",
    "disputed": "No dispute among these: nobody differs.",
    "all": "No image falls here. Widen the filters.",
}
"""What is said where a queue is empty, by what is shown."""

FILTERS = {
    "queue": "Where the faces come from.",
    "bin": "What a search for suspects holds against an image; its proposals come with the bin 'wrong label'.",
    "proposed": "The class that the run proposes instead of the label.",
    "blind": (
        "Hides label, proposal, doubt, neighbours' labels and others' verdicts until yours is given, so that reviewers "
        "can be compared. Fairest with all images in random order: a queue of suspects says by itself that they are "
        "doubted."
    ),
    "show": "Skipped faces are no opinion; disputed are those on which reviewers differ.",
}

SUSPECTS = (
    "A search for suspects judges every image by opinions that did not see its label: a probe trained on other folds, "
    "the nearest images' labels, the CLIP's texts, and copies with other labels."
)
JUDGED = "Labelled images, and unlabelled ones that are hardly a face: all that have a score."
BINS = {
    "wrong label": "The opinions together prefer another class, which is proposed.",
    "ambiguous": (
        "Two classes share the probability, or the opinions contradict one another. A weak hint: it finds planted "
        "blends of two emotions with an average precision of 8 %, chance 3 %."
    ),
    "not a face": "Blank, of few tones, or far away from all other images.",
}
WRONG_INTERVAL = (
    "95 % interval of a bootstrap of the images, their probabilities as they are: how much another sample would move "
    "the estimate, not how far confident learning is off."
)
WRONG = "Share of labels that confident learning estimates to be wrong: what lies off the matrix's diagonal."
NOISE = (
    "Confident learning's estimate of how many images of each given label are truly of each class: an image counts for "
    "a class where its probability reaches that class's usual level. Calibrated to the number of labels."
)
NOISE_LINE = "Blue: the label is right. Orange: wrong, estimated. A click shows the faces proposed for the change."
WORTH = (
    "The ranking held against planted faults, or against people's votes: precision is the share of the first so many "
    "that are truly at fault, recall the share of all faults among them. In brackets bootstrap 95 % intervals."
)
NO_TRUTH = (
    "Nothing is known of the truth here. Give a file of FER+ votes with a new search, or plant faults: the demo does."
)
TRUTHS = {"planted": "planted faults", "votes": "faults by vote"}
POSITIVES = "Images truly at fault in this way."
AVERAGE = "Mean of the precision at the place of every fault in the ranking; 100 % puts all of them first."
IN_BIN = "Images whose truth is known that the search put into this bin; fewer than the bin holds where it is not."
RIGHT = "Share of them truly at fault in this way."
DEPTHS = {
    "first": "So many images from the front of the ranking; one of the depths is the number of faults.",
    "precision": "Share of them that are truly at fault.",
    "recall": "Share of all faults that are among them.",
    "chance": "Precision of a random order.",
}
PLANTS = {
    "flipped": "wrong label",
    "blend": "blend of two emotions",
    "blank": "blank picture",
    "non-face": "picture without a face",
    "corrupt": "damaged file",
    "exact-duplicate": "exact copy",
    "near-duplicate": "near copy, retouched",
    "leaked-duplicate": "copy in another split",
    "conflicting-duplicate": "copy with another label",
}
PLANTED = "Plants that the search points out, each by what shows its kind."
FORM = {
    "clip": "face-clip (bundled), MODEL/WEIGHTS such as ViT-B-32/openai, hf-hub:owner/name, or local-dir:PATH.",
    "network": "A network whose answers the probe sees beside the CLIP's embedding; empty for none.",
    "concepts": "The concept set of the CLIP's zero-shot opinion.",
    "encoder": (
        "CLIP as given: no training; of images it was trained on it only echoes the label. Encoders of other folds "
        "('out-of-fold'): small encoders are trained here that have not seen the images they judge, which takes longer."
    ),
    "folds": "Parts of the data; each is judged by what was learned from the others.",
    "neighbours": "How many nearest images give their labels as an opinion.",
    "votes": "A CSV file of FER+ votes in the row order of fer2013.csv, to hold the ranking against; empty for none.",
}

PEOPLE = {
    "reviewer": "Name under which verdicts were given.",
    "judged": "Images with a standing opinion; verdicts taken back and skipped images do not count.",
    "alone": "Images on which one reviewer only has an opinion: nothing to agree with.",
    "several": "Images on which two reviewers or more have an opinion.",
    "both": "Images on which both have an opinion; skipped ones are none.",
    "equal": "Share of those on which both are of one opinion.",
    "kappa": (
        "Cohen's kappa: agreement beyond what the two reviewers' own frequencies give by chance (0); at most 1. In "
        "brackets the 95 % interval of a bootstrap of the images; none where they never differ. A dash where it is not "
        "defined."
    ),
    "alpha": (
        "Krippendorff's alpha for nominal data over all images with two or more opinions: 1 is full agreement, 0 what "
        "chance gives. In brackets the 95 % interval of a bootstrap of the images; none where nobody differs. A dash "
        "where it is not defined."
    ),
    "agreed": "Images judged by several who are all of one opinion.",
    "disputed": "Images on which reviewers differ; each verdict is kept.",
}


def people_lines(settled: Settled, agreement: Agreement) -> list[str]:
    """Return what must be said beside the figures of agreement."""
    lines = []
    if agreement.verdicts:
        lines.append(blindness(agreement))
    skipped = len(settled.judged) - settled.opinions
    if skipped:
        lines.append(f"{several(skipped, 'image')} only skipped: that is no opinion.")
    if settled.gone:
        gone = several(settled.gone, "judged image")
        lines.append(f"Gone from the dataset, or with other pixels now: {gone}; the verdicts are kept.")
    return lines
