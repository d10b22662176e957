"""Ablation: a planted unit costs its class and no other, and every figure is that of the network changed by hand."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.conftest import FER2013_CLASSES, StopAfter
from tests.references.ablate import recall_and_margin
from workbench.data.datasets import open_dataset
from workbench.data.demo import IMAGES, write_demo_source
from workbench.data.images import encode_png
from workbench.errors import Cancelled, SpecError
from workbench.models.targets import load_target
from workbench.specs import AblateSpec, DissectSpec, ImportSpec
from workbench.store import Store
from workbench.studies.ablate import ablate, find_ablation, open_ablation
from workbench.studies.dissect import dissect
from workbench.studies.dissection import Dissection
from workbench.studies.importing import import_dataset

DETECTORS = """
import torch
from torch import nn
from torchvision.transforms.functional import pil_to_tensor

class Detectors(nn.Module):
    '''Unit k fires on a bright stripe k, and class k needs it; neutral wins where none fires; units 7-11 are noise.'''
    classes = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.units = nn.Linear(48 * 48, 12)
        self.act = nn.ReLU()
        self.last = nn.Linear(12, 7)
        with torch.no_grad():
            self.units.weight.normal_(0, 0.001)
            self.units.bias.zero_()
            for k in range(7):
                stripe = torch.zeros(48, 48)
                stripe[:, 6 * k : 6 * k + 6] = 1 / (48 * 6)
                self.units.weight[k] = stripe.flatten()
            self.last.weight.zero_()
            self.last.weight[:6, :6] = torch.eye(6)
            self.last.bias[:] = torch.tensor([-0.6] * 6 + [0.0])

    def forward(self, x):
        return self.last(self.act(self.units(x.flatten(1))))

def make():
    return Detectors(), lambda image: pil_to_tensor(image.convert("L")) / 255
"""


def write_stripes(path: Path) -> Path:
    """210 pictures of noise, those of class k with a bright stripe k; neutral has none."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 120, (210, 48, 48), dtype=np.uint8)
    labels = np.arange(210) % 7
    for picture, label in zip(pixels, labels, strict=True):
        if label < 6:
            picture[:, 6 * label : 6 * label + 6] = rng.integers(200, 256)
    table = {
        "id": [f"stripe-{index:03d}" for index in range(210)],
        "split": [("train", "validation", "test")[index // 70] for index in range(210)],
        "label": [FER2013_CLASSES[label] for label in labels],
        "image": [encode_png(picture) for picture in pixels],
    }
    pq.write_table(pa.table(table), path)
    return path


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Dissection]:
    folder = tmp_path_factory.mktemp("planted")
    store = Store(folder / "workspace")
    (folder / "detectors_of_stripes.py").write_text(DETECTORS)
    import_dataset(ImportSpec(str(write_stripes(folder / "stripes.parquet")), "stripes"), store)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        spec = DissectSpec("stripes", "python:detectors_of_stripes:make", "units,last", "fer7", draws=100, resamples=10)
        found = dissect(spec, store)
    return store, found


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Dissection]:
    """face-cnn on 300 rendered faces."""
    folder = tmp_path_factory.mktemp("ablate")
    store = Store(folder / "workspace")
    write_demo_source(folder, seed=3, count=300)
    import_dataset(ImportSpec(str(folder / IMAGES), "faces"), store)
    return store, dissect(DissectSpec("faces", layers="conv4b,lin2", draws=100, resamples=10), store)


def quick(found: Dissection, layer: str, **change: object) -> AblateSpec:
    spec = AblateSpec(found.artifact.name, layer, images=40, sizes="1,2", controls=20)
    return dataclasses.replace(spec, **change)


@pytest.mark.parametrize("value", ["mean", "zero"])
def test_a_unit_that_carries_a_class_costs_that_class_and_no_other(
    planted: tuple[Store, Dissection], value: str
) -> None:
    store, dissection = planted
    found = ablate(quick(dissection, "units", value=value, images=0, sizes="1,3", controls=50), store)
    assert found.images == 70
    assert found.baseline_accuracy == 1
    expected = np.zeros((12, 7))
    expected[np.arange(6), np.arange(6)] = -1
    assert np.array_equal(found.units_recall, expected)
    assert np.allclose(found.units_accuracy, expected.sum(axis=1) / 7)
    assert (np.diag(found.units_margin)[:6] < -0.3).all()
    assert np.abs(found.units_margin[6:]).max() == 0
    ones = {one["class"]: one for one in found.sets if one["size"] == 1}
    for place, name in enumerate(FER2013_CLASSES[:6]):
        assert ones[name]["units"] == [place]
        assert ones[name]["recall_change"] == expected[place].tolist()
        expected_share = 50 / 12  # of the random sets of one unit, those that hit this one
        assert ones[name]["p"][place] <= (1 + 3 * expected_share) / 51
        assert min(ones[name]["p"][:place] + ones[name]["p"][place + 1 :]) == 1
    assert (
        "Removing the unit of units that counts most for happy takes 100.0 points of happy's recall (10 images)"
        in "".join(found.sentences)
    )
    neutral = ones["neutral"]
    assert max(map(abs, neutral["recall_change"][:6])) in (0, 1)
    assert neutral["recall_change"][6] == 0


def by_hand(store: Store, spec: AblateSpec, found: Dissection, units: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Recall and margin of face-cnn with units of a layer set to their mean."""
    dataset, target = open_dataset(store, "faces"), load_target("face-cnn")
    mean = torch.from_numpy(found.mean[found.rows(spec.layer)].copy())

    def change(_: torch.nn.Module, __: object, output: torch.Tensor) -> torch.Tensor:
        output = output.clone()
        for unit in units:
            output[:, unit] = mean[unit]
        return output

    target.module.get_submodule(spec.layer).register_forward_hook(change)
    chose = set(dataset.digests[dataset.rows("train")].tolist())
    rows = [
        row for row in dataset.rows(spec.split) if dataset.contrasts[row] >= 3 and dataset.digests[row] not in chose
    ]
    logits = target.logits(target.prepare([dataset.image(row) for row in rows])).numpy()
    labels = np.array([FER2013_CLASSES.index(dataset.labels[row]) for row in rows])
    return recall_and_margin(logits, labels)


@pytest.mark.parametrize("layer", ["conv4b", "lin2"])
def test_figures_are_those_of_the_network_changed_by_hand(faces: tuple[Store, Dissection], layer: str) -> None:
    store, dissection = faces
    spec = quick(dissection, layer, images=0, sizes="5")
    found = ablate(spec, store)
    recall, margin = by_hand(store, spec, dissection, [])
    np.testing.assert_allclose(found.baseline_recall, recall, atol=1e-9)
    for unit in (0, 17):
        one_recall, one_margin = by_hand(store, spec, dissection, [unit])
        np.testing.assert_allclose(found.units_recall[unit], one_recall - recall, atol=1e-9)
        np.testing.assert_allclose(found.units_margin[unit], one_margin - margin, atol=1e-5)
    chosen = next(one for one in found.sets if one["class"] == "happy")
    set_recall, set_margin = by_hand(store, spec, dissection, chosen["units"])
    np.testing.assert_allclose(chosen["recall_change"], set_recall - recall, atol=1e-9)
    np.testing.assert_allclose(chosen["margin_change"], set_margin - margin, atol=1e-5)


def test_random_sets_are_stored_and_are_what_the_interval_speaks_of(faces: tuple[Store, Dissection]) -> None:
    store, dissection = faces
    spec = quick(dissection, "lin2", images=0, sizes="3", controls=20)
    found = ablate(spec, store)
    drawn = found.artifact.arrays("controls")["size-3"]
    assert drawn.shape == (20, 3)
    recall, _ = by_hand(store, spec, dissection, [])
    changes = np.array([by_hand(store, spec, dissection, units)[0] - recall for units in drawn.tolist()])
    one = found.sets[0]
    np.testing.assert_allclose(one["random"]["recall_mean"], changes.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(one["random"]["recall_low"], np.percentile(changes, 2.5, axis=0), atol=1e-9)
    np.testing.assert_allclose(one["random"]["recall_high"], np.percentile(changes, 97.5, axis=0), atol=1e-9)


def test_units_by_label_are_those_whose_label_speaks_for_the_class(faces: tuple[Store, Dissection]) -> None:
    store, dissection = faces
    found = ablate(quick(dissection, "lin2", by="label"), store)
    rows = dissection.rows("lin2")
    for one in found.sets:
        place = dissection.classes.index(one["class"])
        labels = dissection.label[rows][one["units"]]
        assert dissection.membership[labels, place].all()
    assert len({tuple(one["units"]) for one in found.sets}) > 2


@pytest.mark.parametrize("after", [1, 30, 90])
def test_a_stopped_run_resumes_to_the_same_bytes(
    planted: tuple[Store, Dissection], monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    store, dissection = planted
    monkeypatch.setattr("workbench.studies.ablate.PART", 16)
    spec = quick(dissection, "last", sizes="1", seed=after)
    with pytest.raises(Cancelled):
        ablate(spec, store, StopAfter(after))
    resumed = ablate(spec, store).artifact
    parts = dict(resumed.manifest["parts"])
    store.remove(resumed)
    assert ablate(spec, store).artifact.manifest["parts"] == parts
    assert len([name for name in parts if name.endswith(".parquet")]) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"value": "zero"},
        {"split": "train"},
        {"images": 20},
        {"sizes": "1"},
        {"controls": 21},
        {"by": "label"},
        {"seed": 1},
        {"layer": "last"},
    ],
    ids=str,
)
def test_each_field_of_the_spec_makes_another_result(
    planted: tuple[Store, Dissection], change: dict[str, object]
) -> None:
    store, dissection = planted
    first = ablate(quick(dissection, "units"), store).artifact.name
    assert ablate(dataclasses.replace(quick(dissection, "units"), **change), store).artifact.name != first


def test_the_newest_ablation_of_a_layer_is_found(planted: tuple[Store, Dissection]) -> None:
    store, dissection = planted
    found = ablate(quick(dissection, "units", seed=7), store)
    newest = find_ablation(store, dissection.artifact.name, "units")
    assert newest is not None
    assert newest.artifact.name == found.artifact.name
    assert newest.spec.seed == 7
    assert find_ablation(store, "another", "units") is None
    with pytest.raises(SpecError, match="is not an ablation"):
        open_ablation(dissection.artifact)


def test_notes_tell_what_a_reader_must_know(planted: tuple[Store, Dissection]) -> None:
    store, dissection = planted
    notes = " ".join(ablate(quick(dissection, "last", split="test", sizes="1,2,9"), store).notes)
    assert "last has 7 units, so no sets of 9" in notes
    assert "measured on 'test'" in notes
    notes = " ".join(ablate(quick(dissection, "last", split="train"), store).notes)
    assert "the images also chose the units, which flatters the losses" in notes


def test_zero_is_noted_where_it_is_no_value_that_units_have(
    faces: tuple[Store, Dissection],
) -> None:
    store, dissection = faces
    quantiles = dissection.quantiles[dissection.rows("conv4b")]
    unusual = int(((quantiles[:, 5] > 0) | (quantiles[:, 95] < 0)).sum())
    assert unusual > 0
    notes = " ".join(ablate(quick(dissection, "conv4b", value="zero", images=14, sizes="1"), store).notes)
    assert f"zero lies outside the middle 90 % of the activations of {unusual} of the 160 units" in notes
    assert "zero lies" not in " ".join(ablate(quick(dissection, "conv4b", images=14, sizes="1"), store).notes)


def test_copies_of_images_that_chose_the_units_are_left_out(planted: tuple[Store, Dissection]) -> None:
    store, dissection = planted
    found = ablate(quick(dissection, "last", split="all", images=0), store)
    assert found.images == 140
    assert "left out of 'all': 70 images that also chose the units" in found.notes


def test_a_layer_with_fewer_units_than_every_set_still_gives_its_units(planted: tuple[Store, Dissection]) -> None:
    store, dissection = planted
    found = ablate(quick(dissection, "last", sizes="40"), store)
    assert found.sets == []
    assert found.sentences == []
    assert found.units_recall.shape == (7, 7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layer": "lst"}, "did you mean 'last'"),
        ({"split": "validaton"}, "did you mean 'validation'"),
        ({"dissection": "nothing"}, "nothing"),
    ],
    ids=str,
)
def test_a_wrong_question_gets_one_clear_line(
    planted: tuple[Store, Dissection], change: dict[str, object], words: str
) -> None:
    store, dissection = planted
    with pytest.raises(Exception, match=words) as caught:
        ablate(dataclasses.replace(quick(dissection, "last"), **change), store)
    assert "\n" not in str(caught.value)


def test_tokens_are_set_to_their_mean_over_the_probing_images(
    tmp_path: Path, tiny_clip_folder: Path, store: Store
) -> None:
    """A CLIP's image tower has no classes of its own: texts of the seven classes judge it."""
    import_dataset(ImportSpec(str(write_stripes(tmp_path / "stripes.parquet")), "stripes"), store)
    target = f"clip:local-dir:{tiny_clip_folder}"
    layer = "transformer.resblocks.0.mlp.c_fc"
    dissection = dissect(DissectSpec("stripes", target, layer, "fer7", draws=100, resamples=10), store)
    found = ablate(quick(dissection, layer, images=0, sizes="2"), store)
    assert found.classes == FER2013_CLASSES
    assert found.units_margin.shape == (64, 7)
    assert np.isfinite(found.units_margin).all()
    assert np.abs(found.units_margin).max() > 0


def test_reading_a_stored_ablation_loads_no_torch(planted: tuple[Store, Dissection]) -> None:
    store, dissection = planted
    ablate(quick(dissection, "units"), store)
    code = (
        "import sys; from pathlib import Path; from workbench.store import Store\n"
        "from workbench.studies.ablate import find_ablation\n"
        f"found = find_ablation(Store(Path({str(store.root)!r})), {dissection.artifact.name!r}, 'units')\n"
        "print(len(found.sets), len(found.sentences) > 0, 'torch' in sys.modules, flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["14", "True", "False"], done.stderr
