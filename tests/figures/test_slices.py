from __future__ import annotations

from typing import Any

import numpy as np

from workbench.figures.slices import class_gaps


def gap(label: str, images: int, difference: float | None, q: float | None) -> dict[str, Any]:
    known = None if difference is None else {"value": difference, "low": difference - 0.1, "high": difference + 0.1}
    accuracy = known and {"value": 0.7, "low": 0.5, "high": 0.8}
    cell = {"attribute": "kind", "value": "<b>a</b>", "label": label, "images": images}
    return cell | {"accuracy": accuracy, "difference": known, "q": q}


def test_cells_say_how_many_images_they_are_of_and_few_ones_are_gray_without_a_number() -> None:
    cells = [gap("happy", 1250, -0.2, 0.01), gap("sad", 40, 0.1, None), gap("fear", 6, None, None)]
    few, compared = class_gaps(cells).data
    assert np.isnan(few.z).tolist() == [[True, True, False]]
    np.testing.assert_allclose(compared.z, [[-20, 10, np.nan]])
    assert list(compared.text[0]) == ["-20*<br>n 1,250", "+10<br>n 40", "n 6"]
    assert compared.y == ("&lt;b&gt;a&lt;/b&gt;",)
    assert few.customdata[0][2] == "6 images, too few to compare"


def test_a_figure_without_any_cell_that_can_be_compared_is_drawn() -> None:
    few, compared = class_gaps([gap("fear", 6, None, None)]).data
    assert np.isnan(compared.z).all()
    assert (few.z == 0).all()
