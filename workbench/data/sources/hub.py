"""Data sets of the Hugging Face hub: downloaded once, then read as the files they are."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.errors import DatasetError, SpecError

_NAME = re.compile(r"(?P<repository>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?")
_WANTED = ("*.parquet", "*.csv", "*.png", "*.jpg", "*.jpeg", "*.webp", "*.bmp")


def download(name: str) -> Path:
    """Download ``owner/name`` or ``owner/name@revision`` (or find it in the cache) and return its folder.

    Raises
    ------
    SpecError
        The name has another form.
    DatasetError
        The hub cannot be reached, or has no such data set.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise SpecError(
            f"'hf:{name}' is no data set of the hub; write hf:owner/name, for example hf:clip-benchmark/wds_fer2013"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            match["repository"], repo_type="dataset", revision=match["revision"], allow_patterns=list(_WANTED)
        )
    except LocalEntryNotFoundError as error:
        raise DatasetError(
            f"hf:{name}: the hub cannot be reached and the data set is not in the cache; check the network, or "
            "download it elsewhere and import its folder"
        ) from error
    except HfHubHTTPError as error:
        raise DatasetError(f"hf:{name}: {_reason(error)}") from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"hf:{name}: the download failed ({_reason(error)})") from error
    return Path(folder)


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
