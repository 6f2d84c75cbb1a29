"""What training pictures say beside the vehicle (colour, class, view, model, …), as class numbers. Learns nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reid.data import Sample
from reid.errors import DataError

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class AttributeTable:
    """The attributes of a run, in order, each with its classes by number.

    Attributes:
        classes: Numbers by class, by attribute; as `reid.data.Sample.label` names them.
    """

    classes: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, samples: Sequence[Sample], names: Sequence[str]) -> AttributeTable:
        """Collects the classes of some attributes.

        Args:
            samples: All that is learned from.
            names: Of labels, for instance "colour", "class", "view", "model".

        Raises:
            DataError: An attribute has fewer than two classes here: nothing to learn from.
        """
        found: dict[str, dict[str, int]] = {}
        for name in names:
            values = sorted({sample.label(name) for sample in samples} - {""})
            if len(values) < 2:
                raise DataError(f"no attribute {name!r} to learn: the pictures tell {len(values)} classes of it")
            found[name] = {value: number for number, value in enumerate(values)}
        return cls(found)

    @property
    def sizes(self) -> dict[str, int]:
        """Number of classes by attribute."""
        return {name: len(values) for name, values in self.classes.items()}

    def codes(self, samples: Sequence[Sample], device: torch.device) -> Tensor | None:
        """int64 (N, A) class numbers, `UNKNOWN` where a picture does not tell; None where there are no attributes."""
        if not self.classes:
            return None
        rows = [[values.get(s.label(name), UNKNOWN) for name, values in self.classes.items()] for s in samples]
        return torch.tensor(rows, dtype=torch.int64, device=device)
