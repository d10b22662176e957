"""Clips of any length for the benchmarks, from a real face where one is at hand, else from rendered ones."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
from PIL import Image

from workbench.data.faces import render, sample
from workbench.data.video import Reader
from workbench.data.video_writer import VideoWriter


def clip(path: Path, seconds: float, size: tuple[int, int] = (640, 360), rate: float = 25.0) -> str:
    """Write a clip with a face in each frame; returns in words what it shows."""
    pictures, words = _pictures(size)
    with VideoWriter(path, *size, rate=rate) as video:
        for index in range(round(seconds * rate)):
            place = index % (2 * len(pictures) - 2)  # to and fro, so that nothing jumps
            video.write(pictures[min(place, 2 * len(pictures) - 2 - place)])
    return words


def repeated(source: Path, path: Path, times: int) -> Path:
    """Write a clip several times over into one file, without encoding it again."""
    with av.open(str(source)) as before, av.open(str(path), "w") as after:
        stream = before.streams.video[0]
        assert stream.duration is not None
        copy = after.add_stream_from_template(stream)
        for turn in range(times):
            before.seek(0, stream=stream)
            for packet in before.demux(stream):
                if packet.pts is not None and packet.dts is not None:
                    packet.pts += turn * stream.duration
                    packet.dts += turn * stream.duration
                    packet.stream = copy
                    after.mux(packet)
    return path


def _pictures(size: tuple[int, int]) -> tuple[list[np.ndarray], str]:
    named = os.environ.get("WORKBENCH_VIDEOS")
    folder = Path(named) if named else Path(__file__).parents[3] / "shared" / "data" / "videos"
    real = folder / "single_face.mp4"
    if real.is_file():
        frames = [Image.fromarray(frame.picture) for frame in Reader(real)]
        return [np.asarray(frame.resize(size)) for frame in frames], "a real face, to and fro"
    ground = np.full((size[1], size[0]), 130, dtype=np.uint8)
    side = size[1] // 2
    pictures = []
    for face in render(sample(24, seed=0), 64).images:
        picture = ground.copy()
        top, left = size[1] // 4, size[0] // 2 - side // 2
        picture[top : top + side, left : left + side] = np.asarray(Image.fromarray(face).resize((side, side)))
        pictures.append(picture)
    return pictures, "rendered faces"
