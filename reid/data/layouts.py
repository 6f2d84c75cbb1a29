"""Reads a data set by the name of its layout. The layouts themselves are read by the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from reid.data.cityflow import read_cityflow
from reid.data.inshop import read_inshop
from reid.data.label_table import apply_labels, find_labels
from reid.data.market import read_market
from reid.data.pattern import read_folder
from reid.data.samples import ReidSet
from reid.data.vehicleid import read_vehicleid
from reid.data.veri import read_veri
from reid.data.veriwild import read_veriwild
from reid.errors import DataError

Layout = Literal["veri", "vehicleid", "veriwild", "cityflow", "market", "inshop", "pattern"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)


@dataclass(frozen=True, slots=True)
class SetOptions:
    """What a layout may have to be told.

    Attributes:
        pattern: For `pattern`: a name in PATTERNS, or a regular expression.
        split: For `pattern`: the file that names the pictures to take.
        size: For `vehicleid` and `veriwild`: which test, by its number of vehicles.
        kinds: For `pattern`: vehicle class by vehicle.
    """

    pattern: str | None = None
    split: Path | None = None
    size: int | None = None
    kinds: Mapping[str, str] | None = None


def read_set(root: Path, layout: Layout, options: SetOptions | None = None) -> ReidSet:
    """Reads a data set.

    Args:
        root: Its folder.
        layout: How files are laid out.
        options: What else the layout needs.

    Returns:
        Its parts. Of `pattern` all pictures are in ``gallery``, with the labels of a `labels.jsonl` or `labels.csv`
        that stands beside them. No picture is decoded.

    Raises:
        DataError: The folder, a split file or a picture is missing, or is not what the layout says; or an option does
            not belong to the layout.
    """
    if not root.is_dir():
        raise DataError(f"no folder {root}")
    chosen = options or SetOptions()
    _refuse_strange(layout, chosen)
    if layout == "pattern":
        return _read_pattern(root, chosen)
    if layout == "vehicleid":
        return read_vehicleid(root, chosen.size)
    if layout == "veriwild":
        return read_veriwild(root, chosen.size)
    return _PLAIN[layout](root)


_PLAIN: Mapping[str, Callable[[Path], ReidSet]] = {
    "veri": read_veri,
    "cityflow": read_cityflow,
    "market": read_market,
    "inshop": read_inshop,
}


def _refuse_strange(layout: Layout, options: SetOptions) -> None:
    if layout != "pattern" and (options.pattern or options.split or options.kinds):
        raise DataError(f"pattern, list and classes belong to the layout `pattern`, not to `{layout}`")
    if layout not in ("vehicleid", "veriwild") and options.size is not None:
        raise DataError(f"a test size belongs to the layouts `vehicleid` and `veriwild`, not to `{layout}`")


def _read_pattern(root: Path, options: SetOptions) -> ReidSet:
    if options.pattern is None:
        raise DataError("the layout `pattern` needs a pattern")
    found = read_folder(root, "pattern", options.pattern, split=options.split, kinds=options.kinds)
    labels = find_labels(root)
    samples = apply_labels(found.samples, labels, root) if labels else found.samples
    return ReidSet("pattern", (), (), samples, unmatched=found.unmatched)
