"""How far a second model has come, who is ready for it, and what it cannot describe. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.crops import CropStore
from services.identity.rolling.contract import Described, Opener, Roll
from services.identity.store import IdentityStore

#: A process that has said nothing for so long is taken for gone.
SILENT_S = 20.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a site a model describes.

    Attributes:
        sightings: All.
        described: Those that the model has described.
        waiting: Not described yet; their pictures are there.
        unpictured: Not described, and without a picture that it could be done from.
    """

    sightings: int
    described: int
    waiting: tuple[Described, ...]
    unpictured: tuple[Described, ...]

    @property
    def share(self) -> float:
        """Described of what can be, in [0, 1]; 1 for nothing at all."""
        able = self.described + len(self.waiting)
        return self.described / able if able else 1.0


def progress(store: IdentityStore, crops: CropStore, model_id: str) -> Progress:
    """How much of the site a model describes.

    Raises:
        StoreUnavailable: The store does not answer.
    """
    described = total = 0
    waiting, unpictured = [], []
    for each in store.scan_described():
        total += 1
        if model_id in each.model_ids:
            described += 1
        elif any(crops.has(key) for key in each.crop_keys):
            waiting.append(each)
        else:
            unpictured.append(each)
    return Progress(total, described, tuple(waiting), tuple(unpictured))


def unready(openers: Sequence[Opener], roll: Roll, now_ns: int) -> list[str]:
    """Processes that run and have not opened both models of a change, by name."""
    wanted = {ref.model_id for ref in roll.kept}
    living = [o for o in openers if now_ns - o.said_at_ns < SILENT_S * 1e9]
    return [opener.name for opener in living if not wanted <= set(opener.model_ids)]
