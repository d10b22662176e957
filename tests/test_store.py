from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import DamagedArtifactError, SpecError, StoreError
from workbench.progress import Silent
from workbench.store import Artifact, ArtifactKey, Build, Store, canonical_json

KEY = ArtifactKey("things", "Some Slug / 1", {"a": 1, "b": ["x", 2.5]})


def make(store: Store, key: ArtifactKey = KEY, parts: int = 3) -> Artifact:
    with store.build(key, {"kind": "make"}) as build:
        assert isinstance(build, Build)
        for index in range(parts):
            if not build.has_part(index):
                build.write_table(index, pa.table({"row": [index]}))
        build.write_arrays("weights", {"w": np.arange(3.0)})
        return build.finish({"parts": parts})


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_finished_result_is_found_by_its_content_and_read_back(store: Store) -> None:
    assert store.find(KEY) is None
    made = make(store)
    found = store.find(KEY)
    assert found is not None
    assert found.name == made.name == KEY.name
    assert found.name.startswith("some-slug-1-")
    assert found.table()["row"].to_pylist() == [0, 1, 2]
    assert found.arrays("weights")["w"].tolist() == [0, 1, 2]
    assert found.summary == {"parts": 3}
    assert found.spec == {"kind": "make"}
    assert [artifact.name for artifact in store.artifacts("things")] == [KEY.name]


class Notes(Silent):
    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, message: str) -> None:
        self.told.append(message)


def test_a_result_is_computed_once_and_its_notes_are_told_each_time(store: Store) -> None:
    notes, builds = Notes(), []

    def compute(build: Build) -> Artifact:
        builds.append(build)
        return build.finish({"notes": ["a copy was left out"]})

    first, again = (store.find_or_build(KEY, {"kind": "make"}, compute, notes) for _ in range(2))
    assert first.name == again.name
    assert len(builds) == 1
    assert notes.told == ["a copy was left out"] * 2


def test_what_another_process_made_meanwhile_is_not_computed_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(store)
    found = iter([None, made])  # nothing at the first look, something once the lock is held
    monkeypatch.setattr(Store, "find", lambda *_: next(found))
    assert store.find_or_build(KEY, {"kind": "make"}, lambda _: pytest.fail("computed again")).name == made.name


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4), st.text(max_size=4), json_values)
def test_the_name_changes_with_every_field_of_the_content(content: dict[str, object], name: str, value: object) -> None:
    changed = {**content, name: value}
    same = canonical_json(content) == canonical_json(changed)
    assert (ArtifactKey("k", "s", content).hash == ArtifactKey("k", "s", changed).hash) == same


def test_neither_the_order_of_fields_nor_the_slug_changes_the_hash() -> None:
    first = ArtifactKey("k", "one", {"a": 1, "b": 2})
    assert first.hash == ArtifactKey("k", "two", {"b": 2, "a": 1}).hash
    assert first.hash != ArtifactKey("other", "one", {"a": 1, "b": 2}).hash


def test_a_number_that_is_not_finite_cannot_name_a_result() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        _ = ArtifactKey("k", "s", {"a": float("nan")}).hash


def test_an_interrupted_build_resumes_to_identical_bytes(store: Store, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), store.build(KEY, {"kind": "make"}) as build:  # noqa: PT012
        assert isinstance(build, Build)
        build.write_table(0, pa.table({"row": [0]}))
        build.state.with_name(".part-00001.parquet.77.tmp").write_bytes(b"killed while it was wr")
        raise KeyboardInterrupt
    assert store.find(KEY) is None
    assert store.artifacts() == []
    resumed = make(store)
    whole = make(Store(tmp_path / "other"))
    assert files(resumed.path) == files(whole.path)


def test_work_refused_before_its_first_part_leaves_no_folder(store: Store) -> None:
    def refuse(build: Build) -> Artifact:
        raise SpecError("no")

    with pytest.raises(SpecError, match="no"):
        store.find_or_build(KEY, {}, refuse)
    assert [path.name for path in (store.artifacts_dir / KEY.kind).iterdir() if path.is_dir()] == []


def test_a_result_is_named_by_a_beginning_or_its_hash(store: Store) -> None:
    made = make(store)
    for name in (made.name, made.reference, made.name[:3], KEY.hash):
        assert store.named(KEY.kind, name).path == made.path
    with pytest.raises(SpecError, match=f"unknown {KEY.kind} 'zzz'.*known: {made.name}"):
        store.named(KEY.kind, "zzz")
    with pytest.raises(SpecError, match=f"unknown {KEY.kind} ''"):
        store.named(KEY.kind, "")


@pytest.mark.parametrize("damage", ["{", None])
def test_a_damaged_result_that_is_named_is_said_to_be_damaged(store: Store, damage: str | None) -> None:
    manifest = make(store).path / "manifest.json"
    if damage is None:
        manifest.unlink()
    else:
        manifest.write_text(damage)
    for name in (KEY.name, "some", KEY.hash):
        with pytest.raises(DamagedArtifactError, match=f"{manifest}: the manifest cannot be read"):
            store.named(KEY.kind, name)
    whole = make(store, ArtifactKey(KEY.kind, "some other", {}))
    assert store.named(KEY.kind, "some").path == whole.path
    with pytest.raises(DamagedArtifactError, match="the manifest cannot be read"):
        store.named(KEY.kind, KEY.name)


def test_a_folder_without_a_manifest_is_said_before_any_work(store: Store) -> None:
    manifest = make(store).path / "manifest.json"
    manifest.unlink()
    with pytest.raises(DamagedArtifactError, match=f"{manifest}.*delete the artifact's folder"):
        store.find_or_build(KEY, {}, lambda _: pytest.fail("computed"))


def test_a_folder_in_the_way_of_a_finished_result_is_one_line(store: Store) -> None:
    with store.build(KEY, {}) as build:
        assert isinstance(build, Build)
        final = store.artifacts_dir / KEY.kind / KEY.name
        final.mkdir()
        (final / "mine.txt").write_text("kept")
        with pytest.raises(StoreError, match="a folder of that name is in the way"):
            build.finish()
    assert (final / "mine.txt").read_text() == "kept"


def test_a_result_that_another_process_removed_is_removed_again_without_a_word(store: Store) -> None:
    made = make(store)
    store.remove(made)
    store.remove(made)
    assert store.find(KEY) is None
    assert [path.name for path in made.path.parent.iterdir() if path.is_dir()] == []


def test_a_result_killed_while_it_was_removed_is_gone_and_can_be_made_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(store)
    with monkeypatch.context() as killed:
        killed.setattr("workbench.store.shutil.rmtree", lambda *_, **__: None)
        store.remove(made)
    assert store.find(KEY) is None
    assert store.artifacts() == []
    store.remove(make(store))
    assert [path.name for path in made.path.parent.iterdir() if path.is_dir()] == []


def test_a_result_removed_while_results_are_listed_is_left_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(store)
    opened = Store.open

    def removed_at_once(self: Store, path: Path) -> Artifact:
        found = opened(self, path)
        self.remove(found)
        return found

    monkeypatch.setattr(Store, "open", removed_at_once)
    assert store.artifacts() == []
    assert not made.path.exists()


def test_a_result_that_another_process_made_meanwhile_is_returned(store: Store) -> None:
    make(store)
    with store.build(KEY, {}) as build:
        assert isinstance(build, Artifact)


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
def test_a_damaged_part_is_an_error_that_names_its_path(store: Store, damage: str) -> None:
    path = make(store).path / "part-00001.parquet"
    data = path.read_bytes()
    if damage == "flip":
        path.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
    elif damage == "truncate":
        path.write_bytes(data[:-1])
    else:
        path.unlink()
    found = store.find(KEY)
    assert found is not None
    with pytest.raises(DamagedArtifactError, match=str(path)):
        found.table()
    with pytest.raises(DamagedArtifactError, match=str(path)):
        found.verify()
    assert len(store.damaged()) == 1


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"schema": 1}', "[]"])
def test_a_damaged_manifest_is_an_error_and_does_not_hide_the_others(store: Store, text: str) -> None:
    broken = make(store)
    other = make(store, ArtifactKey("things", "other", {"a": 2}))
    (broken.path / "manifest.json").write_text(text)
    with pytest.raises(DamagedArtifactError, match="manifest"):
        store.find(KEY)
    assert [artifact.name for artifact in store.artifacts()] == [other.name]


@pytest.mark.parametrize("name", ["nothing", "..", "../things", ".hidden"])
def test_a_result_that_is_not_there_is_one_line(store: Store, name: str) -> None:
    make(store)
    with pytest.raises(StoreError, match="no things named"):
        store.artifact("things", name)


def test_a_manifest_that_was_changed_is_damaged(store: Store) -> None:
    key = ArtifactKey("thing", "a", {"x": 1})
    with store.build(key, {}) as build:
        assert isinstance(build, Build)
        artifact = build.finish({"score": 4.0})
    manifest = artifact.path / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace("4.0", "5.0"))
    with pytest.raises(DamagedArtifactError, match="the manifest is not the one that was written"):
        store.find(key)
    manifest.write_text(text)
    assert store.find(key) == artifact
