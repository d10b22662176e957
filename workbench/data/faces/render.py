"""Draw faces: relief and albedo, light, and a camera that blurs, samples, compresses and adds noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.data.faces import head, lower_face, upper_face
from workbench.data.faces.canvas import Canvas, Plane
from workbench.data.faces.muscles import movements
from workbench.data.faces.parameters import NAMES, FaceParameters
from workbench.errors import SpecError

_BLOCK = 3  # faces drawn at once: as many as the processor's cache holds


@dataclass(frozen=True)
class FaceBatch:
    """Rendered faces and what they show.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, size, size)
        Gray pictures, 0 black to 255 white.
    actions : ndarray of float32, shape (N, 25)
        Strength of each facial action, 0..1, columns in the order of ``ACTIONS``.
    emotions : ndarray of int64, shape (N,)
        Index into ``EMOTIONS``, -1 for none.
    """

    images: NDArray[np.uint8]
    actions: NDArray[np.float32]
    emotions: NDArray[np.int64]


def render(parameters: FaceParameters, size: int = 48) -> FaceBatch:
    """Render faces to gray pictures; a pure function of the parameters, independent of batch size.

    Parameters
    ----------
    parameters : FaceParameters
        N faces.
    size : int
        Width and height of the pictures in pixels, 16 to 512; 48 is what models here are trained on.

    Returns
    -------
    FaceBatch

    Raises
    ------
    SpecError
        If ``size`` is out of range.
    """
    if not 16 <= size <= 512:
        raise SpecError(f"size is {size}; it must lie in 16..512")
    images = np.empty((len(parameters), size, size), dtype=np.uint8)
    for first in range(0, len(parameters), _BLOCK):
        rows = slice(first, min(first + _BLOCK, len(parameters)))
        images[rows] = _render_block(parameters[rows], size)
    return FaceBatch(images, parameters.actions.copy(), parameters.emotions.copy())


def _render_block(parameters: FaceParameters, size: int) -> NDArray[np.uint8]:
    values = {name: parameters.values[:, column, None, None] for column, name in enumerate(NAMES)}
    moves = movements(parameters.actions, parameters.column("nose_wrinkle"), parameters.column("age"))
    generators = [np.random.default_rng((int(seed), int(number), 1)) for seed, number in parameters.noise_seeds]
    phases = np.stack([generator.random(36) for generator in generators]).astype(np.float32)
    noise = np.stack([generator.standard_normal((size, size), dtype=np.float32) for generator in generators])
    canvas = Canvas(2 * size, values)
    _draw(canvas, values, moves, phases)
    return _photograph(_light(canvas, values), values, noise)


def _draw(canvas: Canvas, values: dict[str, Plane], moves: dict[str, Plane], phases: Plane) -> None:
    """Draw from the back to the front."""
    strands = head.texture(canvas, phases[:, :12], 4.5, 3.5)
    patches = head.texture(canvas, phases[:, 12:24], 3.0, 1.0)
    grain = head.texture(canvas, phases[:, 24:], 12.0, 1.0)
    head.draw_background(canvas, values)
    head.draw_hair_behind(canvas, values, strands)
    face = head.draw_skin(canvas, values, moves, patches)
    outside, relief = canvas.albedo.copy(), canvas.height.copy()
    upper_face.draw_forehead(canvas, values, moves)
    lower_face.draw_nose(canvas, values, moves)
    lower_face.draw_cheeks(canvas, values, moves)
    head.draw_beard(canvas, values, moves, grain)
    lower_face.draw_chin(canvas, values, moves)
    lower_face.draw_mouth(canvas, values, moves)
    upper_face.draw_eyes(canvas, values, moves)
    canvas.albedo += (1.0 - face) * (outside - canvas.albedo)
    canvas.height += (1.0 - face) * (relief - canvas.height)
    canvas.gloss *= face
    head.draw_hair_front(canvas, values, strands)
    upper_face.draw_brows(canvas, values, moves, face)
    upper_face.draw_glasses(canvas, values)


def _light(canvas: Canvas, values: dict[str, Plane]) -> Plane:
    """Light the relief with one distant lamp and an even sky (Lambert's law)."""
    slope_x = np.zeros_like(canvas.height)
    slope_y = np.zeros_like(canvas.height)
    slope_x[:, :, 1:-1] = (canvas.height[:, :, 2:] - canvas.height[:, :, :-2]) / (2 * canvas.step)
    slope_y[:, 1:-1, :] = (canvas.height[:, 2:, :] - canvas.height[:, :-2, :]) / (2 * canvas.step)
    lamp = 1.0 / np.sqrt(values["light_x"] ** 2 + values["light_y"] ** 2 + 1.0)
    facing = (1.0 - slope_x * values["light_x"] - slope_y * values["light_y"]) * lamp
    facing = np.maximum(facing / np.sqrt(1.0 + slope_x**2 + slope_y**2), 0.0)
    light = values["ambient"] + (1.0 - values["ambient"]) * 1.2 * facing
    return canvas.albedo * light + canvas.gloss * (0.4 + 0.6 * facing)


def _photograph(scene: Plane, values: dict[str, Plane], noise: Plane) -> NDArray[np.uint8]:
    """Expose, blur, sample to half the size, compress, add noise and round to 8 bits."""
    count, high, wide = scene.shape
    picture = scene.reshape(count, high // 2, 2, wide // 2, 2).mean(axis=(2, 4))
    picture = _blur(picture, values["blur"])
    picture = picture * 2.0 ** (0.45 * values["exposure"])
    picture = 0.5 + (picture - 0.5) * values["contrast"]
    if picture.shape[1] % 8 == 0:
        picture = _compress(np.clip(picture, 0.0, 1.0), values["compression"])
    picture = picture + values["noise"] * noise
    gray: NDArray[np.uint8] = np.clip(np.round(picture * 255.0), 0, 255).astype(np.uint8)
    return gray


def _blur(picture: Plane, sigma: Plane) -> Plane:
    """Blur with a five-point Gaussian of standard deviation ``sigma`` pixels, a number a face."""
    offsets = np.arange(-2, 3, dtype=np.float32)[None, :]
    kernel = np.exp(-0.5 * (offsets / np.maximum(sigma[:, :, 0], 0.05)) ** 2)
    kernel = (kernel / kernel.sum(axis=1, keepdims=True))[:, :, None, None]  # (N, 5, 1, 1)
    size = picture.shape[1]
    padded = np.pad(picture, ((0, 0), (2, 2), (0, 0)), mode="edge")
    picture = sum((kernel[:, k] * padded[:, k : k + size] for k in range(5)), np.zeros_like(picture))
    padded = np.pad(picture, ((0, 0), (0, 0), (2, 2)), mode="edge")
    return sum((kernel[:, k] * padded[:, :, k : k + size] for k in range(5)), np.zeros_like(picture))


def _compress(picture: Plane, strength: Plane) -> Plane:
    """Quantise 8x8 cosine blocks as JPEG does, more coarsely for high frequencies and high ``strength``."""
    k = np.arange(8, dtype=np.float32)
    basis = np.cos((2 * k[None, :] + 1) * k[:, None] * np.pi / 16) * np.where(k == 0, np.sqrt(0.125), 0.5)[:, None]
    basis = basis.astype(np.float32)
    count, size, _ = picture.shape
    blocks = picture.reshape(count, size // 8, 8, size // 8, 8).transpose(0, 1, 3, 2, 4)
    spectrum = basis @ blocks @ basis.T
    step = (0.012 + 0.016 * (k[:, None] + k[None, :])) * strength[:, :, :, None, None] + 1e-4
    blocks = basis.T @ (np.round(spectrum / step) * step) @ basis
    restored: Plane = blocks.transpose(0, 1, 3, 2, 4).reshape(count, size, size)
    return restored
