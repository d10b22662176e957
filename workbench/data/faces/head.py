"""Everything around the features: background, neck, skull, skin, ears, hair and beard."""

from __future__ import annotations

import numpy as np

from workbench.data.faces.canvas import Canvas, Plane, bump, edge, smooth

Values = dict[str, Plane]

BALD, SHORT, PARTED, LONG, FRINGE, CURLY = range(6)


def has_style(values: Values, *styles: int) -> Plane:
    """Return 1 for the faces whose hair is of one of ``styles``, else 0, shape (N, 1, 1)."""
    return np.isin(np.floor(values["hair_style"]), styles).astype(np.float32)


def texture(canvas: Canvas, phases: Plane, frequency: float, stretch: float) -> Plane:
    """Return a smooth random pattern of mean 0 and about unit size, different for each face.

    Parameters
    ----------
    phases : ndarray, shape (N, 12)
        Uniform numbers in 0..1.
    frequency : float
        Waves per frame unit.
    stretch : float
        How much longer than wide the grains are (downwards).
    """
    total = np.zeros_like(canvas.u)
    for wave in range(4):
        a, b, c = (phases[:, 3 * wave + k, None, None] for k in range(3))
        fu = frequency * (0.6 + 0.9 * a) * (1.0 if wave % 2 else -1.0)
        fv = frequency * (1.6 * b - 0.8) / stretch
        total += np.sin((canvas.u * fu + canvas.v * fv + c) * 6.2832)
    return total * 0.7


def draw_background(canvas: Canvas, values: Values) -> None:
    """Fill the frame with a plain or sloping tone and put the shoulders and neck in front of it."""
    canvas.albedo += values["background"] + values["background_slope"] * (canvas.x + 0.4 * canvas.y)
    np.clip(canvas.albedo, 0.02, 1.0, out=canvas.albedo)
    neck = edge(0.47 - canvas.across) * edge(canvas.v - 0.45, 0.05)
    canvas.paint(neck, values["skin_tone"] * 0.62)
    shoulders = edge(canvas.v - 1.02 - 0.5 * (0.6 - canvas.across), 0.02) * edge(canvas.v - 0.9)
    canvas.paint(shoulders, np.abs(1.0 - values["background"]) * 0.5 + 0.1)


def head_distance(canvas: Canvas, values: Values, moves: Values) -> Plane:
    """Return how far inside the face outline each pixel is: about 1 at the centre, 0 on the outline."""
    centre = -0.05
    low = canvas.v > centre
    bottom = values["face_length"] + moves["jaw"] - centre
    width = values["face_width"] * (1.0 - (1.0 - values["jaw_width"]) * smooth((canvas.v - 0.1) / 0.7))
    width = width + 0.035 * moves["jaw_muscle"] * bump(canvas.u * 0, canvas.v - 0.56, 1.0, 0.2)
    power = np.where(low, 2.1 + 0.9 * values["jaw_square"], 2.2).astype(np.float32)
    radius = np.where(low, bottom, 0.98)
    reach = (canvas.across / width) ** power + (np.abs(canvas.v - centre) / radius) ** power
    inside: Plane = 1.0 - reach ** (1.0 / power)
    return inside


def draw_hair_behind(canvas: Canvas, values: Values, strands: Plane) -> None:
    """Draw the hair that shows around the head."""
    curly = has_style(values, CURLY)
    extra = 0.05 + 0.09 * values["hair_length"] + 0.08 * curly + (0.012 + 0.038 * curly) * strands
    width, top = values["face_width"] + extra, 1.0 + 0.7 * extra
    skull = 1.0 - np.sqrt((canvas.across / width) ** 2 + ((canvas.v + 0.06) / top) ** 2)
    cap = edge(skull, 0.02) * np.maximum(has_style(values, LONG, CURLY), edge(0.0 - canvas.v, 0.12))
    falls = edge(width + 0.03 * canvas.v - canvas.across, 0.02) * edge(canvas.v + 0.1)
    falls = falls * np.maximum(has_style(values, LONG), has_style(values, FRINGE) * (values["hair_length"] > 0.5))
    shown = np.maximum(cap, falls) * (1.0 - has_style(values, BALD))
    canvas.paint(shown, values["hair_tone"] * (1.0 + 0.12 * strands) * 0.85)


def draw_skin(canvas: Canvas, values: Values, moves: Values, patches: Plane) -> Plane:
    """Draw ears and the face itself; return the mask of the face."""
    ear_at = values["face_width"] + 0.015
    ears = edge(1.0 - np.sqrt(((canvas.across - ear_at) / 0.085) ** 2 + ((canvas.v + 0.02) / 0.2) ** 2), 0.1)
    ears = ears * (1.0 - has_style(values, LONG, CURLY))
    canvas.paint(ears, values["skin_tone"] * 0.8)
    canvas.darken(bump(canvas.across - ear_at - 0.01, canvas.v + 0.02, 0.035, 0.1) * ears, 0.35)
    inside = head_distance(canvas, values, moves)
    mask = edge(inside * 0.75, 0.016)
    canvas.paint(mask, values["skin_tone"] * (1.0 + 0.035 * patches))
    spots = np.maximum(patches - 0.9, 0.0) * values["freckles"]
    canvas.darken(mask * np.minimum(spots, 1.0), 0.2)
    dome = np.sqrt(np.clip(1.0 - (1.0 - inside) ** 2, 0.0, 1.0) + 0.015)
    canvas.height += 0.5 * dome * mask
    canvas.darken(mask * (1.0 - smooth(inside * 4.5)), 0.22)
    return mask


def draw_hair_front(canvas: Canvas, values: Values, strands: Plane) -> None:
    """Draw the hair that lies over the forehead and temples."""
    style = np.floor(values["hair_style"])
    side = np.sign(values["gaze"])
    line = values["hair_line"] + 0.5 * (canvas.across / 0.8) ** 4
    parted = values["hair_line"] + 0.08 + 0.30 * (side * canvas.u + 0.1) + 0.3 * (canvas.across / 0.8) ** 6
    fringe = -0.48 - 0.1 * values["hair_length"] + 0.12 * canvas.across + 0.022 * strands
    line = np.select([style == PARTED, style == FRINGE], [parted, fringe], line)
    line = line + (0.015 + 0.025 * has_style(values, CURLY)) * strands
    border = np.where(style == LONG, 0.60 + 0.10 * values["hair_length"] - 0.06 * canvas.v, values["face_width"] - 0.05)
    low_end = -0.12 + 1.07 * has_style(values, LONG, FRINGE)
    sides = edge(canvas.across - border - 0.012 * strands) * edge(low_end - canvas.v, 0.06)
    reach = values["face_width"] + 0.02 + 0.06 * values["hair_length"]
    skull = edge(1.0 - np.sqrt((canvas.across / reach) ** 2 + (np.minimum(canvas.v, 0.0) / 1.04) ** 2))
    top = edge(line - canvas.v, 0.022)
    cover = np.where(style == BALD, 0.45 * sides, np.maximum(top, sides)) * skull
    canvas.paint(cover, values["hair_tone"] * (1.0 + 0.15 * strands))
    canvas.height += 0.02 * cover
    shade = edge(line + 0.06 - canvas.v, 0.05) * edge(canvas.v - line, 0.03) * (1.0 - has_style(values, BALD))
    canvas.darken(shade * edge(reach - 0.1 - canvas.across, 0.08), 0.18)


def draw_beard(canvas: Canvas, values: Values, moves: Values, grain: Plane) -> None:
    """Darken moustache and beard; drawn before the mouth, so that the lips lie on top."""
    if not (values["beard"].any() or values["moustache"].any()):
        return
    tone = np.minimum(values["hair_tone"], values["skin_tone"] * 0.55) * (1.0 + 0.2 * grain)
    mouth = values["mouth_height"]
    arch = mouth - 0.145 + 0.7 * canvas.across**2
    lip = edge(canvas.v - arch, 0.03) * edge(arch + 0.085 + 0.2 * canvas.across - canvas.v, 0.03)
    lip = lip * edge(0.27 - canvas.across, 0.06) * (values["moustache"] > 0)
    canvas.paint(lip * values["moustache"] * 0.85, tone)
    inside = head_distance(canvas, values, moves)
    jaw = edge(canvas.v - 0.62 + 0.42 * smooth((canvas.across - 0.3) / 0.35), 0.08)
    ring = edge(canvas.v - mouth + 0.13, 0.05) * edge(0.42 - canvas.across, 0.08) * edge(canvas.across - 0.24, 0.06)
    chin = np.maximum(jaw, ring * edge(canvas.v - 0.42, 0.06)) * edge(inside * 0.75, 0.02)
    canvas.paint(chin * values["beard"] * 0.85, tone)
