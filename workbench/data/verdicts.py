"""Verdicts of reviewers on images: append-only rows of ``workbench.sqlite`` that no process can lose or double.

A verdict is one row: who, when, on which picture, before and after. Nothing is ever changed or deleted (the database
refuses it); taking a verdict back is a row too. Every row carries a token that its maker chose, so that a row sent
again is known and not doubled. The database is in WAL mode with ``synchronous = FULL``: a row that was acknowledged
is on the disk, whatever is killed afterwards.

A row names its image by dataset, id and digest of the pixels. Where the dataset has been imported again with other
pixels the image is *gone*: a new verdict on it is refused, an old one is kept and counted as gone.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from workbench.data.datasets import Dataset
from workbench.data.verdict_agreement import Agreement, Pair, agreement, blindness
from workbench.data.verdict_entries import (
    AMBIGUOUS,
    BLIND,
    KEEP,
    NOT_A_FACE,
    RELABEL,
    SKIP,
    UNDO,
    VERDICTS,
    Entry,
    check_entry,
    check_reviewer,
    places,
    relabel_classes,
)
from workbench.errors import InputError, StoreError
from workbench.files import disk_errors
from workbench.store import Store

__all__ = [
    "AMBIGUOUS",
    "BLIND",
    "COLUMNS",
    "KEEP",
    "NOT_A_FACE",
    "RELABEL",
    "SKIP",
    "UNDO",
    "VERDICTS",
    "Agreement",
    "Current",
    "Entry",
    "Pair",
    "Settled",
    "Verdict",
    "Verdicts",
    "blindness",
    "check_reviewer",
    "current",
    "export_rows",
    "relabel_classes",
    "settle",
]

COLUMNS = (
    "number",
    "token",
    "dataset",
    "image",
    "digest",
    "reviewer",
    "time",
    "action",
    "before",
    "after",
    "source",
    "undoes",
)
"""Columns of the table, and of an export."""
BUSY_SECONDS = 30.0
"""How long a writer waits for others before it gives up with an error."""
_FIELDS = ", ".join(COLUMNS)
_NEW = f"INSERT INTO verdicts ({_FIELDS}) VALUES (NULL{', ?' * (len(COLUMNS) - 1)})"  # noqa: S608 - names of this module
_ALL = f"SELECT {_FIELDS} FROM verdicts"  # noqa: S608 - as above
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS verdicts (
        number INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE,
        dataset TEXT NOT NULL, image TEXT NOT NULL, digest TEXT NOT NULL,
        reviewer TEXT NOT NULL CHECK (length(reviewer) BETWEEN 1 AND 64), time REAL NOT NULL,
        action TEXT NOT NULL CHECK (action IN ('keep', 'relabel', 'ambiguous', 'not-a-face', 'skip', 'undo')),
        before TEXT NOT NULL, after TEXT NOT NULL, source TEXT NOT NULL,
        undoes INTEGER UNIQUE REFERENCES verdicts (number),
        CHECK ((action = 'undo') = (undoes IS NOT NULL))
    )""",
    "CREATE INDEX IF NOT EXISTS verdicts_of_image ON verdicts (dataset, image)",
    """CREATE TRIGGER IF NOT EXISTS verdicts_unchanged BEFORE UPDATE ON verdicts
        BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS verdicts_kept BEFORE DELETE ON verdicts
        BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS verdicts_not_replaced BEFORE INSERT ON verdicts
        WHEN EXISTS (SELECT 1 FROM verdicts WHERE number = NEW.number OR token = NEW.token OR undoes = NEW.undoes)
        BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END""",
)


@dataclass(frozen=True)
class Verdict:
    """A row of the table.

    ``before`` is the label the reviewer saw, ``after`` the one the image has for the reviewer: the new one of a
    relabelling, ``before`` where it is kept, else empty. A row that takes one back has them the other way round, and
    ``undoes`` is that one's number. ``time`` is when it was judged, in seconds since 1970.
    """

    number: int
    token: str
    dataset: str
    image: str
    digest: str
    reviewer: str
    time: float
    action: str
    before: str
    after: str
    source: str
    undoes: int | None = None

    @property
    def opinion(self) -> str:
        """What counts when reviewers are compared: ``"label: NAME"``, ``"ambiguous"``, ``"not-a-face"``; "" if skipped.

        Who keeps a label and who relabels to it are of one opinion.
        """
        if self.action in (KEEP, RELABEL):
            return f"label: {self.after}"
        return "" if self.action == SKIP else self.action

    @property
    def blind(self) -> bool:
        """Whether it was given without sight of the label and of what models, neighbours and others say."""
        return self.source.endswith(BLIND)


Current = dict[tuple[str, str], dict[str, Verdict]]
"""For (digest, id) of an image each reviewer's standing verdict: the latest that was not taken back."""


@dataclass(frozen=True)
class Settled:
    """What reviewers make of a dataset, by row.

    Parameters
    ----------
    agreed : dict
        Row to the verdict all reviewers who did not skip it agree on (the latest of them).
    disputed : dict
        Row to each reviewer's verdict, where they differ; skips are left out.
    judged : dict
        Row to each reviewer's verdict, skips included; skips are no opinions, see :attr:`alone` and :attr:`shared`.
    gone : int
        Judged images that the dataset does not hold (any more).
    """

    agreed: Mapping[int, Verdict]
    disputed: Mapping[int, Mapping[str, Verdict]]
    judged: Mapping[int, Mapping[str, Verdict]]
    gone: int

    @property
    def alone(self) -> frozenset[int]:
        """Rows on which one reviewer only has an opinion: nobody has agreed or differed."""
        return frozenset(row for row in self.agreed if self._opinions(row) == 1)

    @property
    def shared(self) -> frozenset[int]:
        """Rows on which two reviewers or more have an opinion and agree."""
        return frozenset(row for row in self.agreed if self._opinions(row) > 1)

    @property
    def opinions(self) -> int:
        """Images on which anybody has an opinion: ``alone``, ``shared`` and ``disputed`` together."""
        return len(self.agreed) + len(self.disputed)

    def _opinions(self, row: int) -> int:
        return sum(bool(verdict.opinion) for verdict in self.judged[row].values())


class Verdicts:
    """The verdicts of a workspace; safe to use from several processes and threads at once."""

    def __init__(self, store: Store) -> None:
        self._path = store.database
        self._root = store.root

    def add(self, dataset: Dataset, entries: Sequence[Entry]) -> list[Verdict]:
        """Append verdicts, all or none, and return their rows once they are on the disk.

        An entry whose token is there already is not added again; its row is returned.

        Raises
        ------
        InputError
            An entry cannot be: its image is gone, its class unknown, its token another verdict's; nothing was added.
        StoreError
            The database cannot be written; nothing was added.
        """
        ready = [check_entry(dataset, entry) for entry in entries]
        if not ready:
            return []
        with self._transaction() as database:
            return [_append(database, dataset.name, entry) for entry in ready]

    def undo(self, reviewer: str, dataset: str, count: int = 1, source: str = "command line") -> list[Verdict]:
        """Take back a reviewer's last ``count`` standing verdicts on a dataset and return the rows that do so.

        Raises
        ------
        InputError
            There is no such verdict.
        """
        name = check_reviewer(reviewer)
        if count < 1:
            raise InputError(f"{count} verdicts cannot be taken back; give 1 or more")
        with self._transaction() as database:
            rows = _read(database, dataset)
            standing = [verdict for verdict in _standing(rows) if verdict.reviewer == name]
            if not standing:
                raise InputError(f"{name} has no verdict on {dataset} to take back")
            last = sorted(standing, key=lambda verdict: verdict.number)[-count:]
            return [_take_back(database, verdict, str(uuid.uuid4()), time.time(), source) for verdict in reversed(last)]

    def rows(self, dataset: str = "", images: Iterable[str] = ()) -> list[Verdict]:
        """Return every row of a dataset, or of all (and of the named images only), in the order they came."""
        if not self._path.exists():
            return []
        with self._connection() as database:
            known = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'verdicts'").fetchone()
            return _read(database, dataset, list(images)) if known else []

    def last_number(self) -> int:
        """Return the number of the newest row, 0 without any: equal numbers mean equal rows."""
        if not self._path.exists():
            return 0
        with self._connection() as database:
            known = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'verdicts'").fetchone()
            return int(database.execute("SELECT max(number) FROM verdicts").fetchone()[0] or 0) if known else 0

    def current(self, dataset: str, images: Iterable[str] = ()) -> Current:
        """Return each reviewer's standing verdict on each image (or on the named ones), by digest and id."""
        return current(self.rows(dataset, images))

    def settled(self, dataset: Dataset, reviewers: Iterable[str] = ()) -> Settled:
        """Return what the named reviewers (all, where none is named) make of the dataset's images."""
        return settle(self.current(dataset.name), dataset, reviewers)

    def agreement(self, dataset: str) -> Agreement:
        """Return how far reviewers agree on the images that several have judged; skips do not count."""
        standing = self.current(dataset).values()
        opinions = [{name: said.opinion for name, said in found.items() if said.opinion} for found in standing]
        blind = [sum(said.blind and bool(said.opinion) for said in found.values()) for found in standing]
        return agreement(opinions, blind)

    def progress(self, dataset: str, reviewer: str = "") -> dict[str, int]:
        """Return the number of images by standing verdict, of one reviewer or of all together."""
        counts = dict.fromkeys(VERDICTS, 0)
        for found in self.current(dataset).values():
            for name, verdict in found.items():
                if not reviewer or name == reviewer:
                    counts[verdict.action] += 1
        return counts

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the database's write lock; what was done is on the disk when the block ends, or undone by an error."""
        with disk_errors(self._path):
            self._root.mkdir(parents=True, exist_ok=True)
        with self._connection() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                database.execute(statement)
            yield database
            database.execute("COMMIT")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)) as database:
                yield database
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: the verdicts cannot be read or written ({error})") from error


def current(rows: Iterable[Verdict]) -> Current:
    """Return the standing verdict of each reviewer on each image; the latest by its time counts, then by its number."""
    found: Current = {}
    for verdict in sorted(_standing(rows), key=lambda verdict: (verdict.time, verdict.number)):
        found.setdefault((verdict.digest, verdict.image), {})[verdict.reviewer] = verdict
    return found


def settle(standing: Current, dataset: Dataset, reviewers: Iterable[str] = ()) -> Settled:
    """Return what reviewers make of a dataset's images; see :meth:`Verdicts.settled`."""
    wanted = {check_reviewer(name) for name in reviewers}
    row_of, digests = places(dataset), dataset.digests
    agreed, disputed, judged, gone = {}, {}, {}, 0
    for (digest, image), found in standing.items():
        chosen = {name: verdict for name, verdict in found.items() if not wanted or name in wanted}
        if not chosen:
            continue
        row = row_of.get(image)
        if row is None or digests[row] != digest:
            gone += 1
            continue
        judged[row] = chosen
        spoken = {name: verdict for name, verdict in chosen.items() if verdict.opinion}
        if len({verdict.opinion for verdict in spoken.values()}) > 1:
            disputed[row] = spoken
        elif spoken:
            agreed[row] = max(spoken.values(), key=lambda verdict: (verdict.time, verdict.number))
    return Settled(agreed, disputed, judged, gone)


def export_rows(rows: Iterable[Verdict]) -> tuple[list[str], list[list[object]]]:
    """Return the header and the lines of a table of all rows; times are in UTC, as ISO 8601."""
    lines = []
    for verdict in rows:
        values = {**verdict.__dict__, "time": _iso(verdict.time), "undoes": verdict.undoes or ""}
        lines.append([values[name] for name in COLUMNS])
    return list(COLUMNS), lines


def _append(database: sqlite3.Connection, dataset: str, entry: Entry) -> Verdict:
    """Append one checked entry, or return the row that its token has already."""
    known = _by_token(database, entry.token)
    if entry.action == UNDO:
        if known is not None and known.action == UNDO:
            return known
        if known is not None:
            raise _token_taken(entry)
        target = _by_token(database, entry.undoes)
        if target is None or target.action == UNDO or (target.dataset, target.reviewer) != (dataset, entry.reviewer):
            raise InputError(f"there is no verdict {str(entry.undoes)[:64]!r} of {entry.reviewer} to take back")
        return _take_back(database, target, entry.token, float(entry.time or 0), entry.source)
    values = (dataset, entry.image, entry.digest, entry.reviewer)
    if known is not None:
        same = (known.dataset, known.image, known.digest, known.reviewer, known.action, known.after)
        if same != (*values, entry.action, entry.after):
            raise _token_taken(entry)
        return known
    result = (entry.time, entry.action, entry.before, entry.after, entry.source, None)
    return _written(database, (entry.token, *values, *result))


def _token_taken(entry: Entry) -> InputError:
    return InputError(f"token {entry.token} is another verdict's already; make a new one for each verdict")


def _take_back(database: sqlite3.Connection, target: Verdict, token: str, when: float, source: str) -> Verdict:
    """Append the row that takes ``target`` back; where it has been taken back already, return that row."""
    done = database.execute(f"{_ALL} WHERE undoes = ?", (target.number,)).fetchone()
    if done is not None:
        return Verdict(*done)
    image = (target.dataset, target.image, target.digest, target.reviewer)
    return _written(database, (token, *image, when, UNDO, target.after, target.before, source, target.number))


def _written(database: sqlite3.Connection, values: tuple[object, ...]) -> Verdict:
    number = int(database.execute(_NEW, values).lastrowid or 0)
    return Verdict(*database.execute(f"{_ALL} WHERE number = ?", (number,)).fetchone())


def _by_token(database: sqlite3.Connection, token: str) -> Verdict | None:
    found = database.execute(f"{_ALL} WHERE token = ?", (token,)).fetchone()
    return None if found is None else Verdict(*found)


def _read(database: sqlite3.Connection, dataset: str, images: Sequence[str] = ()) -> list[Verdict]:
    terms = ["dataset = ?"] * bool(dataset) + [f"image IN ({', '.join('?' * len(images))})"] * bool(images)
    where = f"WHERE {' AND '.join(terms)}" if terms else ""
    values = [*([dataset] if dataset else []), *images]
    return [Verdict(*row) for row in database.execute(f"{_ALL} {where} ORDER BY number", values)]


def _standing(rows: Iterable[Verdict]) -> list[Verdict]:
    found = list(rows)
    undone = {verdict.undoes for verdict in found if verdict.action == UNDO}
    return [verdict for verdict in found if verdict.action != UNDO and verdict.number not in undone]


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"
