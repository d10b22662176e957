"""Rendered gray faces whose identity, pose, light and 25 facial actions are known.

Read in this order: :mod:`actions` (what a face can do), :mod:`parameters` (one face as numbers), :mod:`muscles` (what
an action moves), then the drawing: :mod:`canvas`, :mod:`head`, :mod:`upper_face`, :mod:`lower_face`, :mod:`render`.
"""

from workbench.data.faces.actions import ACTIONS, EMOTION_ACTIONS, EMOTIONS
from workbench.data.faces.parameters import FaceParameters, interpolate, sample
from workbench.data.faces.render import FaceBatch, render

__all__ = [
    "ACTIONS",
    "EMOTIONS",
    "EMOTION_ACTIONS",
    "FaceBatch",
    "FaceParameters",
    "interpolate",
    "render",
    "sample",
]
