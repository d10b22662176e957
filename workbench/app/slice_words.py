"""What the numbers and choices of the Slices page mean, in the words shown on hover."""

from __future__ import annotations

TABS = {"groups": "Groups", "attributes": "Attributes"}
COLUMNS = {
    "faces": ("Faces", "Images of the slice that are wrong, the most typical first; then right ones."),
    "name": (
        "Slice",
        "A group by the texts that lie nearer to it than to all other images, most telling first; below it the "
        "commonest error: label, then prediction. Or the value of an attribute.",
    ),
    "rate": (
        "Error rate",
        "Share of the slice's images that are wrong, with Wilson's 95 % interval. Dashed: all other images. Orange: "
        "more often wrong than they are, blue: less often, gray: not told apart (q above .05).",
    ),
    "wrong": ("Wrong", "Share of the slice's measured images that are wrong, with its 95 % interval."),
    "difference": (
        "Against the rest",
        "Error rate of the slice minus that of all other images, in points, with Newcombe's 95 % interval.",
    ),
    "q": (
        "q",
        "Benjamini and Hochberg's q of Fisher's exact test, among all slices of this search: of slices with at most "
        "this q, about this share differ from the rest by chance alone.",
    ),
    "images": ("Images", "Images measured. Of a group they are half of its images, below it all of them."),
}
"""Heading and definition of each column."""
NUMBERS = {
    "rate": ("Error rate", "Share of all measured images that are wrong."),
    "slices": ("Slices", "Groups or values that are large enough."),
    "worse": (
        "Worse than the rest",
        "Slices that are wrong more often than all other images, with q at most .05; none of attributes in doubt. "
        "Below it: how many points worse a slice of the median size must be to be found in four searches of five. What "
        "differs by less goes unseen, so 0 does not say that all slices are alike.",
    ),
    "unsure": (
        "Unsure guesses",
        "Guesses whose value has a probability under 0.6. They count like the sure ones, which blurs differences.",
    ),
}
GROUPS = (
    "Groups of images that lie together in a CLIP's space and that the classification gets wrong about equally often. "
    "They are found on one half of the images and measured on the other."
)
ATTRIBUTES = (
    "Error rates by an attribute of the faces: from a file of your own (best), or as a CLIP guesses it. This is how to "
    "see whether a classifier serves some people worse than others."
)
GUESSED = (
    "**These attributes are guesses.** A CLIP guessed them from pictures. How a face is perceived is no fact about the "
    "person; the guesses follow stereotypes and are wrong for some groups more often than for others, and so are the "
    "error rates below. Use known attributes where there are any, and draw no conclusion about any one person."
)
GAPS = (
    "Share of images of a class that are right in a slice, minus the same outside it, in points of percent. *: holds "
    "(q at most .05 among all cells compared). n: images of the class in the slice."
)
FEW = "Gray: fewer than {smallest} images of the class in the slice or outside it; not compared. *: holds."
DOUBT = "No star here: {why}."
CONFOUNDED = "Guesses follow the expression too: what differs between the rows may be expressions, not people."
REVIEW = "Judge these faces one by one on the Review page, wrong ones first."
MAP = "See this slice's images on the map, the others dimmed, coloured by whether the run is right."
FORM = {
    "run": "The classification whose errors are looked into.",
    "clip": "The CLIP whose space groups the images, or that guesses the attribute: face-clip (bundled), MODEL/WEIGHTS "
    "such as ViT-B-32/openai, hf-hub:owner/name, or local-dir:PATH.",
    "concepts": "Whose texts name the groups: a bundled set, or the path of a .yaml or .txt file.",
    "attribute": "A concept set by which the CLIP guesses it, or the path of a CSV or Parquet file with a column id "
    "and a column for each attribute; every image of the split needs a row.",
    "split": "The images. Held-out ones show errors to come; on images a model was trained on errors are rare.",
    "slices": "The most groups.",
    "smallest": "Smaller slices are not listed, and classes with fewer images in a slice not compared.",
}
