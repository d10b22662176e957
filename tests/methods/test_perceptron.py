from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier

from workbench.errors import SpecError
from workbench.methods.perceptron import Perceptron, train
from workbench.methods.probe import fit


def rings(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three rings around one centre: no linear probe tells them apart."""
    random = np.random.default_rng(seed)
    labels, angle = np.arange(count) % 3, random.uniform(0, 2 * np.pi, count)
    radius = 1 + 2 * labels + random.normal(0, 0.15, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), labels


def test_it_learns_what_no_linear_probe_can() -> None:
    learned, other = rings(600, 0), rings(300, 1)
    right = train(*learned, 3, 64).probabilities(other[0]).argmax(axis=1) == other[1]
    linear = fit(*learned, 3).probabilities(other[0]).argmax(axis=1) == other[1]
    assert right.mean() > 0.95
    assert linear.mean() < 0.6


def test_it_answers_as_the_same_layers_do_in_torch() -> None:
    features, labels = rings(200, 0)
    made = train(features, labels, 3, 16)
    hidden, out = torch.nn.Linear(2, 16), torch.nn.Linear(16, 3)
    for layer, weights, bias in ((hidden, made.hidden, made.hidden_bias), (out, made.weights, made.bias)):
        layer.weight.data, layer.bias.data = torch.tensor(weights.T), torch.tensor(bias)
    network = torch.nn.Sequential(hidden, torch.nn.ReLU(), out, torch.nn.Softmax(dim=1))
    scaled = torch.tensor(((features - made.mean) / made.scale).astype(np.float32))
    np.testing.assert_allclose(made.probabilities(features), network(scaled).detach().numpy(), atol=1e-5)
    assert made.parameters == 2 * 16 + 16 + 16 * 3 + 3


def test_two_classes_get_probabilities_of_both_as_the_library_gives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = rings(200, 0)
    monkeypatch.setattr("workbench.methods.perceptron.EPOCHS", 1)
    given = np.minimum(labels, 1)
    made = train(features, given, 2, 8, seed=3)
    scaled = ((features - features.mean(axis=0)) / features.std(axis=0)).astype(np.float32)
    learned = np.random.default_rng(3).permutation(200)[20:]
    library = MLPClassifier((8,), batch_size=180, random_state=3)
    library.partial_fit(scaled[learned], given[learned], classes=[0, 1])
    np.testing.assert_allclose(made.probabilities(features), library.predict_proba(scaled), atol=1e-4)


def test_rows_without_a_label_change_nothing() -> None:
    features, labels = rings(120, 0)
    more = np.vstack([features, np.full((5, 2), 9.0)])
    first = train(features, labels, 3, 8).arrays()
    second = train(more, np.append(labels, [-1] * 5), 3, 8).arrays()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_a_seed_makes_another_and_two_images_are_enough() -> None:
    features, labels = rings(120, 0)
    assert not np.array_equal(train(features, labels, 3, 8).hidden, train(features, labels, 3, 8, seed=1).hidden)
    assert train(np.array([[0.0], [1.0]]), np.array([0, 1]), 2, 2).probabilities(np.zeros((1, 1))).shape == (1, 2)


def test_one_class_and_features_that_are_no_numbers_are_refused() -> None:
    features, labels = rings(30, 0)
    with pytest.raises(SpecError, match="one class only"):
        train(features, np.zeros(30, dtype=np.int64), 3, 4)
    features[4, 1] = np.nan
    with pytest.raises(SpecError, match="row 4"):
        train(features, labels, 3, 4)


def test_training_that_diverges_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MLPClassifier, "predict_proba", lambda _, rows: np.full((len(rows), 3), np.nan))
    with pytest.raises(SpecError, match="diverged: its log loss is not a number"):
        train(*rings(60, 0), 3, 4)


def test_arrays_of_other_layers_are_refused() -> None:
    arrays = train(*rings(60, 0), 3, 4).arrays()
    with pytest.raises(ValueError, match="do not fit"):
        Perceptron.restore(arrays | {"hidden": np.zeros((2, 5))})
    with pytest.raises(KeyError):
        Perceptron.restore({name: array for name, array in arrays.items() if name != "bias"})
