from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.conftest import StopAfter, write_source
from workbench.data.concepts import load_concept_set
from workbench.data.demo import IMAGES, TRUTH, write_demo_source
from workbench.errors import Cancelled, ModelError, SpecError
from workbench.methods.duplicates import BLANK_DEVIATION
from workbench.specs import DissectSpec, ImportSpec
from workbench.store import Store
from workbench.studies.dissect import dissect, probing_rows
from workbench.studies.dissection import Dissection, find_dissection, open_dissection
from workbench.studies.importing import import_dataset
from workbench.studies.unit_values import UnitValues

QUICK = DissectSpec("faces", layers="conv4b,lin2", draws=200, resamples=10)


@pytest.fixture(scope="module")
def dissected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Dissection]:
    """face-cnn on 300 rendered faces whose actions are known."""
    folder = tmp_path_factory.mktemp("dissect")
    store = Store(folder / "workspace")
    write_demo_source(folder, seed=3, count=300)
    dataset = import_dataset(ImportSpec(str(folder / IMAGES), "faces"), store)
    shutil.copy(folder / TRUTH, dataset.path / TRUTH)
    return store, dissect(QUICK, store)


def recorded(store: Store, found: Dissection) -> np.ndarray:
    """All units' activations of the dataset, computed one image at a time by the network itself."""
    import torch

    from workbench.data.datasets import open_dataset
    from workbench.models.targets import load_target

    dataset, target = open_dataset(store, "faces"), load_target("face-cnn")
    outputs: dict[str, torch.Tensor] = {}
    for name in found.layers:
        target.module.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: outputs.update({name: out})
        )
    rows = []
    for row in range(len(dataset)):
        with torch.inference_mode():
            target.module(target.prepare([dataset.image(row)]))
        conv, lin = outputs["conv4b"], outputs["lin2"]
        rows.append(np.concatenate([conv.mean(dim=(2, 3))[0].numpy(), lin[0].numpy()]))
    return np.stack(rows)


def test_labels_top_images_and_accuracy_are_what_their_definitions_say(dissected: tuple[Store, Dissection]) -> None:
    from workbench.data.datasets import open_dataset

    store, found = dissected
    dataset, activations = open_dataset(store, "faces"), recorded(store, found)
    probing, held_out = probing_rows(dataset, QUICK)
    assert found.layers == ("conv4b", "lin2")
    assert len(found.label) == activations.shape[1]
    assert found.probing == len(probing)
    assert found.held_out == len(held_out)
    best = probing[np.argsort(-activations[probing], axis=0, kind="stable")[:5]].T
    assert np.allclose(np.take_along_axis(activations.T, found.top, axis=1), found.top_activations, atol=1e-4)
    assert np.allclose(np.take_along_axis(activations.T, best, axis=1), found.top_activations, atol=1e-4)
    assert np.array_equal(found.label, found.similarities.argmax(axis=1))
    assert np.allclose(found.similarity, found.similarities.max(axis=1))
    concepts = load_concept_set("facial-expressions")
    for unit in range(0, len(found.label), 37):
        spoken = concepts.concepts[found.label[unit]].classes
        share = np.mean([str(dataset.labels[row]) in spoken for row in found.top[unit]])
        assert found.accuracy[unit] == pytest.approx(share)
        assert np.allclose(found.mean[unit], activations[probing, unit].mean(), atol=1e-4)
        happy = dataset.labels[probing] == "happy"
        place = found.classes.index("happy")
        assert found.class_means[unit, place] == pytest.approx(activations[probing, unit][happy].mean(), abs=1e-3)
        assert (
            found.selectivity_low[unit, place] <= found.selectivity[unit, place] <= found.selectivity_high[unit, place]
        )


def test_a_label_holds_by_its_q_value_and_on_held_out_images(dissected: tuple[Store, Dissection]) -> None:
    _, found = dissected
    expected = (found.q <= QUICK.alpha) & (found.faithfulness_low > 0) & (found.stability >= 0.5)
    assert np.array_equal(found.holds, expected)
    assert 0 < found.holds.sum() < len(found.holds)
    assert [bool(word) for word in found.labels()] == found.holds.tolist()
    assert (found.p >= 1 / (QUICK.draws + 1) - 1e-9).all()
    assert (found.q >= found.p - 1e-6).all()


def test_the_layer_table_sums_the_units_up(dissected: tuple[Store, Dissection]) -> None:
    _, found = dissected
    for row in found.layer_table:
        rows = found.rows(row["layer"])
        above = found.similarity[rows] > QUICK.tau
        assert (row["num_interp"], row["num_uninterp"]) == (above.sum(), (~above).sum())
        assert row["prop_interp"] == pytest.approx(above.mean())
        assert row["overall_acc"] == pytest.approx(found.accuracy[rows].mean())
        assert row["interp_acc"] == (pytest.approx(found.accuracy[rows][above].mean()) if above.any() else None)
        assert row["labelled"] == found.holds[rows].sum()
        assert row["truth_right"] == pytest.approx((found.label == found.truth_best)[rows].mean())


def test_images_without_a_face_to_see_choose_no_label(dissected: tuple[Store, Dissection]) -> None:
    from workbench.data.datasets import open_dataset

    store, found = dissected
    dataset = open_dataset(store, "faces")
    blank = np.flatnonzero(dataset.contrasts < BLANK_DEVIATION)
    assert blank.size
    assert not np.isin(found.top, blank).any()
    probing, held_out = probing_rows(dataset, QUICK)
    assert not np.isin(np.concatenate([probing, held_out]), blank).any()
    judged = dataset.digests[np.concatenate([probing, held_out])].tolist()
    assert len(set(judged)) == len(judged)
    assert any("blank, or copies" in note for note in found.notes)


def test_maps_show_where_a_unit_fires(dissected: tuple[Store, Dissection]) -> None:
    _, found = dissected
    maps = found.maps("conv4b")
    assert maps is not None
    assert maps.shape == (160, 5, 5, 5)
    assert maps.dtype == np.uint8
    assert (maps.reshape(160, -1).max(axis=1) == 255).all()
    assert (maps.reshape(160, -1).min(axis=1) == 0).all()
    assert found.maps("lin2") is None
    means, order = maps.reshape(160, 5, -1).mean(axis=2), found.top_activations[found.rows("conv4b")]
    assert (
        np.corrcoef(means.ravel() - np.repeat(means.mean(1), 5), order.ravel() - np.repeat(order.mean(1), 5))[0, 1]
        > 0.5
    )


def test_nearest_units_correlate_most(dissected: tuple[Store, Dissection]) -> None:
    store, found = dissected
    from workbench.data.datasets import open_dataset

    probing, _ = probing_rows(open_dataset(store, "faces"), QUICK)
    activations = recorded(store, found)[probing]
    unit = found.index("lin2", 5)
    correlations = np.array(
        [np.corrcoef(activations[:, unit], activations[:, other])[0, 1] for other in range(160, 544)]
    )
    correlations[5] = -2
    assert set(found.nearest[unit].tolist()) == set((np.argsort(-correlations)[:8] + 160).tolist())
    assert np.allclose(found.nearest_correlation[unit], np.sort(correlations)[::-1][:8], atol=1e-3)


def test_one_images_activations_are_those_recorded(dissected: tuple[Store, Dissection]) -> None:
    store, found = dissected
    assert np.allclose(UnitValues(found, store).face(17), recorded(store, found)[17], atol=1e-4)


def test_a_dissection_is_stored_found_and_not_computed_twice(dissected: tuple[Store, Dissection]) -> None:
    store, found = dissected
    before = found.artifact.created
    assert dissect(QUICK, store).artifact.name == found.artifact.name
    assert find_dissection(store, found.artifact.name[:8]).artifact.created == before
    assert open_dissection(found.artifact).spec == QUICK
    with pytest.raises(SpecError, match="unknown dissection 'other'"):
        find_dissection(store, "other")


@pytest.mark.parametrize(
    "change",
    [
        {"concepts": "fer7"},
        {"similarity": "cos_similarity"},
        {"pool": "max"},
        {"split": "test"},
        {"tau": 0.1},
        {"alpha": 0.01},
        {"top_k": 4},
        {"draws": 201},
        {"resamples": 11},
        {"seed": 1},
        {"layers": "lin2"},
        {"target": "clip:face-clip", "layers": "layer4"},
    ],
    ids=str,
)
def test_every_field_makes_another_dissection(dissected: tuple[Store, Dissection], change: dict[str, object]) -> None:
    store, found = dissected
    other = dissect(dataclasses.replace(QUICK, **change), store)  # type: ignore[arg-type]
    assert other.artifact.name != found.artifact.name
    assert len(other.label) == sum(row["units"] for row in other.layer_table) > 0


@pytest.mark.parametrize("after", [1, 3, 6, 8])
def test_a_killed_run_resumes_to_the_same_bytes(
    dissected: tuple[Store, Dissection], after: int, tmp_path: Path
) -> None:
    store, found = dissected
    shutil.copytree(store.root / "datasets", tmp_path / "datasets")
    other = Store(tmp_path)
    with pytest.raises(Cancelled):
        dissect(QUICK, other, StopAfter(after))
    again = dissect(QUICK, other).artifact
    assert again.name == found.artifact.name
    assert again.manifest["parts"] == found.artifact.manifest["parts"]


def write_network(folder: Path, name: str, body: str) -> None:
    (folder / f"{name}.py").write_text(
        "import torch\nfrom torch import nn\nfrom torchvision import transforms\n"
        "look = transforms.Compose([transforms.Grayscale(), transforms.Resize((8, 8)), transforms.ToTensor()])\n" + body
    )


NETWORK = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(64, 6)
        self.bad = nn.Linear(6, 4)
        self.last = nn.Linear(4, 2)
        with torch.no_grad():
            self.first.weight[2] = 0
            self.bad.weight[1] = {fault}
    def forward(self, x):
        return self.last(self.bad(self.first(x.flatten(1))))
def make():
    return Net(), look
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store) -> Store:
    monkeypatch.chdir(tmp_path)
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 120)), "faces"), store)
    return store


def test_a_constant_unit_has_no_label(own: Store, tmp_path: Path) -> None:
    write_network(tmp_path, "constant_unit", NETWORK.format(fault="1.0"))
    spec = dataclasses.replace(QUICK, target="python:constant_unit:make", layers="first,bad")
    found = dissect(spec, own)
    assert found.constant.tolist() == [False, False, True, False, False, False] + [False] * 4
    assert found.label[2] == -1
    assert found.top[2].tolist() == [-1] * 5
    assert not found.holds[2]
    assert found.q[2] == 1
    assert found.layer_table[0]["constant"] == 1
    assert found.layer_table[0]["num_interp"] + found.layer_table[0]["num_uninterp"] == 5
    assert 2 not in found.nearest[0]
    assert (found.nearest[6:] >= 6).sum() == 4 * 3


def test_a_layer_of_constant_units_is_dissected_to_nothing(own: Store, tmp_path: Path) -> None:
    write_network(
        tmp_path,
        "constant_layer",
        NETWORK.format(fault="1.0").replace("self.first.weight[2] = 0", "self.first.weight.zero_()"),
    )
    found = dissect(dataclasses.replace(QUICK, target="python:constant_layer:make", layers="first"), own)
    assert found.constant.all()
    assert found.layer_table[0]["labelled"] == 0
    assert found.layer_table[0]["median_similarity"] is None


def test_a_network_that_gives_nan_names_layer_unit_and_image(own: Store, tmp_path: Path) -> None:
    write_network(tmp_path, "nan_unit", NETWORK.format(fault="float('nan')"))
    with pytest.raises(ModelError, match=r"unit 1 of layer bad gives nan for the image 'face-0000'"):
        dissect(dataclasses.replace(QUICK, target="python:nan_unit:make", layers="bad"), own)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layers": "conv9a"}, "unknown layer 'conv9a'.*did you mean 'conv"),
        ({"target": "face-cn"}, "did you mean 'face-cnn'"),
        ({"split": "training"}, "training"),
        ({"top_k": 40, "split": "test"}, ""),
        ({"dataset": "facs"}, "did you mean 'faces'"),
        ({"concepts": "fer8"}, "did you mean 'fer7'"),
    ],
    ids=str,
)
def test_a_wrong_question_gets_one_clear_line(own: Store, change: dict[str, object], words: str) -> None:
    spec = dataclasses.replace(QUICK, **change)  # type: ignore[arg-type]
    if not words:
        assert dissect(spec, own).top.shape[1] == 40
        return
    with pytest.raises(SpecError, match=words) as caught:
        dissect(spec, own)
    assert "\n" not in str(caught.value)


def test_too_few_images_or_concepts_are_said(own: Store, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("a smile\n")
    with pytest.raises(SpecError, match="has one concept; soft_wpmi compares concepts"):
        dissect(dataclasses.replace(QUICK, concepts=str(tmp_path / "one.txt")), own)
    found = dissect(dataclasses.replace(QUICK, concepts=str(tmp_path / "one.txt"), similarity="cos_similarity"), own)
    assert set(found.label.tolist()) == {0}
    assert set(found.runner_up.tolist()) == {-1}
    assert np.isnan(found.accuracy).all()
    table = pq.read_table(write_source(tmp_path / "few.parquet", 9))
    pq.write_table(table, tmp_path / "few.parquet")
    import_dataset(ImportSpec(str(tmp_path / "few.parquet"), "few"), own)
    with pytest.raises(SpecError, match="has 3 different images that are not blank; top_k 5 needs at least 5"):
        dissect(dataclasses.replace(QUICK, dataset="few"), own)
