"""The Lua scripts: one per change, each atomic. ``lib.lua`` comes before each of them; keys.py explains the keys."""

from __future__ import annotations

from importlib import resources

#: What else comes before a script: ``changes.lua`` where it changes identities, ``vectors.lua`` where it writes
#: vectors.
_SHARED = {
    "commit": ("changes",),
    "amend": ("changes",),
    "enrol": ("changes",),
    "put_sighting": ("changes", "vectors"),
    "put_beside": ("vectors",),
    "settle_vectors": ("vectors",),
}


def source(name: str) -> str:
    """Text of a script with what all share in front."""
    folder = resources.files(__name__)
    parts = ("lib", *_SHARED.get(name, ()), name)
    return "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in parts)
