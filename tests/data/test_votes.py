from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import FER2013_CLASSES
from workbench.data.datasets import Dataset, open_dataset
from workbench.data.images import encode_png
from workbench.data.votes import COLUMNS, read_votes, vote_rows
from workbench.errors import InputError
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset

HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
USAGES = ("Training", "PublicTest", "PrivateTest")


def line(usage: str, name: str, **votes: int) -> str:
    return ",".join([usage, name, *(str(votes.get(column, 0)) for column in COLUMNS)])


def write_votes(path: Path, labels: list[str], usages: list[str]) -> Path:
    """Write ten votes an image: seven for the label, three unknown."""
    column_of = {name: column for column, name in COLUMNS.items() if name}
    lines = [HEADER]
    for row, (label, usage) in enumerate(zip(labels, usages, strict=True)):
        lines.append(line(usage, f"fer{row:07d}.png", **{column_of[label]: 7, "unknown": 3}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def dataset(store: Store, tmp_path: Path) -> Dataset:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 48, 48), dtype=np.uint8)
    table = {
        "id": [f"{USAGES[row // 20].lower()}_{row:05d}" for row in range(60)],
        "usage": [USAGES[row // 20] for row in range(60)],
        "label": [FER2013_CLASSES[row * 5 % 7] for row in range(60)],
        "image": [encode_png(image) for image in pixels],
    }
    pq.write_table(pa.table(table), tmp_path / "faces.parquet")
    import_dataset(ImportSpec(str(tmp_path / "faces.parquet"), "faces"), store)
    return open_dataset(store, "faces")


def usages(dataset: Dataset) -> list[str]:
    words = dict(zip(("train", "validation", "test"), USAGES, strict=True))
    return [words[split] for split in dataset.splits.tolist()]


def test_a_clear_vote_is_more_than_half_of_all(tmp_path: Path) -> None:
    rows = [
        line("Training", "fer0.png", happiness=6, neutral=4),
        line("Training", "fer1.png", happiness=5, neutral=5),
        line("PublicTest", "", NF=0, nf=10),
        line("PrivateTest", "fer3.png", contempt=9, anger=1),
        line("PrivateTest", "fer4.png", anger=5, unknown=4),
    ]
    (tmp_path / "votes.csv").write_text("\ufeff" + "\r\n".join([HEADER, *rows, ""]), encoding="utf-8")
    votes = read_votes(tmp_path / "votes.csv")
    assert votes.splits.tolist() == ["train", "train", "validation", "test", "test"]
    assert votes.majority(FER2013_CLASSES).tolist() == [FER2013_CLASSES.index("happy"), -1, -2, -1, 0]


def test_rows_match_by_their_order(dataset: Dataset, tmp_path: Path) -> None:
    votes = read_votes(write_votes(tmp_path / "votes.csv", dataset.labels.tolist(), usages(dataset)))
    assert vote_rows(votes, dataset).tolist() == list(range(60))


def test_rows_match_by_the_ids_numbers_where_images_are_missing(dataset: Dataset, tmp_path: Path) -> None:
    labels, more = dataset.labels.tolist(), usages(dataset)
    path = write_votes(tmp_path / "votes.csv", [*labels, "happy", "sad"], [*more, "PrivateTest", "PrivateTest"])
    assert vote_rows(read_votes(path), dataset).tolist() == list(range(60))


def test_the_imports_own_row_names_count_from_one(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    table = pq.read_table(tmp_path / "faces.parquet").drop_columns(["id"]).slice(0, 50)
    pq.write_table(table, tmp_path / "unnamed.parquet")
    import_dataset(ImportSpec(str(tmp_path / "unnamed.parquet"), "unnamed"), store)
    votes = read_votes(write_votes(tmp_path / "votes.csv", dataset.labels.tolist(), usages(dataset)))
    assert vote_rows(votes, open_dataset(store, "unnamed")).tolist() == list(range(50))


def test_other_splits_are_refused_with_the_row(dataset: Dataset, tmp_path: Path) -> None:
    given = usages(dataset)
    given[25] = "Training"
    votes = read_votes(write_votes(tmp_path / "votes.csv", dataset.labels.tolist(), given))
    with pytest.raises(InputError, match="do not match faces: row 26 is of train, image publictest_00025 of valid"):
        vote_rows(votes, dataset)


def test_another_order_is_refused_though_the_splits_agree(dataset: Dataset, tmp_path: Path) -> None:
    shuffled = dataset.labels.copy()
    for start in (0, 20, 40):
        shuffled[start : start + 20] = np.roll(shuffled[start : start + 20], 3)
    votes = read_votes(write_votes(tmp_path / "votes.csv", shuffled.tolist(), usages(dataset)))
    with pytest.raises(InputError, match="no better than chance"):
        vote_rows(votes, dataset)


def test_too_few_rows_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    votes = read_votes(write_votes(tmp_path / "votes.csv", dataset.labels.tolist()[:30], usages(dataset)[:30]))
    with pytest.raises(InputError, match="30 rows of votes, but images are numbered up to 60"):
        vote_rows(votes, dataset)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'usage'"),
        (HEADER.replace(",fear", ""), "no column 'fear'"),
        (HEADER, "no votes in it"),
        (f"{HEADER}\nTraining,a.png,1,2\n", "line 2: no row of votes"),
        (f"{HEADER}\n{line('Training', 'a.png')}\n{line('Elsewhere', 'b.png')}\n", "line 3: no row of votes"),
        (f"{HEADER}\n{line('Training', 'a.png', fear=-1)}\n", "line 2: no row of votes"),
        (f"{HEADER}\n{line('Training', 'a.png').replace('0', 'many', 1)}\n", "line 2: no row of votes"),
        (f"{HEADER}\n{line('Training', 'a.png', fear=10**19)}\n", "line 2: no row of votes"),
        (f'{HEADER}\n"{"x" * 200_000}\n', "not a table"),
        (f"{HEADER}\n{line('Training', 'a.png')}\n", "no votes in it"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "votes.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_votes(tmp_path / "votes.csv")
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_one_that_is_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_votes(tmp_path / "none.csv")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_votes(tmp_path / "picture.csv")
