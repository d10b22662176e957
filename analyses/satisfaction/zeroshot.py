"""Zero-shot accuracy by template, and two ways to fold fine emotions into broad ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench import ConceptSet, EmbedSpec, Store, embed, load_clip, open_dataset
from workbench.methods.metrics import confusion_matrix, evaluate, fine_confusion_matrix
from workbench.methods.paired import mcnemar
from workbench.methods.zeroshot import ZeroShot, classify

CHOSEN_ON, JUDGED_ON = "validation", "test"


class Images(NamedTuple):
    """Embedded images, their labels ``(N,)`` as columns of the words, and the rows of the two splits."""

    matrix: NDArray[np.float32]
    labels: NDArray[np.int64]
    rows: dict[str, NDArray[np.int64]]


class Trials:
    """A CLIP, a dataset, and the broad classes; texts are encoded, images were."""

    def __init__(self, dataset: str, clip: str, classes: Sequence[str], store: Store) -> None:
        found, self.clip, self.classes = open_dataset(store, dataset), load_clip(clip), list(classes)
        column = {name: place for place, name in enumerate(classes)}
        labels = np.array([column.get(label, -1) for label in found.labels.tolist()], dtype=np.int64)
        rows = {name: found.rows(name)[labels[found.rows(name)] >= 0] for name in (CHOSEN_ON, JUDGED_ON)}
        self.images = Images(embed(EmbedSpec(dataset, clip), store).matrix, labels, rows)

    def templates(self, templates: Sequence[str]) -> dict[str, Any]:
        """Return every trial's accuracy on both splits, with its interval, and which was best on the first."""
        sentences = [[template.format(word) for word in self.classes] for template in templates]
        tried = {template: [lines] for template, lines in zip(templates, sentences, strict=True)}
        tried["all of them together"] = sentences
        membership = np.eye(len(self.classes), dtype=bool)
        trials = {
            name: {
                split: self._accuracy(self._zero_shot(lines, membership, split), split) for split in self.images.rows
            }
            for name, lines in tried.items()
        }
        return {"trials": trials, "chosen": max(trials, key=lambda name: float(trials[name][CHOSEN_ON][0]))}

    def folds(self, concepts: ConceptSet, templates: Sequence[str]) -> dict[str, Any]:
        """Compare sum and max: accuracies, both confusion matrices, and fine emotion against broad label."""
        prompts = [[template.format(text) for text in concepts.texts] for template in templates]
        labels = self.images.labels[self.images.rows[JUDGED_ON]]
        result: dict[str, Any] = {"templates": list(templates)}
        right = {}
        for aggregate in ("sum", "max"):
            found = self._zero_shot(prompts, concepts.membership, JUDGED_ON, aggregate)
            matrix = confusion_matrix(labels, found.classes.predicted, len(self.classes))
            result[aggregate] = {"accuracy": self._accuracy(found, JUDGED_ON), "confusion": matrix.tolist()}
            right[aggregate] = found.classes.predicted == labels
        fine = found.concept_probabilities.argmax(axis=1)
        counts = fine_confusion_matrix(fine, labels, len(concepts.texts), len(self.classes))
        test = mcnemar(right["max"], right["sum"])._asdict()
        return result | {"fine": dict(zip(concepts.texts, counts.tolist(), strict=True)), "sum_against_max": test}

    def _zero_shot(
        self, prompts: list[list[str]], membership: NDArray[np.bool_], split: str, aggregate: str = "sum"
    ) -> ZeroShot:
        texts = self.clip.encode_texts([sentence for lines in prompts for sentence in lines])
        shaped = texts.reshape(len(prompts), len(prompts[0]), -1)
        images = self.images.matrix[self.images.rows[split]]
        return classify(images, shaped, membership, self.clip.logit_scale, aggregate=aggregate)

    def _accuracy(self, found: ZeroShot, split: str) -> list[float]:
        """Percent: value and the ends of the interval."""
        labels = self.images.labels[self.images.rows[split]]
        accuracy = evaluate(labels, found.classes.ranked, found.classes.probabilities).accuracy
        return [round(100 * number, 1) for number in accuracy]
