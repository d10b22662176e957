"""Image bytes to pixels, and two fingerprints of pixels."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image, UnidentifiedImageError
from scipy.fft import dct

from workbench.errors import DatasetError

MAX_PIXELS = 64_000_000
"""The largest picture that is decoded, in pixels (8,000 x 8,000); a larger one is set aside unread."""

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")
"""The file formats that are read; others Pillow knows (such as EPS, which starts a program) are not pictures to us."""

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_HASH_SIDE = 32
_HASH_LOW = 8


def decode(data: bytes, source: str) -> Image.Image:
    """Decode one picture to 8-bit gray (``L``) or colour (``RGB``), upright.

    Parameters
    ----------
    data : bytes
        The file's content (PNG, JPEG, BMP, WebP, GIF's first frame, ...).
    source : str
        Where it came from, for the error.

    Raises
    ------
    DatasetError
        The bytes are empty, no picture, cut short, or more than :data:`MAX_PIXELS` pixels.
    """
    if not data:
        raise DatasetError(f"{source}: the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="PIL")
            return _decode(data, source)
    except Image.DecompressionBombError as error:
        raise DatasetError(f"{source}: more pixels than the {MAX_PIXELS:,} that are read") from error
    except UnidentifiedImageError as error:
        raise DatasetError(f"{source}: not a picture") from error
    except DatasetError:
        raise
    except (
        Exception
    ) as error:  # on damaged bytes the format readers raise nearly anything, SyntaxError and KeyError too
        raise DatasetError(f"{source}: the picture is damaged or cut short ({_first_line(error)})") from error


def _decode(data: bytes, source: str) -> Image.Image:
    image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width:,} x {image.height:,}"
        raise DatasetError(f"{source}: {size} pixels is more than the {MAX_PIXELS:,} that are read")
    image.load()
    turn = _UPRIGHT.get(_orientation(image))
    return to_gray_or_rgb(image if turn is None else image.transpose(turn))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata around sound pixels is no reason to lose the picture
        return 1


def to_gray_or_rgb(image: Image.Image) -> Image.Image:
    """Return the picture as mode ``L`` where it has no colour channel, else ``RGB``; alpha is laid on white."""
    if image.mode == "L":
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        pixels = np.nan_to_num(np.asarray(image, dtype=np.float32))
        scale = 1 / 257 if pixels.max(initial=0) > 255 else 1.0
        return Image.fromarray(np.clip(pixels * scale, 0, 255).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def encode_png(image: Image.Image | np.ndarray) -> bytes:
    """Return the picture, or a ``uint8`` array ``(H, W)`` or ``(H, W, 3)``, as PNG bytes."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def pixel_digest(image: Image.Image) -> str:
    """Return the SHA-256 of mode, size and pixels, in hex: equal pictures have it whatever file they came in."""
    head = f"{image.mode}:{image.width}x{image.height}:".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()


def thumbnail(image: Image.Image) -> np.ndarray:
    """Return the picture in gray, ``uint8`` of shape ``(32, 32)``: what :func:`perceptual_hashes` looks at."""
    gray = image.convert("L").resize((_HASH_SIDE, _HASH_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(gray)


def perceptual_hashes(thumbnails: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Return the 64-bit DCT hashes of thumbnails; near pictures differ in few bits (Hamming distance).

    The method is ``imagehash.phash``, bit for bit, but for many at once: the lowest 8 x 8 DCT coefficients of
    32 x 32 gray pixels against their median.

    Parameters
    ----------
    thumbnails : array of uint8, shape (N, 32, 32)
        From :func:`thumbnail`.

    Returns
    -------
    array of uint64, shape (N,)
    """
    pixels = np.asarray(thumbnails, dtype=np.float64).reshape(-1, _HASH_SIDE, _HASH_SIDE)
    rows = dct(pixels, axis=1)[:, :_HASH_LOW]  # (N, 8, 32)
    low = dct(rows, axis=2)[:, :, :_HASH_LOW].reshape(len(pixels), -1)  # (N, 64)
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).reshape(-1)


def perceptual_hash(image: Image.Image) -> int:
    """Return the 64-bit DCT hash of one picture; see :func:`perceptual_hashes`."""
    return int(perceptual_hashes([thumbnail(image)])[0])


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
