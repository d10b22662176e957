"""What the Map page's numbers and colours mean, in the words shown on hover."""

from __future__ import annotations

COLOUR = {
    "label": "The label that the dataset gives the image.",
    "prediction": "The most probable class of the chosen run.",
    "outcome": "Whether the chosen run's most probable class is the image's label.",
    "suspicion": (
        "How doubtful the label is, 0 to 1: a probe that has not seen the image, the neighbours' labels and the CLIP's "
        "own opinion together. See the Review page for its parts."
    ),
    "bin": "What is doubtful about the image: its label is wrong, several labels fit, or it shows no face.",
    "split": "The part of the dataset that the image belongs to.",
    "activation": (
        "How active the unit is on the image. First and last colour: its 2nd and 98th percentile on this map. In "
        "brackets the unit's label, where the evidence bears it out."
    ),
    "prompt": (
        "Cosine of the image's and the sentence's embedding, as the CLIP gives it, -1 to 1. First and last colour: the "
        "2nd and 98th percentile on this map. High beside other images, not high in itself, is what counts."
    ),
}
"""Definition of what each choice of colour shows."""

PROMPT = (
    "Words are embedded as they are, without a template, and fall onto the map as it is; a semicolon between several. "
    "Press Enter."
)

QUALITY = {
    "images": ("Images", "Images on the map; below it those of the split where a sample was drawn."),
    "trustworthiness": (
        "Trustworthiness",
        "Are neighbours on the map neighbours in the embedding space? 1: all are; about 0.5: neighbours at random. "
        "Strangers among the nearest neighbours count by how far away they really are. Below it: how many images it "
        "was measured at.",
    ),
    "purity_map": (
        "Purity on the map",
        "Share of an image's nearest neighbours on the map that carry its label. Below it what chance gives.",
    ),
    "purity_space": (
        "Purity in space",
        "The same in the full embedding space that was laid out: the rest is lost on the way to the plane.",
    ),
    "gap": (
        "Image–text gap",
        "The angle of the mean cosine between an image and a text in the embedding as it is; at 90° they share no "
        "direction. Below it the distance of the two means, 0 to 2. The Gap tab shows what centring and shifting "
        "make of it.",
    ),
}
"""Name and definition of each number over the map."""

TABLE = (
    "Share of all images here with that label (row). Teal: agreement. Orange: confusion. Rows of fewer than {fewest} "
    "have no colour. Click a cell, row or column to see only its faces; click again for all."
)
REVIEW = "Settles these images one by one on the Review page: keep, relabel, ambiguous, not a face."

GAP = {
    "distance": "Distance between the mean image and the mean text, 0 to 2. 0: no gap.",
    "cosine": "Mean cosine over all pairs of an image and a text, -1 to 1.",
    "angle": "The angle of that mean cosine, in degrees. 90: right angles, nothing in common.",
    "images": "Mean cosine over all pairs of two images: how narrow the cone is that all images lie in.",
    "texts": "Mean cosine over all pairs of two texts.",
}
"""Definition of each column of the table of gaps."""
SPACES = {
    "raw": "raw: as the CLIP gives them",
    "centred": "centred: each kind around its own mean",
    "shifted": "shifted: texts moved onto the images' mean",
}
"""The spaces in words."""

ANGLES = {
    "angle": (
        "A class's direction is from the grand mean (the mean of the class means) to the class's mean, for images and "
        "for texts each. 0°: the same direction, 180°: opposite."
    ),
    "pair": (
        "Below it the angle with its 95 % bootstrap interval: the images of each class, or its sentences, drawn again."
    ),
    "agreement": (
        "Spearman's rank correlation between the angles of images and those of texts over all pairs of classes, -1 to "
        "1. p: the share of all ways of naming the classes that agree at least as well (Mantel's test)."
    ),
    "table": (
        "Degrees between the directions of two classes around the grand mean, in the full space. Blue: close. Orange: "
        "opposite. White: {unrelated}, where classes with nothing in common lie: {classes} directions around their own "
        "mean add up to zero, which pushes them a little beyond 90°. The interval is on hover."
    ),
}
"""Definition of what the Angles tab shows."""
