"""Which units a page shows, in which order, and as a table."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from tests.app.conftest import UNITS
from workbench.app.units import (
    ORDERS,
    UnitChoice,
    best_emotions,
    chosen_units,
    default_order,
    fired_units,
    share_below,
    unit_name,
    unit_number,
    units_csv,
)
from workbench.errors import SpecError
from workbench.store import Store
from workbench.studies.dissection import Dissection, open_dissection


@pytest.fixture(scope="module")
def dissection(workspace: Store) -> Dissection:
    return open_dissection(next(a for a in workspace.artifacts("dissection") if a.spec["dataset"] == "faces"))


def units(dissection: Dissection, order: str = "unit", **choice: object) -> list[int]:
    return chosen_units(dissection, UnitChoice(**choice), order).tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize("order", sorted(ORDERS))
def test_an_order_is_the_other_way_round_with_a_minus_and_unknown_values_come_last(
    dissection: Dissection, order: str
) -> None:
    choice = UnitChoice()
    values = np.asarray(ORDERS[order](dissection, choice), dtype=float)
    for found, sign in ((units(dissection, order), 1), (units(dissection, f"-{order}"), -1)):
        known = [sign * values[number] for number in found if not np.isnan(values[number])]
        assert known == sorted(known)
        assert all(np.isnan(values[number]) for number in found[len(known) :])
        assert sorted(found) == list(range(UNITS))


def test_labels_are_sorted_by_name_and_units_without_one_come_last(dissection: Dissection) -> None:
    found = units(dissection, "label")
    names = [dissection.concepts[dissection.label[number]] for number in found if dissection.holds[number]]
    assert names == sorted(names)
    assert not dissection.holds[found[len(names) :]].any()


def test_units_for_happy_are_those_most_selective_for_it_by_its_auroc(dissection: Dissection) -> None:
    choice = UnitChoice(emotion="happy")
    happy = dissection.classes.index("happy")
    found = chosen_units(dissection, choice, default_order(choice))
    best = dissection.selectivity[:-1].argmax(axis=1)
    assert sorted(found) == np.flatnonzero(best == happy).tolist()
    assert (np.diff(dissection.selectivity[found, happy]) <= 0).all()


def test_units_whose_label_speaks_for_an_emotion_are_another_choice(dissection: Dissection) -> None:
    found = units(dissection, emotion="happy", by="speaks")
    happy = dissection.classes.index("happy")
    spoken = [number for number in range(UNITS - 1) if dissection.membership[dissection.label[number], happy]]
    assert sorted(found) == spoken


def test_choosing_an_emotion_may_only_rank(dissection: Dissection) -> None:
    assert len(units(dissection, emotion="happy", by="any")) == UNITS


def test_filters_narrow_together(dissection: Dissection) -> None:
    concept = dissection.concepts[int(dissection.label[np.flatnonzero(dissection.holds)[0]])]
    found = units(dissection, layer="conv1", concept=concept, labelled=True)
    assert found
    for number in found:
        assert dissection.layer_index[number] == 0
        assert dissection.concepts[dissection.label[number]] == concept
        assert dissection.holds[number]


@pytest.mark.parametrize(
    ("text", "expected"), [("lin1:42", ["lin1:42"]), ("LIN1:42", ["lin1:42"]), ("lin1:999", []), ("nonsense", [])]
)
def test_a_unit_is_found_by_its_name(dissection: Dissection, text: str, expected: list[str]) -> None:
    assert [unit_name(dissection, number) for number in units(dissection, search=text)] == expected


def test_a_layer_is_found_by_its_name(dissection: Dissection) -> None:
    assert units(dissection, search="lin1", order="layer") == list(range(UNITS // 2, UNITS))


def test_a_concept_is_found_by_a_part_of_its_name(dissection: Dissection) -> None:
    found = units(dissection, search="  bROws ")
    expected = [n for n in range(UNITS - 1) if "brows" in dissection.concepts[dissection.label[n]].lower()]
    assert sorted(found) == expected
    assert expected


def test_an_emotion_finds_units_that_speak_for_it_or_are_selective_for_it(dissection: Dissection) -> None:
    found = set(units(dissection, search="disgust"))
    spoken = set(units(dissection, emotion="disgust", by="speaks"))
    selective = set(units(dissection, emotion="disgust", by="selective"))
    assert found == spoken | selective


def test_a_constant_unit_is_found_by_no_concept(dissection: Dissection) -> None:
    last = UNITS - 1
    assert dissection.constant[last]
    assert all(last not in units(dissection, concept=concept) for concept in dissection.concepts)
    assert last not in units(dissection, search="a")
    assert best_emotions(dissection)[0][last] == -1


@pytest.mark.parametrize(
    "choice", [{"layer": "conv9"}, {"concept": "Smirk"}, {"emotion": "<b>"}, {"emotion": "happy", "by": "chance"}]
)
def test_what_the_dissection_does_not_have_is_refused(dissection: Dissection, choice: dict[str, str]) -> None:
    with pytest.raises(SpecError):
        units(dissection, **choice)


def test_an_unknown_order_is_refused(dissection: Dissection) -> None:
    with pytest.raises(SpecError, match="sideways"):
        units(dissection, "-sideways")


def test_names_and_numbers_of_units_are_each_others_inverse(dissection: Dissection) -> None:
    assert [unit_number(dissection, unit_name(dissection, number)) for number in range(UNITS)] == list(range(UNITS))


@pytest.mark.parametrize("name", ["lin1", "lin1:", "lin1:-1", "lin1:60", "lin1:x", ":4", "fc:0", "lin1:٣", ""])
def test_a_unit_that_is_not_there_is_refused(dissection: Dissection, name: str) -> None:
    with pytest.raises(SpecError):
        unit_number(dissection, name)


def test_the_share_below_counts_only_images_on_which_the_unit_is_less_active() -> None:
    quantiles = np.concatenate([np.zeros(51), np.linspace(0.1, 5, 50)])
    assert share_below(quantiles, 0.0) == 0
    assert share_below(quantiles, 0.05) == 51
    assert share_below(quantiles, 99.0) == 100
    assert share_below(np.stack([quantiles, quantiles]), np.array([0.0, 99.0])).tolist() == [0, 100]


def test_units_that_fired_have_a_label_that_holds_and_come_by_how_far_they_stand_out(dissection: Dissection) -> None:
    activations = np.random.default_rng(0).random(UNITS).astype(np.float32)
    found, shares, distances = fired_units(dissection, activations, 10)
    assert dissection.holds[found].all()
    assert (np.diff(shares) <= 0).all()
    assert (np.diff(distances)[np.diff(shares) == 0] <= 0).all()
    held = np.flatnonzero(dissection.holds)
    assert shares.min() >= np.sort(share_below(dissection.quantiles[held], activations[held]))[-10]


def test_the_table_is_exported_with_all_its_evidence(dissection: Dissection) -> None:
    numbers = chosen_units(dissection, UnitChoice(), "-faithfulness")
    lines = list(csv.DictReader(units_csv(dissection, numbers).decode().splitlines()))
    assert [f"{line['layer']}:{line['unit']}" for line in lines] == [unit_name(dissection, n) for n in numbers]
    first, last = lines[0], next(line for line in lines if line["layer"] == "lin1" and line["unit"] == "59")
    number = int(numbers[0])
    assert first["best_match"] == dissection.concepts[dissection.label[number]]
    assert first["label"] == (first["best_match"] if dissection.holds[number] else "")
    assert float(first["faithfulness"]) == pytest.approx(dissection.faithfulness[number], rel=1e-5)
    assert float(first["auroc(happy)"]) == pytest.approx(dissection.selectivity[number, 3], rel=1e-5)
    assert (last["best_match"], last["q"], last["emotion"]) == ("", "", "")
