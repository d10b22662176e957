"""What the numbers of a study of robustness mean."""

from __future__ import annotations

COLUMNS = {
    "undisturbed": (
        "Undisturbed",
        "Share of the faces that are right as they are, with its 95 % interval; rendered ones look straight ahead, lit "
        "from the front.",
    ),
    "strongest": ("At the strongest", "The same at the strongest level tested."),
    "loss": (
        "Change",
        "Accuracy at the strongest level minus that of undisturbed faces, in points, with its paired 95 % interval: "
        "the same faces are drawn again at both.",
    ),
    "half": (
        "Half lost at",
        "The level at which half of the accuracy above chance (one over the number of classes) is lost: where the line "
        "through the tested levels first comes down to it, with its 95 % interval from weaker to stronger. Beyond: not "
        "within the levels tested.",
    ),
    "area": (
        "Area",
        "Mean accuracy along the course from undisturbed to the strongest level tested, every strength counted alike, "
        "with its 95 % interval. It depends on how far was tested, so compare it within a row only.",
    ),
}
"""Heading and definition of each column."""
METRICS = {"accuracy": "Accuracy", "macro_f1": "Macro F1", "loss": "Change"}
"""What curves may show, and what it is called."""
CURVES = (
    "A line a model, with its 95 % interval over the images; dotted: chance. All levels and models are measured on the "
    "same faces, so differences are surer than the bands suggest. The change is paired with the undisturbed faces."
)
