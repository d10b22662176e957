"""The drawing surface: a batch of height fields and albedos over the plane of the face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating]  # float32 (N, H, W), or (N, 1, 1) for one number a face


class Canvas:
    """Coordinates of every pixel on each face, and what has been drawn there.

    Attributes
    ----------
    x, y : ndarray, shape (1, H, W)
        Frame coordinates, -1..1.
    u, v : ndarray, shape (N, H, W)
        Coordinates on the frontal face that the pixel shows, after pose; v grows downwards.
    across : ndarray, shape (N, H, W)
        ``abs(u)``: most parts are drawn once for both sides.
    height : ndarray, shape (N, H, W)
        Relief towards the camera, frame units.
    albedo : ndarray, shape (N, H, W)
        Share of light sent back, 0..1.
    gloss : ndarray, shape (N, H, W)
        Light added on wet or shining places.
    """

    def __init__(self, size: int, pose: dict[str, Plane]) -> None:
        axis = ((np.arange(size) + 0.5) * (2.0 / size) - 1.0).astype(np.float32)
        self.x: Plane = axis[None, None, :] + np.zeros((1, size, 1), np.float32)
        self.y: Plane = axis[None, :, None] + np.zeros((1, 1, size), np.float32)
        self.step = 2.0 / size
        self.u, self.v = _face_coordinates(self.x, self.y, pose)
        self.across: Plane = np.abs(self.u)
        self.height: Plane = np.zeros_like(self.u)
        self.albedo: Plane = np.zeros_like(self.u)
        self.gloss: Plane = np.zeros_like(self.u)

    def paint(self, mask: Plane, tone: Plane | float) -> None:
        """Cover the albedo with ``tone`` where ``mask`` is 1."""
        self.albedo += mask * (tone - self.albedo)

    def darken(self, mask: Plane, amount: Plane | float) -> None:
        """Multiply the albedo by 1 - ``amount`` where ``mask`` is 1."""
        self.albedo *= 1.0 - mask * amount

    def groove(self, mask: Plane, depth: Plane | float) -> None:
        """Cut a wrinkle; depth 1 is a deep one. It is also darker, as little light reaches its bottom."""
        cut = mask * depth
        self.height -= 0.011 * cut
        self.albedo *= 1.0 - 0.34 * np.minimum(cut, 1.6)


def _face_coordinates(x: Plane, y: Plane, pose: dict[str, Plane]) -> tuple[Plane, Plane]:
    """Map frame coordinates to the frontal face: undo shift, roll and size, then turn a dome-shaped head."""
    dx = (x - pose["shift_x"]) / pose["scale"]
    dy = (y - pose["shift_y"]) / pose["scale"]
    cos, sin = np.cos(pose["roll"]), np.sin(pose["roll"])
    along, down = cos * dx + sin * dy, cos * dy - sin * dx
    relief = dome(along, down)
    u = along * np.cos(pose["yaw"]) - relief * np.sin(pose["yaw"])
    v = down * np.cos(pose["pitch"]) - relief * np.sin(pose["pitch"])
    return u.astype(np.float32), v.astype(np.float32)


def dome(along: Plane, down: Plane) -> Plane:
    """Return how far a head of size 1 stands out towards the camera, in frame units, before its features."""
    out: Plane = 0.62 * np.sqrt(np.maximum(1.0 - (along / 0.95) ** 2 - (down / 1.2) ** 2, 0.0) + 0.03)
    return out


def edge(distance: Plane, softness: float = 0.014) -> Plane:
    """Return 1 where ``distance`` is positive, 0 where negative, with a soft border."""
    inside: Plane = np.clip(0.5 + distance * (0.5 / softness), 0.0, 1.0)
    return inside


def smooth(value: Plane) -> Plane:
    """Return the smooth step of ``value``: 0 below 0, 1 above 1."""
    t: Plane = np.clip(value, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bump(du: Plane, dv: Plane, width: Plane | float, height: Plane | float) -> Plane:
    """Return a round hill of 1 at the centre (a Gaussian with these half widths)."""
    return np.exp(-((du / width) ** 2 + (dv / height) ** 2))


def stroke(offset: Plane, along: Plane, width: Plane | float) -> Plane:
    """Return a soft line: ``offset`` is the distance from it, ``along`` runs from -1 to 1 over its length."""
    line: Plane = np.exp(-((offset / width) ** 2)) * np.clip((1.0 - np.abs(along)) * 3.0, 0.0, 1.0)
    return line
