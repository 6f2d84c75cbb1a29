"""The credits that pictures of the meshes must carry. Words only; draws and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.meshes import MeshLibrary
from simulator.vehicles.shapes import body_of, made_name


def credit_lines(models: Iterable[str], library: MeshLibrary) -> list[str]:
    """A Markdown table of the meshes' authors and licences, and where the licence stands.

    Args:
        models: Body models that can be seen.
        library: Knows their authors.
    """
    lines = ["| Mesh | Author | Licence | Archive |", "|---|---|---|---|"]
    for name in sorted({made_name(name) for name in models}):
        credit = library.credit(body_of(name).archive, body_of(name).member)
        lines.append(f"| {credit.title} (`{name}`) | {credit.creator} | {credit.licence} | {credit.archive} |")
    return [*lines, "", "Creative Commons Attribution 3.0: <https://creativecommons.org/licenses/by/3.0/>.", ""]
