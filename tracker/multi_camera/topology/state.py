"""Names and JSON text of learned state. Owns how entries are named and told apart by kind; knows nothing they hold."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

KINDS = ("camera", "link", "lesson", "fit", "encounter", "clock")


def names_of(
    cameras: Sequence[str],
    lessons: Iterable[int],
    links: Iterable[tuple[int, int]],
    clocks: tuple[Iterable[int], Iterable[int]],
) -> set[str]:
    """Names of entries.

    Args:
        cameras: Ids by number.
        lessons: Rows.
        links: Numbers of both cameras.
        clocks: Rows of encounters, and numbers of cameras whose clocks were corrected.
    """
    rows, corrected = clocks
    names = {f"lesson/{slot}" for slot in lessons} | {f"link/{cameras[i]}/{cameras[j]}" for i, j in links}
    return names | {f"encounter/{row}" for row in rows} | {f"clock/{cameras[i]}" for i in corrected}


def ends_of(link: str, cameras: Collection[str]) -> tuple[str, str]:
    """The two cameras that a link is named after, ``from/to``; ids may hold slashes.

    Of all ways to part the two, that of the camera that comes first in ``cameras``.

    >>> ends_of("a/b/c", ("a/b", "a", "c"))
    ('a/b', 'c')
    """
    one = next(a for a in cameras if link.startswith(f"{a}/") and link[len(a) + 1 :] in cameras)
    return one, link[len(one) + 1 :]


def by_kind(links: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Entries read from JSON text; every one of ``KINDS`` has a list, be it empty."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for text in links.values():
        state = json.loads(text)
        found.setdefault(state.get("kind"), []).append(state)
    return found
