from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from workbench.data.images import decode, encode_png, perceptual_hash, perceptual_hashes, pixel_digest, thumbnail
from workbench.errors import DatasetError


def face(seed: int = 0, size: tuple[int, int] = (48, 48)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def huge_png(side: int) -> bytes:
    """A PNG whose header promises side x side pixels, with next to no data."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(48, 48), (7, 300), (32, 32), (1, 1)])
def test_hash_equals_imagehash_bit_for_bit(size: tuple[int, int]) -> None:
    for seed in range(20):
        image = face(seed, size)
        bits = np.packbits(imagehash.phash(image).hash)
        assert perceptual_hash(image) == int.from_bytes(bits.tobytes(), "big")


def test_hashes_of_many_equal_hashes_of_each() -> None:
    images = [face(seed) for seed in range(30)] + [face(99).convert("RGB")]
    many = perceptual_hashes(np.stack([thumbnail(image) for image in images]))
    assert many.dtype == np.uint64
    assert many.tolist() == [perceptual_hash(image) for image in images]


def test_digest_differs_by_mode_shape_and_pixels_but_not_by_file_format() -> None:
    image = face()
    assert pixel_digest(decode(saved(image, "BMP"), "x")) == pixel_digest(decode(encode_png(image), "x"))
    others = [image.convert("RGB"), image.resize((24, 96)), image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    assert len({pixel_digest(picture) for picture in [image, *others]}) == 4


@pytest.mark.parametrize(
    ("picture", "kind", "mode"),
    [
        (face().convert("RGB").convert("CMYK"), "JPEG", "RGB"),
        (face().convert("P"), "PNG", "RGB"),
        (face().convert("1"), "PNG", "L"),
        (face().convert("LA"), "PNG", "RGB"),
        (face().convert("RGBA"), "WEBP", "RGB"),
        (face().convert("RGB"), "TIFF", "RGB"),
        (Image.fromarray(np.full((9, 9), np.nan, dtype=np.float32)), "TIFF", "L"),
    ],
)
def test_every_kind_of_pixel_becomes_gray_or_rgb(picture: Image.Image, kind: str, mode: str) -> None:
    image = decode(saved(picture, kind), "x")
    assert (image.mode, image.size) == (mode, picture.size)


def test_sixteen_bits_are_scaled_to_eight_not_cut() -> None:
    deep = np.linspace(0, 65535, 48 * 48).reshape(48, 48).astype(np.uint16)
    image = decode(saved(Image.fromarray(deep), "PNG"), "x")
    assert image.mode == "L"
    np.testing.assert_allclose(np.asarray(image), deep / 257, atol=0.51)


def test_transparent_pixels_are_white() -> None:
    image = decode(saved(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG"), "x")
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_animation_gives_its_first_frame() -> None:
    first, second = Image.new("L", (8, 8), 200), Image.new("L", (8, 8), 20)
    data = saved(first, "GIF", save_all=True, append_images=[second])
    assert np.asarray(decode(data, "x").convert("L")).mean() == 200


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_photographs_come_upright(orientation: int) -> None:
    upright = Image.fromarray(
        np.kron(np.array([[0, 80, 160], [200, 240, 120]], dtype=np.uint8), np.ones((16, 16), np.uint8))
    )
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(saved(stored, "JPEG", exif=exif, quality=100), "x")
    assert image.size == upright.size
    assert np.abs(np.asarray(image, dtype=float) - np.asarray(upright)).mean() < 3


def test_damaged_exif_does_not_lose_the_picture() -> None:
    data = saved(face(), "JPEG", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff")
    assert decode(data, "x").size == (48, 48)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"just words, whatever the name says", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (encode_png(face())[:900], "damaged or cut short"),
        (saved(face(), "JPEG")[:400], "damaged or cut short"),
        (huge_png(9_000), "9,000 x 9,000 pixels is more than"),
        (huge_png(11_000), "pixels"),
        (huge_png(20_000), "more pixels than"),
    ],
)
def test_what_is_no_picture_is_one_line_that_names_its_source(data: bytes, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason) as caught:
        decode(data, "folder/face.png")
    assert str(caught.value).startswith("folder/face.png: ")
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM"]), st.data())
def test_scrambled_files_never_raise_anything_else(kind: str, data: st.DataObject) -> None:
    content = bytearray(saved(face(), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DatasetError):
        decode(bytes(content), "x")
