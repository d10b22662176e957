"""Brows, eyes, their wrinkles, and glasses."""

from __future__ import annotations

import numpy as np

from workbench.data.faces.canvas import Canvas, Plane, bump, edge, stroke

Values = dict[str, Plane]


def draw_forehead(canvas: Canvas, values: Values, moves: Values) -> None:
    """Cut the level creases of raised brows and the upright ones of furrowed brows."""
    brow = values["eye_height"] - values["brow_height"]
    for rank in range(3):
        at = brow - 0.12 - 0.085 * rank + 0.35 * moves["brow_middle"] + 0.03 * np.cos(canvas.u * 6.0)
        canvas.groove(stroke(canvas.v - at, canvas.u / (0.44 - 0.04 * rank), 0.018), moves["forehead"] * 0.62)
    between = 0.055 + 0.4 * moves["brow_gap"]
    lean = between - 0.06 * (canvas.v - brow)
    middle = brow + 0.02 + 0.5 * moves["brow_inner"]
    canvas.groove(stroke(canvas.across - lean, (canvas.v - middle) / 0.135, 0.02), moves["glabella"] * 0.85)
    canvas.height += 0.012 * moves["glabella"] * bump(canvas.u, canvas.v - middle, 0.03, 0.1)


def draw_brows(canvas: Canvas, values: Values, moves: Values, face: Plane) -> None:
    """Draw both brows as tapering curves through an inner, a middle and an outer point, over a fringe too."""
    base = values["eye_height"] - values["brow_height"]
    inner = values["eye_spacing"] - 1.15 * values["eye_width"] + moves["brow_gap"]
    outer = values["eye_spacing"] + 1.25 * values["eye_width"]
    t = (canvas.across - inner) / (outer - inner)  # 0 at the inner, 1 at the outer end
    arch = values["brow_arch"]
    lean = values["asymmetry"] * np.sign(canvas.u)
    y_inner = base + 0.012 + moves["brow_inner"]
    y_middle = base - arch + moves["brow_middle"] + lean
    y_outer = base + 0.03 + moves["brow_outer"] + lean
    curve = _through(t, y_inner, y_middle, y_outer)
    thick = values["brow_thickness"] * np.clip(1.15 - 0.6 * t, 0.35, 1.2)
    ends = np.clip((t + 0.06) * 8.0, 0.0, 1.0) * np.clip((1.06 - t) * 5.0, 0.0, 1.0) * face
    canvas.height += 0.03 * np.exp(-(((canvas.v - curve - 0.02) / 0.09) ** 2)) * ends
    hair = np.exp(-(((canvas.v - curve) / thick) ** 4)) * ends
    tone = np.minimum(values["hair_tone"] * 0.8, values["skin_tone"] * 0.55)
    canvas.paint(hair * 0.88, tone)


def _through(t: Plane, first: Plane, middle: Plane, last: Plane) -> Plane:
    """Return the parabola through (0, first), (0.6, middle), (1, last), continued flatly outside."""
    s = np.clip(t, -0.1, 1.1)
    return first * ((s - 0.6) * (s - 1.0) / 0.6) + middle * (s * (s - 1.0) / -0.24) + last * (s * (s - 0.6) / 0.4)


def draw_eyes(canvas: Canvas, values: Values, moves: Values) -> None:
    """Draw sockets, lids, eyeballs and lashes of both eyes."""
    wide = values["eye_width"]
    s = (canvas.across - values["eye_spacing"]) / wide  # -1 at the inner, 1 at the outer corner
    level = values["eye_height"] - values["eye_slant"] * s
    dv = canvas.v - level
    canvas.height -= 0.05 * bump(s, dv + 0.02, 1.5, 0.16)
    canvas.darken(bump(s, dv + 0.01, 1.45, 0.13), 0.17)
    canvas.height += 0.045 * bump(s, dv, 0.95, 0.10)
    span = np.clip(1.0 - s * s, 0.0, 1.0)
    shown = 1.0 - moves["closed"]
    above = 0.078 * values["eye_opening"] * (1.0 + moves["upper_lid"])
    below = 0.052 * values["eye_opening"] * (1.0 + moves["lower_lid"])
    top = -(above * shown - 0.6 * below * moves["closed"]) * span**0.8
    bottom = below * (1.0 - 0.4 * moves["closed"]) * span
    _draw_eyeball(canvas, values, moves, (s, dv, top, bottom))
    within = np.clip((1.12 - np.abs(s)) * 5.0, 0.0, 1.0)
    canvas.darken(np.exp(-(((dv - top + 0.006) / 0.021) ** 2)) * within, 0.80)
    canvas.darken(np.exp(-(((dv - bottom - 0.006) / 0.014) ** 2)) * within, 0.34)
    fold = top - 0.05 + 0.02 * np.abs(s)
    canvas.groove(np.exp(-(((dv - fold) / 0.017) ** 2)) * within, 0.8 * moves["lid_fold"])
    lid = bump(s, dv - 0.5 * top, 0.9, 0.05) * moves["closed"]
    canvas.height += 0.02 * lid
    canvas.albedo *= 1.0 + 0.06 * lid
    _draw_eye_wrinkles(canvas, moves, (s, dv, bottom))
    _draw_tears(canvas, values, moves, (s, dv, bottom))


def _draw_eyeball(canvas: Canvas, values: Values, moves: Values, shape: tuple[Plane, Plane, Plane, Plane]) -> None:
    """Draw white, iris, pupil and the spark of light within the opening."""
    s, dv, top, bottom = shape
    opening = edge(dv - top) * edge(bottom - dv) * edge((1.0 - np.abs(s)) * values["eye_width"])
    opening = opening * np.clip((bottom - top) / 0.012, 0.0, 1.0)
    white = np.minimum(0.60 + 0.28 * values["skin_tone"], 0.9) * (1.0 - 0.12 * s * s)
    canvas.paint(opening, white)
    du = canvas.u - np.sign(canvas.u) * values["eye_spacing"] - values["gaze"]
    away = np.sqrt(du * du + (dv + 0.012) ** 2)
    iris = edge(0.079 - away, 0.012) * opening
    canvas.paint(iris, values["iris_tone"])
    canvas.paint(edge(0.036 - away, 0.012) * opening, 0.02)
    canvas.darken(np.exp(-((np.maximum(dv - top, 0.0) / 0.025) ** 2)) * opening, 0.35)
    spark = bump(du + 0.022, dv + 0.035, 0.019, 0.019) * opening
    canvas.gloss += spark * moves["sparkle"] * 0.75
    canvas.gloss += 0.5 * bump(du - 0.03, dv - 0.02, 0.016, 0.016) * opening * np.maximum(moves["sparkle"] - 0.6, 0.0)


def _draw_eye_wrinkles(canvas: Canvas, moves: Values, shape: tuple[Plane, Plane, Plane]) -> None:
    """Cut the crow's feet and the fold under the eye."""
    s, dv, bottom = shape
    out = np.maximum(s - 1.05, 0.0)
    for slope in (-0.085, 0.0, 0.085):
        canvas.groove(stroke(dv - 0.01 - slope * out * 1.5, (s - 1.55) / 0.55, 0.015), moves["crow_feet"] * 0.95)
    pouch = stroke(dv - bottom - 0.05, s / 1.15, 0.02)
    canvas.groove(pouch, moves["eye_bag"] * 0.75)
    canvas.height += 0.012 * moves["eye_bag"] * stroke(dv - bottom - 0.022, s / 1.1, 0.02)


def _draw_tears(canvas: Canvas, values: Values, moves: Values, shape: tuple[Plane, Plane, Plane]) -> None:
    """Draw the wet lower rim and a tear that runs down each cheek."""
    s, dv, bottom = shape
    tears = moves["tears"]
    rim = stroke(dv - bottom + 0.004, s / 1.0, 0.014)
    canvas.gloss += 0.42 * tears * rim
    canvas.darken(bump(s, dv - bottom - 0.02, 1.0, 0.035), 0.22 * tears)
    length = 0.10 + 0.22 * tears
    run = (dv - 0.075 - 0.5 * length) / (0.62 * length)
    track = canvas.across - values["eye_spacing"] + 0.02 * np.sin(dv * 14.0) - 0.012
    wet = stroke(track, run, 0.017) * np.minimum(tears * 1.5, 1.0)
    canvas.darken(stroke(track - 0.035, run, 0.018) * tears, 0.34)
    canvas.darken(stroke(track + 0.035, run, 0.018) * tears, 0.20)
    drop = bump(track, dv - 0.085 - length, 0.034, 0.042) * tears
    canvas.height += 0.014 * drop
    canvas.gloss += 0.30 * wet + 0.38 * bump(track + 0.006, dv - 0.08 - length, 0.024, 0.03) * tears


def draw_glasses(canvas: Canvas, values: Values) -> None:
    """Draw the frames of glasses where a face wears them (0 = none, 1 = a dark frame)."""
    worn = values["glasses"]
    if not worn.any():
        return
    wide = values["eye_width"] + 0.085
    power = 2.0 + 3.0 * values["glasses_shape"]
    du = np.abs(canvas.across - values["eye_spacing"] + 0.005) / wide
    dv = np.abs(canvas.v - values["eye_height"] - 0.025) / (0.155 + 0.02 * (1.0 - values["glasses_shape"]))
    ring = (du**power + dv**power) ** (1.0 / power)
    frame = np.exp(-(((ring - 1.0) / 0.085) ** 2))
    bridge = stroke(canvas.v - values["eye_height"] - 0.0, canvas.u / (values["eye_spacing"] - wide + 0.03), 0.018)
    arms = stroke(canvas.v - values["eye_height"] + 0.02, (canvas.across - 0.80) / 0.2, 0.018)
    arms = arms * edge(canvas.across - values["eye_spacing"] - wide) * edge(values["face_width"] - canvas.across)
    canvas.paint(np.clip(np.maximum(frame, np.maximum(bridge, arms)), 0.0, 1.0) * worn, 0.06)
    glass = edge(1.0 - ring, 0.05) * worn
    canvas.gloss += 0.06 * glass + 0.10 * glass * np.exp(-(((canvas.u - canvas.v - 0.25) / 0.06) ** 2))
