"""The 25 facial actions, the seven emotions, and which actions usually make up an emotion.

Actions stand in the order of the facial-expression concept set, emotions in the order of FER2013. The usual
combinations follow the everyday descriptions of the emotions (Ekman & Friesen, *Unmasking the Face*, 1975): each
emotion has several, so that a class is never one fixed picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError, unknown_name

ACTIONS: tuple[str, ...] = (
    "Furrowed Brows",
    "Raised Brows",
    "Lowered Brows",
    "Drooping Brows",
    "Relaxed Brows",
    "Wide Open Eyes",
    "Narrowed Eyes",
    "Twinkling or Crinkled Eyes",
    "Tearful Eyes",
    "Closed Eyes",
    "Relaxed Eyes",
    "Tense Mouth and Jaw",
    "Relaxed Mouth and Jaw",
    "Smile",
    "Frown",
    "Downturned Mouth",
    "Slightly Open Mouth",
    "Wide Open Mouth",
    "Slight Chin Raise",
    "Slightly Dropped Jaw",
    "Flared Nostrils",
    "Tightened Facial Muscles",
    "Compressed Lips",
    "Elevated Upper Eyelids",
    "Relaxed Facial Muscles",
)

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

# The first action of a combination carries it and is never left out.
EMOTION_ACTIONS: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "angry": (
            ("Furrowed Brows", "Lowered Brows", "Compressed Lips", "Tense Mouth and Jaw", "Flared Nostrils"),
            ("Furrowed Brows", "Lowered Brows", "Wide Open Mouth", "Flared Nostrils", "Tightened Facial Muscles"),
            ("Lowered Brows", "Furrowed Brows", "Narrowed Eyes", "Tense Mouth and Jaw", "Tightened Facial Muscles"),
            ("Furrowed Brows", "Lowered Brows", "Elevated Upper Eyelids", "Compressed Lips", "Flared Nostrils"),
            ("Lowered Brows", "Furrowed Brows", "Downturned Mouth", "Tense Mouth and Jaw"),
        ),
        "disgust": (
            ("Flared Nostrils", "Narrowed Eyes", "Lowered Brows", "Tightened Facial Muscles", "Downturned Mouth"),
            ("Flared Nostrils", "Narrowed Eyes", "Slight Chin Raise", "Tightened Facial Muscles", "Frown"),
            ("Tightened Facial Muscles", "Flared Nostrils", "Narrowed Eyes", "Slightly Open Mouth", "Furrowed Brows"),
            ("Flared Nostrils", "Closed Eyes", "Tightened Facial Muscles", "Compressed Lips", "Lowered Brows"),
        ),
        "fear": (
            ("Wide Open Eyes", "Drooping Brows", "Raised Brows", "Slightly Open Mouth", "Tightened Facial Muscles"),
            ("Elevated Upper Eyelids", "Drooping Brows", "Raised Brows", "Tense Mouth and Jaw", "Slightly Open Mouth"),
            ("Wide Open Eyes", "Drooping Brows", "Wide Open Mouth", "Tightened Facial Muscles", "Furrowed Brows"),
            ("Wide Open Eyes", "Drooping Brows", "Downturned Mouth", "Tightened Facial Muscles", "Raised Brows"),
        ),
        "happy": (
            ("Smile", "Twinkling or Crinkled Eyes", "Relaxed Brows"),
            ("Smile", "Twinkling or Crinkled Eyes", "Slightly Open Mouth"),
            ("Smile", "Twinkling or Crinkled Eyes", "Wide Open Mouth", "Raised Brows"),
            ("Smile", "Relaxed Facial Muscles", "Relaxed Brows", "Relaxed Mouth and Jaw"),
            ("Smile", "Closed Eyes", "Twinkling or Crinkled Eyes", "Wide Open Mouth"),
        ),
        "sad": (
            ("Drooping Brows", "Downturned Mouth", "Relaxed Eyes"),
            ("Frown", "Drooping Brows", "Tearful Eyes", "Slight Chin Raise"),
            ("Downturned Mouth", "Drooping Brows", "Closed Eyes"),
            ("Tearful Eyes", "Drooping Brows", "Frown", "Slightly Open Mouth", "Narrowed Eyes"),
            ("Drooping Brows", "Frown", "Relaxed Mouth and Jaw"),
        ),
        "surprise": (
            ("Raised Brows", "Wide Open Eyes", "Wide Open Mouth", "Slightly Dropped Jaw"),
            ("Raised Brows", "Elevated Upper Eyelids", "Slightly Open Mouth", "Slightly Dropped Jaw"),
            ("Wide Open Eyes", "Raised Brows", "Slightly Open Mouth"),
            ("Wide Open Mouth", "Raised Brows", "Elevated Upper Eyelids", "Wide Open Eyes"),
        ),
        "neutral": (
            ("Relaxed Facial Muscles", "Relaxed Brows", "Relaxed Eyes", "Relaxed Mouth and Jaw"),
            ("Relaxed Brows", "Relaxed Eyes"),
            ("Relaxed Facial Muscles", "Relaxed Brows"),
            ("Relaxed Eyes", "Relaxed Mouth and Jaw"),
            ("Relaxed Brows", "Relaxed Facial Muscles", "Slight Chin Raise"),
        ),
    }
)

# Of two actions on one line a face shows one: the stronger stays, the weaker is dropped.
CONTRADICTIONS: tuple[tuple[str, str], ...] = (
    ("Raised Brows", "Lowered Brows"),
    ("Relaxed Brows", "Furrowed Brows"),
    ("Relaxed Brows", "Raised Brows"),
    ("Relaxed Brows", "Lowered Brows"),
    ("Relaxed Brows", "Drooping Brows"),
    ("Wide Open Eyes", "Narrowed Eyes"),
    ("Wide Open Eyes", "Closed Eyes"),
    ("Wide Open Eyes", "Relaxed Eyes"),
    ("Elevated Upper Eyelids", "Narrowed Eyes"),
    ("Elevated Upper Eyelids", "Closed Eyes"),
    ("Elevated Upper Eyelids", "Relaxed Eyes"),
    ("Narrowed Eyes", "Closed Eyes"),
    ("Narrowed Eyes", "Relaxed Eyes"),
    ("Closed Eyes", "Relaxed Eyes"),
    ("Relaxed Eyes", "Twinkling or Crinkled Eyes"),
    ("Tense Mouth and Jaw", "Relaxed Mouth and Jaw"),
    ("Tense Mouth and Jaw", "Wide Open Mouth"),
    ("Tense Mouth and Jaw", "Slightly Dropped Jaw"),
    ("Relaxed Mouth and Jaw", "Compressed Lips"),
    ("Relaxed Mouth and Jaw", "Wide Open Mouth"),
    ("Smile", "Frown"),
    ("Smile", "Downturned Mouth"),
    ("Smile", "Compressed Lips"),
    ("Frown", "Wide Open Mouth"),
    ("Slightly Open Mouth", "Wide Open Mouth"),
    ("Slightly Open Mouth", "Compressed Lips"),
    ("Wide Open Mouth", "Compressed Lips"),
    ("Slightly Dropped Jaw", "Compressed Lips"),
    ("Slightly Dropped Jaw", "Slight Chin Raise"),
    ("Wide Open Mouth", "Slight Chin Raise"),
    ("Tightened Facial Muscles", "Relaxed Facial Muscles"),
    ("Relaxed Facial Muscles", "Furrowed Brows"),
    ("Relaxed Facial Muscles", "Tense Mouth and Jaw"),
)


def action_index(name: str) -> int:
    """Return the column of an action; an unknown name is a :class:`~workbench.errors.SpecError`."""
    if name not in ACTIONS:
        raise unknown_name("facial action", name, ACTIONS)
    return ACTIONS.index(name)


def emotion_index(name: str) -> int:
    """Return the index of an emotion; an unknown name is a :class:`~workbench.errors.SpecError`."""
    if name not in EMOTIONS:
        raise unknown_name("emotion", name, EMOTIONS)
    return EMOTIONS.index(name)


def action_vector(strengths: Mapping[str, float]) -> NDArray[np.float32]:
    """Return action strengths by name as one row.

    Parameters
    ----------
    strengths : mapping of str to float
        Strength of each named action in 0..1; actions not named are 0.

    Returns
    -------
    ndarray of float32, shape (25,)

    Raises
    ------
    SpecError
        If a name is not an action or a strength is outside 0..1.
    """
    row = np.zeros(len(ACTIONS), dtype=np.float32)
    for name, strength in strengths.items():
        if not 0.0 <= strength <= 1.0:
            raise SpecError(f"strength of {name!r} is {strength}; it must lie in 0..1")
        row[action_index(name)] = strength
    return row


def without_contradictions(actions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return actions (N, 25) with the weaker of each contradictory pair set to 0 (the first stays at a tie)."""
    resolved = actions.copy()
    for first, second in CONTRADICTIONS:
        a, b = ACTIONS.index(first), ACTIONS.index(second)
        keeps_first = resolved[:, a] >= resolved[:, b]
        resolved[~keeps_first, a] = 0.0
        resolved[keeps_first & (resolved[:, a] > 0), b] = 0.0
    return resolved


def emotion_strengths(emotion: int, draws: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return one typical action row of an emotion.

    Parameters
    ----------
    emotion : int
        Index into :data:`EMOTIONS`.
    draws : ndarray, shape (52,)
        Uniform numbers in 0..1: which combination, the overall intensity, 25 for keeping, 25 for strength.

    Returns
    -------
    ndarray of float32, shape (25,)
        Strengths in 0..1. The leading action is always there; each other one of the combination with
        probability 0.85; one face in six also shows a weak action of a sister combination.
    """
    combinations = EMOTION_ACTIONS[EMOTIONS[emotion]]
    combination = combinations[min(int(draws[0] * len(combinations)), len(combinations) - 1)]
    intensity = 0.6 + 0.4 * draws[1]
    keep, strength = draws[2:27], 0.75 + 0.25 * draws[27:52]
    row = np.zeros(len(ACTIONS), dtype=np.float32)
    for name in combination:
        column = ACTIONS.index(name)
        if name == combination[0] or keep[column] < 0.85:
            row[column] = intensity * strength[column]
    others = sorted({name for other in combinations for name in other} - set(combination))
    if others and draws[1] * 6 % 1 < 1 / 6:
        column = ACTIONS.index(others[int(draws[0] * 997) % len(others)])
        row[column] = 0.35 * strength[column]
    return row


def independent_strengths(draws: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return one row of actions drawn independently of any emotion.

    On average four of the 25 actions are asked for, before contradictions are removed.

    Parameters
    ----------
    draws : ndarray, shape (52,)
        Uniform numbers in 0..1; entries 2..26 decide which actions appear, 27..51 how strong they are.
    """
    present = draws[2:27] < 0.06 + 0.2 * draws[1]
    return np.where(present, 0.25 + 0.75 * draws[27:52], 0.0).astype(np.float32)
