"""Disturbed faces, the schedule, the moving average and the checkpoint of a training."""

from itertools import islice
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ModelError, StoreError
from workbench.models.training import (
    Augmentation,
    MovingAverage,
    augment,
    batches,
    load_state,
    one_cycle,
    parameter_groups,
    save_state,
    seed_step,
)

STILL = Augmentation(flip=0, degrees=0, shift=0, zoom=0, contrast=0, brightness=0, cutout=0)


def faces(count: int = 4) -> torch.Tensor:
    return torch.randint(0, 256, (count, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_zero_strength_leaves_faces_as_they_are() -> None:
    same = augment(faces(), 48, STILL, torch.Generator())
    assert torch.allclose(same, faces().float().unsqueeze(1) / 255, atol=1e-5)


def test_field_of_view_sees_the_centre_crop() -> None:
    crop = augment(faces(), 40, Augmentation(**{**vars(STILL), "field": 40 / 48}), torch.Generator())
    assert torch.allclose(crop, faces()[:, 4:44, 4:44].float().unsqueeze(1) / 255, atol=1e-4)


def test_disturbed_faces_stay_gray_values_and_depend_on_the_seed_alone() -> None:
    first = augment(faces(), 40, Augmentation(), torch.Generator().manual_seed(1))
    again = augment(faces(), 40, Augmentation(), torch.Generator().manual_seed(1))
    other = augment(faces(), 40, Augmentation(), torch.Generator().manual_seed(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert 0 <= first.min() <= first.max() <= 1


def test_a_sure_flip_mirrors() -> None:
    mirrored = augment(faces(), 48, Augmentation(**{**vars(STILL), "flip": 1.0}), torch.Generator())
    assert torch.allclose(mirrored, faces().flip(2).float().unsqueeze(1) / 255, atol=1e-5)


@given(steps=st.integers(1, 500), share=st.floats(0, 0.999))
def test_schedule_stays_between_zero_and_the_peak(steps: int, share: float) -> None:
    assert 0 < one_cycle(int(steps * share), steps) <= 1


def test_schedule_rises_to_the_peak_and_ends_low() -> None:
    values = [one_cycle(step, 100) for step in range(100)]
    assert max(values) == values[10] == 1
    assert values[-1] < 0.02


@given(count=st.integers(4, 60), size=st.integers(1, 4), start=st.integers(0, 40))
def test_batches_resumed_at_a_step_go_on_as_if_never_stopped(count: int, size: int, start: int) -> None:
    whole = list(islice(batches(count, size, 3, 0), start + 5))
    resumed = list(islice(batches(count, size, 3, start), 5))
    assert all(torch.equal(a, b) for a, b in zip(whole[start:], resumed, strict=True))


def test_an_epoch_draws_no_row_twice() -> None:
    rows = torch.cat(list(islice(batches(12, 4, 0, 0), 3)))
    assert sorted(rows.tolist()) == list(range(12))


def test_steps_are_seeded_apart() -> None:
    draws = []
    for step in (0, 1, 0):
        generator = seed_step(5, step)
        draws.append((torch.rand(1).item(), torch.rand(1, generator=generator).item()))
    assert draws[0] == draws[2] != draws[1]


def test_moving_average_approaches_constant_weights_and_copies_counters() -> None:
    model = torch.nn.BatchNorm1d(2)
    average = MovingAverage(model, 0.5)
    with torch.no_grad():
        model.weight.fill_(3.0)
        model.num_batches_tracked.fill_(7)
    for step in range(60):
        average.update(model, step)
    assert torch.allclose(average.model.weight, torch.full((2,), 3.0))
    assert average.model.num_batches_tracked == 7
    assert not average.model.training


def test_only_matrices_decay() -> None:
    decaying, still = parameter_groups(torch.nn.Linear(3, 2), 0.1)
    assert [p.ndim for p in decaying["params"]] == [2]
    assert [p.ndim for p in still["params"]] == [1]
    assert still["weight_decay"] == 0


def test_state_reads_back_and_a_missing_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.pt"
    assert load_state(path) is None
    save_state(path, step=3, weights={"a": torch.ones(2)})
    state = load_state(path)
    assert state is not None
    assert state["step"] == 3
    assert torch.equal(state["weights"]["a"], torch.ones(2))


def test_damaged_state_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    save_state(path, step=3)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ModelError, match=r"state\.pt"):
        load_state(path)


def test_a_state_with_a_changed_byte_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    save_state(path, weights=torch.full((50,), 0.5))
    data, value = path.read_bytes(), torch.tensor(0.5).numpy().tobytes()
    path.write_bytes(data.replace(value * 50, value * 49 + torch.tensor(0.25).numpy().tobytes()))
    with pytest.raises(ModelError, match=r"state\.pt: a damaged training checkpoint.*does not match its checksum"):
        load_state(path)


@pytest.mark.parametrize("count", [10, 100_000])
def test_a_state_that_finds_no_room_is_one_line_and_the_former_one_stays(
    tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.pt"
    save_state(path, step=3)
    opened = Path.open

    def full(self: Path, mode: str) -> object:
        return opened(Path("/dev/full"), mode)

    with monkeypatch.context() as disk:
        disk.setattr(Path, "open", full)
        with pytest.raises(StoreError, match=r"state\.pt: the disk is full"):
            save_state(path, step=4, weights=torch.zeros(count))
    assert load_state(path) == {"step": 3}
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.pt"]
