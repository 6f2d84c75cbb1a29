"""Notices when all features run into one point. Watches two numbers; stops nothing."""

from __future__ import annotations

from collections import deque

#: Departure from the collapse value that still counts as sitting on it.
TOLERANCE = 0.01
#: Mean distance between features, as a share of the loss's own scale, below which they count as one point.
POINT = 0.1


class CollapseWatch:
    """Tells collapse from a loss that merely passes by its collapse value.

    Features are one point when the loss has sat at its collapse value (ln 2 for the soft margin, m for a margin m) for
    ``patience`` batches in a row while the mean distance between them was a small share of what the loss can feel (m,
    or 1 for the soft margin). Distances decide because early batch-all losses also pass by ln 2.

    Source:
        Hermans, Beyer, Leibe 2017, "In Defense of the Triplet Loss", appendix (the soft margin stuck at ln 2).
    """

    def __init__(self, at_collapse: float | None, scale: float = 1.0, patience: int = 10) -> None:
        """Starts watching.

        Args:
            at_collapse: The loss's value at collapse; None never tells anything.
            scale: Distance that the loss can feel, > 0.
            patience: Batches in a row.

        Raises:
            ValueError: ``scale`` or ``patience`` is not positive.
        """
        if scale <= 0 or patience < 1:
            raise ValueError(f"scale and patience must be positive, got {scale} and {patience}")
        self._at = at_collapse
        self._scale = scale
        self._recent: deque[bool] = deque(maxlen=patience)

    def see(self, loss: float, spread: float) -> bool:
        """Takes a batch's metric loss and mean distance; returns whether features are one point."""
        if self._at is None:
            return False
        self._recent.append(abs(loss - self._at) < TOLERANCE and spread < POINT * self._scale)
        return len(self._recent) == self._recent.maxlen and all(self._recent)
