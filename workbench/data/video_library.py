"""The workspace's videos, and those that were uploaded and wait to be scored.

::

    <workspace>/videos/<name>.mp4            kept: the demo's, and uploads kept on purpose
    <workspace>/uploads/<random>/<name>.mp4  deleted once no job needs them; see workbench.app.uploads
"""

from __future__ import annotations

from pathlib import Path

from workbench.errors import InputError, unknown_name
from workbench.store import Store

VIDEO_SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm", ".wmv", ".3gp", ".ts")
"""Ends of names that a folder is searched for."""


def videos_dir(store: Store) -> Path:
    """Return the folder of the workspace's videos; it need not exist."""
    return store.root / "videos"


def uploads_dir(store: Store) -> Path:
    """Return the folder of uploads, one folder each; it need not exist."""
    return store.root / "uploads"


def videos_in(folder: Path) -> list[Path]:
    """Return the videos of a folder, by name; hidden files and folders within it are left out."""
    found = (path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.name[0] != ".")
    return sorted(path for path in found if path.is_file())


def list_videos(store: Store) -> list[str]:
    """Return the names, with their ends, of the workspace's videos; links out of their folder are left out."""
    folder = videos_dir(store)
    if not folder.is_dir():
        return []
    return [path.name for path in videos_in(folder) if path.resolve().parent == folder.resolve()]


def find_video(store: Store, text: str) -> Path:
    """Return the file, or the folder of videos, that a user named.

    Parameters
    ----------
    text : str
        A path, or the name of a video of the workspace, with or without its end.

    Raises
    ------
    InputError
        There is no such file and no such video, or the name is ambiguous or cannot be a file's.
    """
    path = Path(text).expanduser()
    try:
        if path.exists():
            return path
    except (OSError, ValueError) as error:
        raise InputError(f"{text[:200]!r}: no file can have this name") from error
    names = list_videos(store)
    if text in names:
        return videos_dir(store) / text
    alike = [name for name in names if Path(name).stem == text]
    if len(alike) == 1:
        return videos_dir(store) / alike[0]
    if alike:
        raise InputError(f"{text!r} may be {' or '.join(alike)}; give the whole name")
    if path.suffix or len(path.parts) > 1:
        raise InputError(f"{text}: no such file, and no video of the workspace has this name")
    raise InputError(f"{unknown_name('video', text, names)}; a path to a file or a folder is taken as well")
