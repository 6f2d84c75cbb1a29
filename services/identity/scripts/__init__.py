"""The Lua scripts: one per change, each atomic. ``lib.lua`` comes before each of them; keys.py explains the keys."""

from __future__ import annotations

from importlib import resources


def source(name: str) -> str:
    """Text of a script with what all share in front."""
    folder = resources.files(__name__)
    return "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in ("lib", name))
