"""What the numbers and choices of the Video page mean, in the words shown on hover."""

from __future__ import annotations

import re

SCALE = "1 to 5"
"""The scale of every score."""

NUMBERS = {
    "video": (
        "Video score",
        "Peak-end rule: the end score, the earlier and the later peak, each times its weight; 1 (least satisfied) to 5 "
        "(most). Below it the interval over time, 95 %: how far noise from frame to frame moves the score (block "
        "bootstrap). It does not say how right the emotions were read.",
    ),
    "end": (
        "End score",
        "Frame scores weighted so that the last frames count most: the window carries 95 % of the weight.",
    ),
    "earlier": (
        "Earlier peak",
        "Of the highest and the lowest frame score, the one that comes first. Below it when.",
    ),
    "later": ("Later peak", "Of the highest and the lowest frame score, the one that comes last. Below it when."),
    "mean": (
        "Mean",
        "Mean frame score, without any peak-end rule. Below it how many frames show the chosen face and were scored.",
    ),
    "median": (
        "Median",
        "Median frame score, without any peak-end rule. Below it how many gaps there are: frames looked at that do not "
        "show the chosen face. They get no score and no weight, and are never taken for neutral.",
    ),
}
"""Name and definition of each number of a video."""

FRAME_SCORE = "Each emotion's probability times its score, added up: 1 (least satisfied) to 5 (most)."
BAND = (
    "How far the video score moves when choices are made otherwise: all combinations of smoothing, peaks, end window "
    "and weights (their 5th to 95th percentile), and one choice at a time, with any one emotion left out too."
)
INTERVAL = "How far noise from frame to frame moves the score (block bootstrap over time)."
SUM = "The video score as a sum: each part times its weight."
WINDOW = (
    "So much of the end carries 95 % of the end score's weight: more than 0, at most 100,000 frames or 10,000 seconds. "
    "Seconds do not depend on the frame rate."
)
HELD = "Kept only in this tab's memory until you close or reload it; the file is deleted."
PART = "How much this part counts; the three are divided by their sum."
PEAK = {"extreme": "one frame", "robust": "a twentieth"}
PEAK_HELP = (
    "A peak is the single highest or lowest frame, or the mean of the highest or lowest twentieth of the frames."
)
SMOOTHING = "Standard deviation of a Gaussian over time, in seconds; 0 leaves the frame scores as they are."
PICTURES = "The frames behind the parts, read from the video itself; the box is the face that was scored."
EMOTIONS = (
    "Change a score or untick an emotion: the probabilities of the others are divided by their sum, and everything on "
    "this page follows at once, without the model."
)
COLUMNS = {
    "use": "Untick to leave the emotion out.",
    "emotion": "The word or class that the model gave a probability to.",
    "classes": "The broad classes it speaks for.",
    "score": "1 (least satisfied) to 5 (most).",
    "mean": "Mean probability over the frames with a face, before anything is left out.",
}
"""What stands in each column of the table of emotions."""

VIDEO = "A video of this workspace, or a file or a folder of videos on this machine."
UPLOAD = "Deleted as soon as it has been scored, unless you keep it. It never leaves this machine."
KEEP = "Keep this video in the workspace"
MODELS = (
    "face-clip, another CLIP (MODEL/WEIGHTS, hf-hub:owner/name, local-dir:PATH), a network with classes (face-cnn, "
    "network:NAME), or what was trained here (trained:NAME, probe:NAME). Several give a table."
)
CONCEPTS = "A bundled set with scores, or the path of a .yaml file. A network's class takes its concepts' mean score."
FACES = {"largest": "the largest face", "track": "one person", "whole": "the whole frame"}
FACES_HELP = "Whose face is scored. Persons are numbered from 0 in the order in which they appear."
PERSON = "The person's number, from 0 in order of appearance; a score lists the persons of its video."
SAMPLING = {"all": "all", "every": "every n-th", "rate": "so many a second"}
SAMPLING_HELP = "Which frames are scored."
EVERY = "2 scores every second frame, 3 every third."
RATE = "How many frames are scored for each second of video, whatever its own frame rate."
COLOURS = {"gray": "gray", "rgb": "colour"}
REPORTED_FILE = "With the columns video and score. It is deleted as soon as the videos have been scored."
COLOUR_HELP = "What a face is turned into before the model sees it; FER2013 and what was trained on it is gray."
MARGIN = "What is added around a face on each side, as a share of its side. FER2013's own crops have none."
REPORTED = "A CSV file on this machine with the columns video and score: what people said. For a folder of videos."
TRACKS = "Persons followed through the video. Choosing another one needs no new encoding of the frames."
WHOLE_PICTURE = "Scores all of the picture, as where a face fills it; without one the number says nothing."
PICTURE = "The picture is looked at in this machine's memory and never stored."

ADD_WORDS = "Only the words are encoded, no frame. The result is a score of its own, beside this one."
STORE = "The changed emotions become a score of their own, with files; no frame is encoded again."
YAML = "With the changes: name the file as the concept set of a new score, here or on the command line."
NEW_WORDS = "One or several, comma-separated."
NEW_SCORE = "1 (least satisfied) to 5 (most); it counts by the probability that the words get."
NEW_CLASS = "The class whose bar their probability is added to; without one they count in the score alone."
TEMPLATES = "Sentences with {} where a word goes; an emotion is the mean over all of them."
COMPARE = "Their courses are drawn over this one in the graph."
DIFFERENCE = "Video score minus that of this score."
FILES = {
    "Frames as CSV": "A row a scored frame: time, face, every probability, score, weight.",
    "Frames as Parquet": "The same for pandas, DuckDB or Polars.",
    "Summary as JSON": "All but the frames: what was asked for, the video, result, interval, sensitivity, notes.",
    "Report as HTML": "One file with figures and pictures of the evidence that opens offline.",
}
"""What each file holds, by the words on its button."""
ANNOTATED = "A copy of the video with face, emotion and score drawn into every frame; about as slow as scoring."
KEPT = "Copies it to the workspace's videos; otherwise it goes with this tab."
MODEL = "face-clip, face-cnn, another CLIP, or a network or probe of this workspace."
EMOTION = "The most probable class, with its probability."
FINEST = "Of the single words; a class adds up the words that speak for it, so it may be another one."
PROBABILITY = "Given by the model, 0 to 100 %; all together 100 %."
MAE = "Mean absolute error: how far the computed score is from the reported one, in points, with its 95 % interval."
REPORTED_FIGURE = "Each point is a video; on the line computed and reported scores agree."
ROWS = "Click a row's box to open its score."
ROW_COLUMNS = {
    "reported": "The score that people gave, 1 to 5.",
    "computed": "The video score, 1 to 5.",
    "error": "How far the computed score is from the reported one, in points of the scale 1 to 5.",
}
"""What stands in the columns of numbers of a table of videos."""
MODEL_COLUMNS = {
    "videos": ("videos", "Videos with a reported score."),
    "mae": ("MAE", MAE),
    "low": ("from", "Lower end of the 95 % bootstrap interval over videos."),
    "high": ("to", "Upper end of the 95 % bootstrap interval over videos."),
    "bias": ("bias", "Mean of computed minus reported: above 0 the model scores too high."),
    "rank": ("rank correlation", "Spearman's, where there are four videos or more."),
}
"""Heading and definition of each column of the table of models."""


def faces(text: str) -> str:
    """Return whose face a score is of, in words; ``text`` is as in a spec."""
    return {"whole": "whole frame"}.get(text, text.replace("track:", "person "))


def note(text: str) -> str:
    """Return a note of a score as this page says it: persons, and where one is chosen."""
    words = text.replace("is not one track throughout", "is not one person throughout")
    words = words.replace("a single one can be chosen with faces", "choose one under Persons in the video")
    return re.sub(r"\btrack:(\d+)", r"person \1", words)
