from __future__ import annotations

import numpy as np
import pytest

from tests.references import neighbours as reference
from workbench.errors import SpecError
from workbench.methods import neighbours
from workbench.methods.neighbours import nearest


def unit(seed: int, rows: int, dimension: int = 16) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_neighbours_are_those_of_sorting_all_cosines() -> None:
    embeddings, queries = unit(0, 300), unit(1, 20)
    found = nearest(embeddings, queries, 7)
    for row, query in enumerate(queries):
        assert found.rows[row].tolist() == reference.nearest(embeddings, query, 7)
    expected = np.einsum("qd,qkd->qk", queries.astype(np.float64), embeddings[found.rows].astype(np.float64))
    np.testing.assert_allclose(found.similarities, expected, atol=1e-6)


def test_an_excluded_row_is_no_neighbour_of_itself() -> None:
    embeddings = unit(2, 50)
    found = nearest(embeddings, embeddings[[4, 9]], 5, exclude=np.array([4, -1]))
    assert found.rows[0].tolist() == reference.nearest(embeddings, embeddings[4], 5, exclude=4)
    assert found.rows[1, 0] == 9


def test_equal_embeddings_come_in_the_order_of_rows() -> None:
    embeddings = np.repeat(unit(3, 1), 40, axis=0)
    assert nearest(embeddings, embeddings[:1], 5).rows.tolist() == [[0, 1, 2, 3, 4]]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings = unit(4, 60)
    whole = nearest(embeddings, embeddings, 4)
    monkeypatch.setattr(neighbours, "_BLOCK_VALUES", 150)
    assert np.array_equal(whole.rows, nearest(embeddings, embeddings, 4).rows)


def test_fewer_are_returned_where_there_are_fewer() -> None:
    embeddings = unit(5, 3)
    assert nearest(embeddings, embeddings[:1], 10).rows.shape == (1, 3)
    assert nearest(embeddings, embeddings[:1], 10, exclude=np.array([0])).rows.shape == (1, 2)
    assert nearest(embeddings[:0], embeddings[:1], 10).rows.shape == (1, 0)
    assert nearest(embeddings, embeddings[:0], 10).rows.shape == (0, 3)


def test_the_embeddings_are_left_as_they_were() -> None:
    embeddings = unit(6, 10)
    embeddings.flags.writeable = False
    nearest(embeddings, embeddings, 3, exclude=np.arange(10))


def test_what_are_no_unit_embeddings_is_refused() -> None:
    embeddings = unit(7, 10)
    embeddings[6, 0] = np.nan
    with pytest.raises(SpecError, match="embedding 6 holds NaN or is longer than 1"):
        nearest(embeddings, embeddings[:1], 3)
    with pytest.raises(SpecError, match="k is 0"):
        nearest(embeddings, embeddings[:1], 0)
    with pytest.raises(ValueError, match="do not fit"):
        nearest(embeddings[:, 1:], embeddings[:1], 3)
    with pytest.raises(ValueError, match="exclude must be an integer array"):
        nearest(embeddings, embeddings[:1], 3, exclude=np.array([1, 2]))
