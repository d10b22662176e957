"""What the numbers and choices of cleaning and training again mean, in the words shown on hover."""

from __future__ import annotations

KINDS = {
    "relabelled": ("Relabelled", "Images that get another label."),
    "kept": ("Confirmed", "Images whose label was judged right."),
    "ambiguous": ("Ambiguous, out", "Images without one clear label that are left out."),
    "not a face": ("No face, out", "Images that show no face and are left out."),
    "disputed": ("Disputed, out", "Images on which reviewers disagree and that are left out."),
    "ambiguous kept": ("Ambiguous, kept", "Images without one clear label that keep the one they have."),
    "not a face kept": ("No face, kept", "Images that show no face and stay all the same."),
    "disputed kept": ("Disputed, kept", "Images on which reviewers disagree and that keep their label."),
}
"""What becomes of a judged image: title and definition."""
PLAN = "What a cleaned dataset would change, by these choices and the verdicts there are now. Nothing is changed yet."
NOTHING = (
    "Nobody has judged an image of this dataset yet. Judge some in the section Queue above, or choose a search whose "
    "proposals count."
)
FORM = {
    "name": "Of the new dataset. The one it is made from stays as it is.",
    "reviewers": "Whose verdicts count; everybody's if none is chosen.",
    "disputed": "Where reviewers disagree: the image keeps its label, gets what most of them say, or is left out.",
    "ambiguous": "Images judged to have no one clear label.",
    "not_a_face": "Images judged to show no face.",
    "suspects": "A search for suspects whose proposals count where nobody has judged. Quick, and nobody has looked.",
    "above": "The doubt from which a proposal counts, 0 to 1.",
}
DISPUTED = {"keep": "keep the label", "majority": "most reviewers", "drop": "leave out"}
KEEP_OR_DROP = {"keep": "keep", "drop": "leave out"}
RETRAIN_FORM = {
    "clip": "Whose embeddings the probe is trained on: face-clip (bundled), MODEL/WEIGHTS such as ViT-B-32/openai, "
    "hf-hub:owner/name, or local-dir:PATH.",
    "train": "The split both probes learn from: one with the labels before cleaning, one with those after.",
    "report_on": "The split both are held against: the same images.",
    "leaks": "Training images of which a near-duplicate is reported on.",
}
NUMBERS = {
    "before": ("Before", "Accuracy of the probe that learned the labels before cleaning."),
    "after": ("After", "Accuracy of the probe that learned the cleaned labels, on the same images."),
    "difference": ("Difference", "After minus before in points, with a paired 95 % interval (Newcombe's)."),
    "gained": ("Gained / lost", "Images that only the probe after has right, and only the one before."),
    "p": ("McNemar", "Exact two-sided test that gains and losses are equally likely."),
    "images": ("Images", "Held-out images that both are held against."),
}
AGAINST = {
    "cleaned": "the cleaned labels",
    "parent": "the labels before cleaning",
}
INTERVALS = (
    "Each score of both probes with its 95 % interval: Wilson's for accuracy, a bootstrap's for the means over "
    "classes, macro F1 and balanced accuracy."
)
LEAKAGE = (
    "Pictures of the training split that stand in the reported split too, exactly or nearly, can make accuracy look "
    "better than it is on new faces."
)
LEAKED = {"leaked": "Learning from copies adds, on leaked images", "all": "… and on all reported images"}
PAIRED = (
    "Accuracy of the probe that learned from all images, minus that of one that learned from no leaked image, on the "
    "same images: Newcombe's paired 95 % interval and McNemar's exact test."
)
