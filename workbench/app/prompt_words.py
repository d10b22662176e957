"""What the Prompts page's numbers and choices mean, in the words shown on hover."""

from __future__ import annotations

RULES = {
    "sum": "sum of the words",
    "max": "best word",
    "vote": "vote of the templates",
    "vote-mean": "vote, words averaged",
}
"""The ways to fold words into classes, in words."""
RULE = (
    "How words become a class. Sum: probabilities of a class's words are added. Best word: the class of the most "
    "probable word. Vote: each template ranks the classes by its words' summed similarities, the ranks are counted. "
    "Vote, words averaged: the same for classes with unequally many words."
)
CLIP = (
    "The CLIP whose stored image embeddings meet the sentences: face-clip (bundled), MODEL/WEIGHTS, hf-hub:owner/name,"
    " local-dir:PATH."
)
SPLIT = (
    "The images that edits are measured on. Choose prompts on validation images: a figure on images that the prompts "
    "were chosen by flatters them."
)
SET = "Where the editing starts: a bundled set, one saved in this workspace, or the path of a .yaml file."
ATTRIBUTE = "What the classes are classes of. Of one that the dataset has no labels of, the lab shows what is answered."
TEMPLATES = "One a line, {} where the word goes. A class's words are put into each."
WORDS = (
    "Words of this class, between commas. A word that holds a comma stands in double quotes; a word may stand in "
    "several classes."
)
HOW = "Ctrl+Enter applies an edit."
NUMBERS = {
    "accuracy": (
        "Accuracy",
        "Share of the labelled images whose best class is their label. Below it the 95 % interval.",
    ),
    "macro_f1": (
        "Macro F1",
        "Mean over classes of F1, the harmonic mean of precision and recall; every class counts the same. Below it the "
        "bootstrap 95 % interval.",
    ),
    "top_k": (
        "Top-3 accuracy",
        "Share of the labelled images whose label is among the three best classes; of votes, among the winners of the "
        "first three ranks. Below it the 95 % interval.",
    ),
}
"""Name and definition of each number of an edit."""
CHANGE = (
    "Change in points of percent on the same images, with its paired 95 % interval. Green or red: the interval leaves "
    "out 0, so it is more than chance. Many edits tried on the same images: some will seem to help by chance."
)
SECONDS = (
    "Classifying, measuring and comparing: all the computing of this edit. Sentences known before are not encoded "
    "again."
)
MATRIX = (
    "Share is of all images with that label (row). Teal: agreement. Orange: confusion. Click a cell, row or column for"
    " its faces."
)
HEAT = "Share of each class's images that is answered with it (recall): by each template alone, and by all together."
RECALLS = (
    "Share of each class's images that is answered with it, its 95 % interval, and the change in points of percent."
)
COLUMNS = {
    "images": "Images labelled with the class.",
    "recall": "Share of them that is answered with the class, in percent.",
    "95 %": "Wilson's 95 % interval of the recall.",
    "since the start": "Change of the recall in points since the starting set, with its paired 95 % interval.",
    "last edit": "Change of the recall in points by the last edit, with its paired 95 % interval.",
}
"""Definition of each column of the table of classes."""
ORDER = "The surest answers first."
SHARES = (
    "Share of the images answered with each class, by each template alone and by all together. No label says what is "
    "right."
)
AGREEMENT = "Share of the images that get the same answer as before."
ANSWERS = (
    "Share is of all images with that label (row). Nothing here is right or wrong: the dataset has no labels of these "
    "classes."
)

SAVE = "Keeps these prompts as a concept set of the workspace, to classify with here and on the command line."
CLASSIFY = "Classifies every split with these prompts, as a run for Confusions, Map, Slices and Compare."
EVALUATE = (
    "Measures these prompts and the starting set on the {split} split, which no edit has seen. Each further look makes "
    "its figure a little less honest; the page counts them."
)
LOOKED = (
    "{split} was looked at {times} in this tab. Whoever picks the best of several looks reports a figure that flatters."
)

STUDY = {
    "whole": ("Whole set", "Accuracy of all templates and words together, on the split that prompts were chosen by."),
    "spread": (
        "Choice moves it by",
        "Standard deviation of the score over 200 random prompt sets drawn from this one. Below it that of drawing the "
        "images again: chance.",
    ),
    "start": (
        "Whole set, reported",
        "The whole set's score on the split that is looked at once. Below it the 95 % interval.",
    ),
    "winner": (
        "Winner, reported",
        "The winner's score on the split that is looked at once. Below it the 95 % interval.",
    ),
    "gain": (
        "Winner minus whole",
        "Difference on the reported images, in points. Below it its paired 95 % interval and McNemar's test.",
    ),
}
"""Name and definition of each number of a study."""
ALONE = (
    "Score of each template alone with all words, best first, above that of all together. The band is its 95 % "
    "interval."
)
LEFT_OUT = (
    "Change of the score where one template is left out, with its paired 95 % interval. Blue or orange: more than "
    "chance."
)
CHOICES = (
    "Each dot is a prompt set drawn at random from the whole one. The band is the 95 % interval of the whole set's "
    "score: "
    "what drawing the images again would do. Dots far outside it: the wording matters."
)
SIZES = (
    "Random sets of so many templates, and as many words a class: mean over the draws, from the least to the greatest."
)
PATH = (
    "Each step adds, drops or exchanges the one template or word that raises the score most on the split searched on; "
    "that score flatters. Below the line: the whole set and the winner, measured once on the other split."
)
WINNER = "The search's prompts, as an edit of the set that it started from."
ATTRIBUTES = (
    "What templates answer of attributes that the dataset has no labels of: shares of images, not how right they are."
)

FORM = {
    "concepts": "The set whose templates and words the search may choose from.",
    "aggregate": RULE,
    "tune_on": "Everything is tried on this split.",
    "report_on": "The winner is measured once on this split.",
    "metric": "What the search raises.",
    "least": "The least gain of a step, in points of percent.",
    "most_steps": "The most steps of the search.",
    "sizes": "Templates, and words a class, of the random sets of the experiment.",
    "draws": "Random sets of each size.",
    "seed": "Of the draws and of the bootstrap.",
}
"""Definition of each choice of a new study."""
INVITE = (
    "No study of prompts on this dataset yet. A study measures what each template does alone and left out, how far "
    "the choice of prompts alone moves the result, searches for better prompts on one split, and measures the winner "
    "once on another."
)
