"""Nose, cheeks, mouth, jaw and chin."""

from __future__ import annotations

import numpy as np

from workbench.data.faces.canvas import Canvas, Plane, bump, edge, smooth, stroke

Values = dict[str, Plane]


def draw_nose(canvas: Canvas, values: Values, moves: Values) -> None:
    """Draw bridge, tip, wings and nostrils; the nose stands out, so it moves more when the head turns."""
    tip = values["eye_height"] + values["nose_length"]
    raised = 0.035 * moves["nose_creases"]
    t = np.clip((canvas.v - values["eye_height"]) / values["nose_length"], 0.0, 1.15)
    u = canvas.u - 0.20 * np.sin(values["yaw"]) * t
    across = np.abs(u)
    wide = values["nose_width"] * (1.0 + 0.42 * moves["nostrils"])
    ridge = np.exp(-((u / (0.045 + 0.035 * t)) ** 2)) * smooth((canvas.v - values["eye_height"] + 0.12) / 0.2)
    ridge = ridge * edge(tip + 0.03 - canvas.v, 0.05)
    canvas.height += values["nose_ridge"] * (0.035 + 0.05 * t) * ridge
    canvas.height += 0.055 * values["nose_ridge"] * bump(u, canvas.v - tip + 0.01, 0.075, 0.065)
    wing = bump(across - wide, canvas.v - tip - 0.015, 0.045, 0.055)
    canvas.height += (0.03 + 0.025 * moves["nostrils"]) * wing
    canvas.gloss += 0.10 * values["nose_ridge"] * bump(u, canvas.v - tip + 0.03, 0.035, 0.04)
    hole = bump(across - 0.56 * wide, canvas.v - tip - 0.05, 0.031 * (1 + 0.8 * moves["nostrils"]), 0.019)
    hole = hole + bump(across - 0.56 * wide, canvas.v - tip - 0.045, 0.05, 0.034) * 0.8 * moves["nostrils"]
    canvas.darken(np.minimum(hole, 1.0), 0.72)
    canvas.darken(bump(u, canvas.v - tip - 0.075, 0.10, 0.035), 0.14)
    rim = stroke(across - wide - 0.042, (canvas.v - tip - 0.005) / 0.075, 0.016)
    canvas.groove(rim, 0.38 + 0.9 * moves["nostrils"])
    for rank in range(3):
        at = values["eye_height"] + 0.05 + 0.06 * rank - 0.35 * across - raised
        canvas.groove(stroke(canvas.v - at, (across - 0.06) / 0.1, 0.016), moves["nose_creases"] * 0.75)


def draw_cheeks(canvas: Canvas, values: Values, moves: Values) -> None:
    """Model cheeks, the folds beside nose and mouth, hollows and the muscle of the jaw."""
    lift = 0.05 * moves["cheeks"]
    canvas.height += 0.045 * (0.6 + moves["cheeks"]) * bump(canvas.across - 0.43, canvas.v - 0.20 + lift, 0.20, 0.17)
    canvas.albedo *= 1.0 + 0.06 * moves["cheeks"] * bump(canvas.across - 0.43, canvas.v - 0.16, 0.15, 0.1)
    mouth = values["mouth_height"]
    half = values["mouth_width"] * (1.0 + moves["mouth_wide"])
    start = values["eye_height"] + values["nose_length"] - 0.02
    t = (canvas.v - start) / (mouth + 0.02 + 0.75 * np.minimum(moves["corners"], 0.0) - start)
    at = values["nose_width"] + 0.07 + (half + 0.065 - values["nose_width"]) * np.clip(t, 0.0, 1.2)
    fold = stroke(canvas.across - at, t * 2.2 - 1.1, 0.036) * (1.0 - 0.55 * np.clip(t, 0.0, 1.0))
    canvas.groove(fold, moves["nose_mouth_fold"] * 0.95)
    canvas.height += 0.014 * moves["nose_mouth_fold"] * stroke(canvas.across - at - 0.06, t * 2.0 - 1.0, 0.05)
    hollow = bump(canvas.across - 0.52 - 0.2 * (0.4 - canvas.v), canvas.v - 0.40, 0.09, 0.19)
    canvas.height -= 0.035 * moves["cheek_hollow"] * hollow
    canvas.darken(hollow, 0.26 * moves["cheek_hollow"])
    muscle = bump(canvas.across - 0.60, canvas.v - 0.54, 0.10, 0.16)
    canvas.height += 0.05 * moves["jaw_muscle"] * muscle
    canvas.albedo *= 1.0 + 0.10 * moves["jaw_muscle"] * muscle
    canvas.groove(stroke(canvas.across - 0.47 + 0.15 * (canvas.v - 0.55), (canvas.v - 0.58) / 0.2, 0.03),
                  0.55 * moves["jaw_muscle"])  # fmt: skip


def draw_mouth(canvas: Canvas, values: Values, moves: Values) -> None:
    """Draw the lips, the opening with teeth and tongue, and the corners."""
    half = values["mouth_width"] * (1.0 + moves["mouth_wide"])
    s = canvas.u / half
    reach = np.minimum(np.abs(s), 1.25)
    centre = values["mouth_height"] - 0.035 * moves["chin_raise"] - 0.3 * moves["corners"]
    line = centre + moves["corners"] * reach**2 + moves["corner_tips"] * reach**4
    line = line + values["asymmetry"] * np.clip(s, -1.2, 1.2)
    line = line + 0.018 * moves["chin_raise"] * reach**2 - 0.022 * moves["lips_thin"] * np.clip(0.3 - reach, 0.0, 1.0)
    span = np.clip(1.0 - s * s, 0.0, 1.0)
    show = moves["smile_gap"] * smooth((values["teeth"] - 0.2) / 0.3)
    round_span = span**0.5
    top = line - (moves["gap_above"] + 0.012 * show + 0.030 * moves["upper_lip_raise"]) * round_span
    bottom = line + (moves["gap_below"] + 0.075 * show) * round_span
    full = values["lip_fullness"] * (1.0 - moves["lips_thin"])
    bow = 1.0 - 0.22 * np.exp(-((canvas.u / 0.045) ** 2))
    outer_top = top - 0.050 * full * bow * span**0.75
    outer_bottom = bottom + 0.064 * full * span**0.65
    across = edge((1.03 - np.abs(s)) * half, 0.02)
    lips = edge(canvas.v - outer_top) * edge(outer_bottom - canvas.v) * across
    canvas.paint(lips * 0.92, values["skin_tone"] * values["lip_tone"])
    canvas.height += 0.022 * full * np.exp(-(((canvas.v - 0.5 * (outer_bottom + bottom)) / 0.035) ** 2)) * span * across
    canvas.height += 0.014 * full * np.exp(-(((canvas.v - 0.5 * (outer_top + top)) / 0.03) ** 2)) * span * across
    canvas.gloss += 0.05 * full * bump(canvas.u, canvas.v - 0.5 * (outer_bottom + bottom), 0.5 * half, 0.018)
    _draw_opening(canvas, moves, (s, span, top, bottom))
    canvas.darken(np.exp(-(((canvas.v - line) / 0.015) ** 2)) * across * edge(0.03 - (bottom - top), 0.02), 0.68)
    corner = values["mouth_height"] + 0.7 * moves["corners"] + moves["corner_tips"]
    canvas.darken(bump(canvas.across - half, canvas.v - corner, 0.035, 0.03), 0.42)
    _draw_mouth_folds(canvas, moves, (half, corner, outer_top, outer_bottom, span))


def _draw_opening(canvas: Canvas, moves: Values, shape: tuple[Plane, Plane, Plane, Plane]) -> None:
    """Draw the dark of the mouth, the upper teeth, and the tongue of a wide opening."""
    s, span, top, bottom = shape
    gap = bottom - top
    inside = edge(canvas.v - top) * edge(bottom - canvas.v) * np.clip(gap / 0.02, 0.0, 1.0) * (np.abs(s) < 1.0)
    canvas.paint(inside, 0.05)
    tongue = bump(canvas.u, canvas.v - bottom, 0.13, 0.07) * inside * np.clip((gap - 0.12) / 0.1, 0.0, 1.0)
    canvas.paint(tongue * 0.8, 0.28)
    depth = np.minimum(0.03 + 0.058 * moves["smile_gap"] + 0.05 * moves["upper_lip_raise"], gap - 0.006)
    bared = np.clip((gap - 0.028) / 0.02, 0.0, 1.0) * np.clip(span * 2.5, 0.0, 1.0)
    teeth = edge(top + depth - canvas.v) * inside * bared
    canvas.paint(teeth, 0.86 - 0.25 * (1.0 - span))


def _draw_mouth_folds(canvas: Canvas, moves: Values, shape: tuple[Plane, Plane, Plane, Plane, Plane]) -> None:
    """Cut dimples and the folds from the corners to the chin; swell the skin around pressed lips."""
    half, corner, outer_top, outer_bottom, span = shape
    canvas.groove(stroke(canvas.across - half - 0.05, (canvas.v - corner) / 0.1, 0.022), moves["corner_dimple"] * 0.8)
    down = (canvas.v - corner - 0.10) / 0.13
    canvas.groove(stroke(canvas.across - half - 0.045 - 0.04 * down, down, 0.032), moves["mouth_chin_fold"] * 0.75)
    over = np.exp(-(((canvas.v - outer_top + 0.055) / 0.035) ** 2)) * span
    under = np.exp(-(((canvas.v - outer_bottom - 0.055) / 0.035) ** 2)) * span
    canvas.height += 0.03 * moves["lip_bulge"] * (over + under)
    canvas.albedo *= 1.0 + 0.07 * moves["lip_bulge"] * (over + under)


def draw_chin(canvas: Canvas, values: Values, moves: Values) -> None:
    """Model the chin, the hollow below the lower lip and the puckering of a raised chin."""
    chin = values["face_length"] + moves["jaw"] - 0.15 - 0.03 * moves["chin_raise"]
    raise_ = moves["chin_raise"]
    canvas.height += (0.04 + 0.05 * raise_) * bump(canvas.u, canvas.v - chin, 0.15, 0.10)
    canvas.albedo *= 1.0 + 0.08 * raise_ * bump(canvas.u, canvas.v - chin, 0.13, 0.07)
    lip = values["mouth_height"] + moves["gap_below"] + 0.095 - 0.02 * raise_
    arc = lip + 0.02 + 0.9 * canvas.u**2 * raise_
    canvas.groove(stroke(canvas.v - arc, canvas.u / 0.2, 0.028), 0.35 + 0.85 * raise_)
    for place in (-0.07, 0.0, 0.07):
        canvas.groove(bump(canvas.u - place, canvas.v - chin + 0.02 + place**2 * 4, 0.022, 0.03), 0.8 * raise_)
