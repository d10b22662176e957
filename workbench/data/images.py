"""Image bytes to pixels, and two fingerprints of pixels."""

from __future__ import annotations

import hashlib
import io
import warnings

import imagehash
import numpy as np
from PIL import Image, UnidentifiedImageError

from workbench.errors import DatasetError

MAX_PIXELS = 64_000_000
"""The largest picture that is decoded, in pixels (8,000 x 8,000); a larger one is set aside unread."""


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
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
            if image.width * image.height > MAX_PIXELS:
                size = f"{image.width} x {image.height}"
                raise DatasetError(f"{source}: {size} pixels is more than the {MAX_PIXELS:,} that are read")
            image.load()
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        reason = "more pixels than are read" if isinstance(error, Image.DecompressionBombError) else "not a picture"
        raise DatasetError(f"{source}: {reason}") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise DatasetError(f"{source}: the picture is damaged or cut short ({_first_line(error)})") from error
    return to_gray_or_rgb(image)


def to_gray_or_rgb(image: Image.Image) -> Image.Image:
    """Return the picture as mode ``L`` where it has no colour channel, else ``RGB``; alpha is laid on white."""
    if image.mode == "L":
        return image
    if image.mode in ("1", "I", "F") or image.mode.startswith("I;16"):
        pixels = np.asarray(image, dtype=np.float64)
        scale = 255.0 if image.mode == "1" else 1 / 257 if pixels.max(initial=0) > 255 else 1.0
        return Image.fromarray(np.clip(pixels * scale, 0, 255).round().astype(np.uint8), mode="L")
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


def perceptual_hash(image: Image.Image) -> int:
    """Return the 64-bit DCT hash of the picture in gray; near pictures differ in few bits (Hamming distance).

    The method is ``imagehash.phash``: 32 x 32 gray, the lowest 8 x 8 DCT coefficients against their median.
    """
    bits = imagehash.phash(image).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
