"""The read-me of a data set: what it is, its layout, whose meshes it shows."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.credits import credit_lines
from simulator.meshes import MeshLibrary

_LAYOUT = {
    "reid": (
        "Re-identification: the folders and files of VeRi-776 (`image_train`, `image_test`, `image_query`,",
        "`name_*.txt`, `*_label.xml`, `gt_index.txt`, `jk_index.txt`, `test_track.txt`). `labels.jsonl` says more of",
        "every picture, `vehicles.json` of every vehicle, `dataset.json` how the set was made. None is VeRi-776's own.",
    ),
    "detection": (
        "Detection: whole pictures in YOLO's layout (`data.yaml`, `images`, `labels`). `labels.jsonl` says more of",
        "every picture; vehicles marked `labelled: false` there are too hidden or too small to be asked for.",
    ),
}


def read_me(kind: str, models: Iterable[str], library: MeshLibrary) -> str:
    """The text.

    Args:
        kind: ``reid`` or ``detection``.
        models: Body models that can be seen.
        library: Knows their authors.
    """
    lines = [
        "# A synthetic data set",
        "",
        "Rendered by vreid; no picture shows a real place, person or vehicle, and no number plate is real.",
        *_LAYOUT[kind],
        "",
        "## Credits",
        "",
        "Free to use, also commercially, if these are credited. The vehicles are rendered from meshes of Debian's",
        "`sweethome3d-furniture` package, repainted, scaled, partly simplified and fitted with decals and loads:",
        "",
        *credit_lines(models, library),
    ]
    return "\n".join(lines)
