"""Types of the arrays that association reckons with. Owns their names alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Whole numbers: cameras, cells, counts.
Ints = NDArray[np.intp]
#: Rows of the memory, or of another table.
Rows = NDArray[np.intp]
#: Index arrays that pick from several axes at once.
Index = tuple[NDArray[np.intp], ...]
