"""Compiles the shaders: joins the GLSL files and tells them the surface slots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.renderer.surface import Slot

_FOLDER = Path(__file__).parent / "shaders"


def shader_source(name: str, define: str = "") -> str:
    """Text of one stage, with slots (and ``define``) defined and ``//include`` lines replaced by their files."""
    slots = "\n".join(f"#define SLOT_{slot.name} {int(slot)}" for slot in Slot)
    flag = "".join(f"#define {symbol}\n" for symbol in define.split())
    return f"#version 330\n{flag}{slots}\n" + _included(name)


def _included(name: str) -> str:
    """Text of a file with what it includes in place."""
    lines = []
    for line in (_FOLDER / f"{name}.glsl").read_text(encoding="utf-8").splitlines():
        lines.append(_included(line.removeprefix("//include ").strip()) if line.startswith("//include ") else line)
    return "\n".join(lines)


def compile_program(context: Any, vertex: str, fragment: str, define: str = "") -> Any:
    """Links two stages.

    Args:
        context: moderngl context.
        vertex: Name of the vertex stage, e.g. ``surface.vert``.
        fragment: Name of the fragment stage.
        define: Symbols defined in the fragment stage, separated by blanks.
    """
    return context.program(vertex_shader=shader_source(vertex), fragment_shader=shader_source(fragment, define))
