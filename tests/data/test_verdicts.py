"""Verdicts: none lost, none doubled, none changed; what reviewers make of a dataset together."""

# ruff: noqa: S106 - a verdict's token is its name, no secret

from __future__ import annotations

import math
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import write_source
from tests.references import verdict_agreement as reference
from workbench.data.datasets import Dataset, open_dataset
from workbench.data.verdict_agreement import agreement
from workbench.data.verdicts import Entry, Verdict, Verdicts, check_reviewer, export_rows, relabel_classes
from workbench.errors import InputError, StoreError
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset

IMAGES = 60
EACH = 5_000
OPINIONS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["label: sad", "label: fear", "ambiguous"]))


@pytest.fixture
def dataset(store: Store, tmp_path: Path) -> Dataset:
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", IMAGES)), "faces"), store)
    return open_dataset(store, "faces")


@pytest.fixture
def verdicts(store: Store) -> Verdicts:
    return Verdicts(store)


def entry(row: int, action: str, after: str = "", *, by: str = "ann", **more: object) -> Entry:
    return Entry(f"face-{row:04d}", by, action, after, **more)  # type: ignore[arg-type]


def test_a_verdict_comes_back_with_all_that_was_said(verdicts: Verdicts, dataset: Dataset) -> None:
    before = time.time()
    (made,) = verdicts.add(dataset, [entry(3, "relabel", "sad", token="token-0001", source="command line")])
    (row,) = verdicts.rows("faces")
    assert row == made
    assert (row.token, row.dataset, row.image, row.reviewer) == ("token-0001", "faces", "face-0003", "ann")
    assert (row.action, row.before, row.after, row.source) == ("relabel", "happy", "sad", "command line")
    assert row.digest == dataset.digests[3]
    assert before <= row.time <= time.time()


def test_a_verdict_that_waited_keeps_the_time_it_was_judged(verdicts: Verdicts, dataset: Dataset) -> None:
    late, ahead = verdicts.add(dataset, [entry(0, "skip", time=1e9), entry(1, "skip", time=4e9)])
    assert late.time == 1e9
    assert ahead.time <= time.time()


def test_a_token_sent_again_is_not_added_again(verdicts: Verdicts, dataset: Dataset) -> None:
    first = verdicts.add(dataset, [entry(0, "keep", token="token-0001")])
    again = verdicts.add(dataset, [entry(0, "keep", token="token-0001", time=1.0), entry(1, "skip")])
    assert again[0] == first[0]
    assert len(verdicts.rows("faces")) == 2


def test_a_token_of_another_verdict_is_refused_and_nothing_added(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(0, "keep", token="token-0001")])
    with pytest.raises(InputError, match="another verdict's already"):
        verdicts.add(dataset, [entry(1, "skip"), entry(0, "skip", token="token-0001")])
    assert len(verdicts.rows("faces")) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE verdicts SET after = 'sad'",
        "DELETE FROM verdicts",
        "INSERT OR REPLACE INTO verdicts SELECT * FROM verdicts",
        "INSERT INTO verdicts SELECT 99, 'token-99', dataset, image, digest, reviewer, time, 'undo', before, after, "
        "source, NULL FROM verdicts",
    ],
)
def test_the_database_itself_refuses_to_change_rows(
    verdicts: Verdicts, dataset: Dataset, store: Store, statement: str
) -> None:
    rows = verdicts.add(dataset, [entry(0, "keep")])
    database = sqlite3.connect(store.database)
    with pytest.raises(sqlite3.IntegrityError):
        database.execute(statement)
    database.close()
    assert verdicts.rows() == rows


def test_writes_wait_for_the_disk(verdicts: Verdicts, dataset: Dataset, store: Store) -> None:
    verdicts.add(dataset, [entry(0, "keep")])
    with verdicts._transaction() as database:
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_relabelling_to_the_label_it_has_is_keeping_it(verdicts: Verdicts, dataset: Dataset) -> None:
    (made,) = verdicts.add(dataset, [entry(3, "relabel", "happy")])
    assert (made.action, made.before, made.after) == ("keep", "happy", "happy")


def test_what_is_taken_back_uncovers_what_was_said_before(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(0, "relabel", "sad"), entry(0, "ambiguous"), entry(1, "keep")])
    undone = verdicts.undo("ann", "faces", 2)
    assert [(row.action, row.undoes) for row in undone] == [("undo", 3), ("undo", 2)]
    standing = verdicts.current("faces")
    assert {key[1]: found["ann"].action for key, found in standing.items()} == {"face-0000": "relabel"}
    assert len(verdicts.rows("faces")) == 5


def test_only_ones_own_verdicts_are_taken_back(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(0, "keep", by="bob", token="token-of-bob")])
    with pytest.raises(InputError, match="ann has no verdict on faces"):
        verdicts.undo("ann", "faces")
    with pytest.raises(InputError, match="to take back"):
        verdicts.add(dataset, [entry(0, "undo", undoes="token-of-bob")])
    assert len(verdicts.rows()) == 1


def test_two_tabs_that_take_the_same_verdict_back_take_it_back_once(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(0, "keep", token="token-0001")])
    first, second = (
        verdicts.add(dataset, [entry(0, "undo", token=token, undoes="token-0001")])
        for token in ("undo-0001", "undo-0002")
    )
    assert first == second
    assert len(verdicts.rows()) == 2


def test_a_late_resend_does_not_overrule_a_newer_verdict(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(0, "relabel", "fear", time=2000.0)])
    verdicts.add(dataset, [entry(0, "keep", time=1000.0)])
    (found,) = verdicts.current("faces").values()
    assert found["ann"].after == "fear"


def test_reviewers_who_differ_are_disputed_and_both_kept(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(0, "keep"), entry(1, "relabel", "sad"), entry(2, "ambiguous"), entry(4, "skip")])
    verdicts.add(dataset, [entry(0, "keep", by="bob"), entry(1, "relabel", "fear", by="bob"), entry(2, "skip", by="b")])
    settled = verdicts.settled(dataset)
    assert {row: verdict.action for row, verdict in settled.agreed.items()} == {0: "keep", 2: "ambiguous"}
    assert {row: {name: v.after for name, v in found.items()} for row, found in settled.disputed.items()} == {
        1: {"ann": "sad", "bob": "fear"}
    }
    assert set(settled.judged) == {0, 1, 2, 4}
    alone = verdicts.settled(dataset, ["bob"])
    assert (set(alone.agreed), alone.disputed) == ({0, 1}, {})


def test_a_kept_label_and_a_relabelling_to_it_are_one_opinion(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(0, "keep", before="sad"), entry(0, "relabel", "sad", by="bob")])
    assert set(verdicts.settled(dataset).agreed) == {0}


def test_verdicts_on_images_that_are_gone_are_kept_and_counted(
    verdicts: Verdicts, dataset: Dataset, store: Store, tmp_path: Path
) -> None:
    digest = str(dataset.digests[0])
    verdicts.add(dataset, [entry(0, "keep"), entry(59, "keep")])
    shutil.rmtree(dataset.path)
    import_dataset(ImportSpec(str(write_source(tmp_path / "others.parquet", 30, seed=4)), "faces"), store)
    changed = open_dataset(store, "faces")
    settled = verdicts.settled(changed)
    assert (settled.gone, settled.judged) == (2, {})
    with pytest.raises(InputError, match="other pixels now than those judged"):
        verdicts.add(changed, [entry(0, "keep", digest=digest)])
    with pytest.raises(InputError, match="has no image 'face-0059'"):
        verdicts.add(changed, [entry(59, "keep")])
    assert len(verdicts.rows("faces")) == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (entry(99, "keep"), "has no image"),
        (entry(0, "agree"), "is no verdict"),
        (entry(0, "relabel", "bored"), "no class of faces"),
        (entry(0, "relabel"), "Name one of angry"),
        (entry(0, "keep", before="bored"), "no label of faces"),
        (entry(0, "keep", before=""), "no label to keep"),
        (entry(0, "keep", token="short"), "is no token"),
        (entry(0, "keep", token="token 0001"), "is no token"),
        (entry(0, "undo", undoes="\ud800" * 8), "is no token"),
        (entry(0, "undo", undoes="never-there"), "to take back"),
        (entry(0, "keep", time=math.nan), "no time"),
        (entry(0, "keep", time=-1.0), "no time"),
        (entry(0, "keep", source=""), "source"),
        (entry(0, "keep", digest="other"), "other pixels"),
        (entry(0, "keep", by=" "), "reviewer's name"),
    ],
)
def test_what_cannot_be_a_verdict_is_refused_in_one_line_and_adds_nothing(
    verdicts: Verdicts, dataset: Dataset, wrong: Entry, words: str
) -> None:
    with pytest.raises(InputError, match=words) as error:
        verdicts.add(dataset, [entry(1, "keep"), wrong])
    assert "\n" not in str(error.value)
    assert verdicts.rows() == []


@pytest.mark.parametrize("name", ["", "   ", "a" * 65, "a\nb", "a\x00", "a\u202eb", "ann, bob", "\ud800"])
def test_names_that_cannot_be_shown_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be a reviewer's name"):
        check_reviewer(name)


@pytest.mark.parametrize(
    ("name", "spelt"), [("  Ann ", "Ann"), ("<b>Ann</b>", "<b>Ann</b>"), ("Zoe\u0308", "Zo\u00eb"), ("李", "李")]
)
def test_a_name_has_one_spelling(name: str, spelt: str) -> None:
    assert check_reviewer(name) == spelt


def test_all_seven_classes_are_offered_where_a_dataset_lacks_some(store: Store, dataset: Dataset) -> None:
    assert relabel_classes(dataset) == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_progress_counts_standing_verdicts(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(0, "keep"), entry(0, "ambiguous"), entry(1, "skip"), entry(1, "keep", by="bob")])
    assert verdicts.progress("faces", "ann") == {"keep": 0, "relabel": 0, "ambiguous": 1, "not-a-face": 0, "skip": 1}
    assert sum(verdicts.progress("faces").values()) == 3


def test_an_export_names_every_column_and_tells_times_in_utc(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(0, "keep", time=1.25)])
    verdicts.undo("ann", "faces")
    header, lines = export_rows(verdicts.rows())
    first, second = (dict(zip(header, line, strict=True)) for line in lines)
    assert (first["time"], first["undoes"]) == ("1970-01-01T00:00:01.250Z", "")
    assert (second["action"], second["undoes"]) == ("undo", 1)


def test_without_any_verdict_nothing_is_made(verdicts: Verdicts, store: Store) -> None:
    assert verdicts.rows() == []
    assert verdicts.last_number() == 0
    assert not store.database.exists()


def test_a_damaged_database_is_one_line(verdicts: Verdicts, dataset: Dataset, store: Store) -> None:
    store.database.write_bytes(b"not a database at all, " * 100)
    with pytest.raises(StoreError, match="cannot be read or written"):
        verdicts.add(dataset, [entry(0, "keep")])
    with pytest.raises(StoreError, match="cannot be read or written"):
        verdicts.rows()


@given(st.lists(OPINIONS, max_size=12))
def test_agreement_is_that_of_the_literal_reference(images: list[dict[str, str]]) -> None:
    found = agreement(images)
    shared = [image for image in images if len(image) > 1]
    assert found.images == len(shared)
    if len({value for image in shared for value in image.values()}) > 1:
        assert found.alpha == pytest.approx(reference.alpha(shared))
    else:
        assert math.isnan(found.alpha)
    for pair in found.pairs:
        both = [(i[pair.first], i[pair.second]) for i in images if pair.first in i and pair.second in i]
        assert pair.both == len(both)
        if both and len({value for judged in both for value in judged}) > 1:
            assert pair.kappa == pytest.approx(reference.kappa(both))
            assert pair.kappa <= pair.equal + 1e-12
        else:
            assert math.isnan(pair.kappa)


def test_agreements_intervals_are_those_of_drawing_images_again() -> None:
    rng = np.random.default_rng(0)
    images = []
    for _ in range(80):
        truth = rng.choice(list("abc"))
        images.append({name: truth if rng.random() < 0.7 else str(rng.choice(list("abc"))) for name in ("x", "y")})
    images += [{**image, "z": "a"} for image in images[:10]]
    found = agreement(images)
    drawn = []
    for _ in range(600):
        chosen = [images[row] for row in rng.integers(0, len(images), len(images))]
        drawn.append((reference.alpha(chosen), reference.kappa([(image["x"], image["y"]) for image in chosen])))
    (alpha_low, kappa_low), (alpha_high, kappa_high) = np.quantile(drawn, [0.025, 0.975], axis=0)
    assert found.interval == pytest.approx((alpha_low, alpha_high), abs=0.04)
    (pair,) = [pair for pair in found.pairs if (pair.first, pair.second) == ("x", "y")]
    assert pair.interval == pytest.approx((kappa_low, kappa_high), abs=0.04)
    assert pair.interval[0] < pair.kappa < pair.interval[1]


def test_full_agreement_has_no_interval_and_ones_own_opinion_is_no_agreement() -> None:
    found = agreement([{"x": "a", "y": "a"}, {"x": "b", "y": "b"}, {"x": "a"}], [2, 1, 1])
    assert (found.images, found.equal, found.verdicts, found.blind) == (2, 2, 4, 3)
    assert found.alpha == found.pairs[0].kappa == 1
    assert all(math.isnan(end) for end in (*found.interval, *found.pairs[0].interval))


def test_what_one_has_judged_is_apart_from_what_several_agree_on(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(row, "keep") for row in range(3)] + [entry(3, "skip")])
    verdicts.add(
        dataset,
        [
            entry(0, "keep", by="bob", source="app, blind"),
            entry(1, "skip", by="bob"),
            entry(2, "ambiguous", by="bob", source="app, blind"),
        ],
    )
    settled = verdicts.settled(dataset)
    assert (list(settled.shared), list(settled.alone), list(settled.disputed)) == ([0], [1], [2])
    assert (settled.opinions, len(settled.judged)) == (3, 4)
    found = verdicts.agreement("faces")
    assert (found.images, found.equal, found.verdicts, found.blind) == (2, 1, 4, 2)


def test_skips_are_no_opinions(verdicts: Verdicts, dataset: Dataset) -> None:
    verdicts.add(dataset, [entry(row, "keep") for row in range(4)])
    verdicts.add(dataset, [entry(0, "keep", by="bob"), entry(1, "skip", by="bob"), entry(2, "ambiguous", by="bob")])
    (pair,) = verdicts.agreement("faces").pairs
    assert (pair.first, pair.second, pair.both, pair.equal) == ("ann", "bob", 2, 0.5)


@pytest.mark.slow
def test_ten_thousand_verdicts_of_two_writers_one_of_them_killed_are_all_there_once(
    verdicts: Verdicts, dataset: Dataset, store: Store, tmp_path: Path
) -> None:
    wanted = {name: write_tokens(tmp_path / f"{name}.tokens", name) for name in ("ann", "bob")}
    bob, ann = start_writer(store, tmp_path, "bob"), start_writer(store, tmp_path, "ann")
    notes = tmp_path / "ann.acknowledged"
    wait_for(lambda: notes.exists() and len(notes.read_text().split()) > EACH // 4)
    ann.kill()
    assert ann.wait() != 0
    seen = len(verdicts.rows("faces"))
    assert 0 < seen < 2 * EACH
    again = start_writer(store, tmp_path, "ann")
    assert (again.wait(120), bob.wait(120)) == (0, 0)
    rows = verdicts.rows("faces")
    assert Counter(row.token for row in rows) == dict.fromkeys((t for tokens in wanted.values() for t in tokens), 1)
    for name, tokens in wanted.items():
        assert {(row.token, row.image, row.action) for row in rows if row.reviewer == name} == {
            (token, *said) for token, said in tokens.items()
        }
    assert [row.number for row in rows] == list(range(1, 2 * EACH + 1))


def write_tokens(path: Path, name: str) -> dict[str, tuple[str, str]]:
    actions = ("keep", "skip", "ambiguous", "not-a-face")
    said = {f"{name}-{index:06d}": (f"face-{index % IMAGES:04d}", actions[index % 4]) for index in range(EACH)}
    path.write_text("".join(f"{token} {image} {action}\n" for token, (image, action) in said.items()))
    return said


def start_writer(store: Store, folder: Path, name: str) -> subprocess.Popen[bytes]:
    files = str(folder / f"{name}.tokens"), str(folder / f"{name}.acknowledged")
    command = [sys.executable, "-m", "tests.data.verdict_writer", str(store.root), "faces", name, *files]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2])


def wait_for(condition: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_two_that_open_a_new_workspace_at_once_both_get_in(dataset: Dataset, store: Store, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / f"{name}.tokens").write_text(f"{name}-000000 face-0000 skip\n")
    children = [start_writer(store, tmp_path, name) for name in ("ann", "bob")]
    assert [child.wait(60) for child in children] == [0, 0]
    assert {row.reviewer for row in Verdicts(store).rows()} == {"ann", "bob"}


def test_a_row_is_a_plain_value() -> None:
    row = Verdict(1, "t", "d", "i", "x", "ann", 0.0, "skip", "sad", "", "app")
    assert row.opinion == ""
