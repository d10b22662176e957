"""What each number means, in the words shown on hover; see :mod:`workbench.definitions`."""

from __future__ import annotations

from workbench.definitions import ABLATION as ABLATION
from workbench.definitions import ACCURATE as ACCURATE
from workbench.definitions import BROAD as BROAD
from workbench.definitions import BY_CLASS as BY_CLASS
from workbench.definitions import CLASS_MEANS as CLASS_MEANS
from workbench.definitions import CONCEPTS as CONCEPTS
from workbench.definitions import DISSECTION as DISSECTION
from workbench.definitions import F1 as F1
from workbench.definitions import FINE as FINE
from workbench.definitions import FIRED as FIRED
from workbench.definitions import INTERVAL as INTERVAL
from workbench.definitions import LAYERS as LAYERS
from workbench.definitions import MAPS as MAPS
from workbench.definitions import MARGIN as MARGIN
from workbench.definitions import METRICS as METRICS
from workbench.definitions import NEAREST_UNITS as NEAREST_UNITS
from workbench.definitions import NEIGHBOURS as NEIGHBOURS
from workbench.definitions import NULL_BAND as NULL_BAND
from workbench.definitions import ORDER as ORDER
from workbench.definitions import PERCENTILE as PERCENTILE
from workbench.definitions import PRECISION as PRECISION
from workbench.definitions import PROBABILITY as PROBABILITY
from workbench.definitions import RECALL as RECALL
from workbench.definitions import SETS as SETS
from workbench.definitions import SPLITS as SPLITS
from workbench.definitions import SUPPORT as SUPPORT
from workbench.definitions import TRAINED_ON as TRAINED_ON
from workbench.definitions import UNITS as UNITS
