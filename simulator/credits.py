"""The credits that pictures of the meshes must carry. Words only; draws and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.meshes import MeshLibrary
from simulator.vehicles.catalogue import MODELS


def credit_lines(models: Iterable[str], library: MeshLibrary) -> list[str]:
    """A Markdown table of the meshes' authors and licences, and where the licence stands.

    Args:
        models: Body models that can be seen.
        library: Knows their authors.
    """
    lines = ["| Mesh | Author | Licence | Archive |", "|---|---|---|---|"]
    for name in sorted(models):
        credit = library.credit(MODELS[name].archive, MODELS[name].member)
        lines.append(f"| {credit.title} (`{name}`) | {credit.creator} | {credit.licence} | {credit.archive} |")
    return [*lines, "", "Creative Commons Attribution 3.0: <https://creativecommons.org/licenses/by/3.0/>.", ""]
