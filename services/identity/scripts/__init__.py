"""The Lua scripts: one per change, each atomic. ``lib.lua`` comes before each of them; keys.py explains the keys."""

from __future__ import annotations

from importlib import resources

#: Scripts that change which sightings are whose; ``changes.lua`` comes before them too.
_CHANGING = frozenset({"commit", "amend"})


def source(name: str) -> str:
    """Text of a script with what all share in front."""
    folder = resources.files(__name__)
    parts = ("lib", "changes", name) if name in _CHANGING else ("lib", name)
    return "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in parts)
