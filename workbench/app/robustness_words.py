"""What the numbers and choices of the section "Robustness" mean, in the words shown on hover."""

from __future__ import annotations

from workbench.definitions.robustness import COLUMNS as COLUMNS
from workbench.definitions.robustness import CURVES as CURVES
from workbench.definitions.robustness import METRICS as METRICS

WHAT = (
    "How much of a classifier's accuracy is left on faces that are darker, blurred, noisy, compressed, small, turned "
    "or covered, step by step; and on rendered people turned to the side or lit from it. All models answer the same "
    "faces."
)
RECALLS = "Which classes go first: the share of each class's images that are still right, along one disturbance."
EXAMPLES = (
    "One face of the dataset, and one rendered person, at every level. Bars lie at fixed heights that fit crops framed "
    "as FER2013's."
)
FORM = {
    "models": "Classifiers that answer the same disturbed faces: bundled ones, and the probes, learned prompts and "
    "networks of this workspace. Another target with classes can be typed in.",
    "concepts": "The concept set that makes a classifier of a bare CLIP.",
    "split": "The images. Those that one of the models was trained on, or on a copy of which, are left out for all.",
    "disturbances": "What is done to the faces; all where nothing is chosen.",
    "images": "The most images; of more, a sample is drawn in which each class has its share. 0 for all.",
    "faces": "People rendered anew at every angle and light, the same ones each time; 0 for none. Rendering 350 takes "
    "some minutes, once.",
}
