"""Finds the weights that a run starts from: a name in the model manifest, a file, or torchreid's zoo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.output import stderr
from services.errors import ModelFileError
from services.models.store import ModelStore

if TYPE_CHECKING:
    from reid.start import Start


def find_start(named: str, cache: Path | None = None) -> Start:
    """What a recipe's or the command line's ``start`` stands for.

    A name in the manifest is fetched where it is not on this machine, and said so; nothing else is downloaded here.

    Args:
        named: ``none``, ``torchreid-zoo``, a name in the manifest, or a file.
        cache: Model cache; None for the default one.

    Raises:
        ModelFileError: It is none of these, or cannot be had.
    """
    from reid.start import NOTHING, ZOO

    if named == NOTHING:
        return NOTHING
    if named == ZOO:
        return ZOO
    if Path(named).is_file():
        return Path(named)
    store = ModelStore(cache, report=lambda line: stderr.print(line, highlight=False, soft_wrap=True))
    known = [entry.name for entry in store.manifest.models if entry.kind != "yolo"]
    if named not in known:
        raise ModelFileError(
            f"cannot start from {named!r}: no such file, and none of {', '.join([NOTHING, ZOO, *known])}"
        )
    return store.fetch(named)
