"""The network contract as one page, from the comments of proto/vreid.proto. Knows the language as far as used there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reference_pages.cells import cell

HEAD = """# gRPC

The network contract, made from [`proto/vreid.proto`](../../proto/vreid.proto): the matcher's services, which any
language with gRPC can call. [From code](../from-code.md) shows how. The matcher also answers reflection and health
checks.

"""

_BLOCK = re.compile(r"^(service|message|enum) (\w+) \{(\})?$")
_CALL = re.compile(r"^rpc (\w+)\((stream )?([\w.]+)\) returns \((stream )?([\w.]+)\);$")
_FIELD = re.compile(r"^(repeated |optional )?(map<[\w, .]+>|[\w.]+) (\w+) = (\d+);$")
_VALUE = re.compile(r"^(\w+) = (\d+);$")


@dataclass(slots=True)
class Block:
    """A service, message or enumeration with what was said of it and of its members."""

    kind: str
    name: str
    comment: str
    members: list[tuple[str, ...]] = field(default_factory=list)


def page(source: Path) -> str:
    """The page's Markdown.

    Raises:
        ValueError: The file has a line that this reader does not know.
    """
    head, blocks = _read(source.read_text(encoding="utf-8").splitlines())
    known = {block.name for block in blocks}
    lines = [HEAD + _preamble(head)]
    for kind, title in (("service", "Services"), ("message", "Messages"), ("enum", "Enumerations")):
        lines += [f"## {title}", ""]
        for block in (each for each in blocks if each.kind == kind):
            lines += _section(block, known)
    return "\n".join(lines)


def _read(lines: list[str]) -> tuple[list[str], list[Block]]:
    """Comments above everything, and the blocks in order."""
    head: list[str] = []
    blocks: list[Block] = []
    comment: list[str] = []
    choice = ""
    block: Block | None = None
    for number, text in enumerate((line.strip() for line in lines), 1):
        if text.startswith("//"):
            comment.append(text.removeprefix("//").removeprefix(" "))
            continue
        if text.startswith("syntax"):
            head = comment
        elif text == "}":
            block, choice = (block, "") if choice else (None, "")
        elif block is not None and text.startswith("oneof "):
            choice = text.split()[1]
        elif text and not text.startswith(("package", "import", "option", "reserved")):
            said = " ".join([f"One of `{choice}`." if choice else "", *comment]).strip()
            try:
                block = _take(block, blocks, text, said)
            except ValueError as exc:
                raise ValueError(f"line {number}: not understood: {text}") from exc
        comment = []
    return head, blocks


def _take(block: Block | None, blocks: list[Block], text: str, said: str) -> Block | None:
    """Reads a line that begins a block or is a member; returns the block that is open afterwards."""
    opened = _BLOCK.match(text)
    if opened:
        blocks.append(Block(opened[1], opened[2], said))
        return None if opened[3] else blocks[-1]
    if block is None:
        raise ValueError(text)
    block.members.append(_member(block.kind, text, said))
    return block


def _member(kind: str, text: str, said: str) -> tuple[str, ...]:
    found = {"service": _CALL, "message": _FIELD, "enum": _VALUE}[kind].match(text)
    if found is None:
        raise ValueError(text)
    if kind == "service":
        return found[1], (found[2] or "") + found[3], (found[4] or "") + found[5], said
    if kind == "enum":
        return found[1], found[2], said
    return found[3], found[4], (found[1] or "") + found[2], said


def _section(block: Block, known: set[str]) -> list[str]:
    lines = [f"### {block.name}", "", block.comment, ""]
    if block.kind == "service":
        lines += ["| Call | Request | Response | |", "|---|---|---|---|"]
        lines += [f"| `{n}` | {_linked(i, known)} | {_linked(o, known)} | {cell(c)} |" for n, i, o, c in block.members]
    elif block.kind == "enum":
        lines += ["| Value | Number | |", "|---|---|---|"]
        lines += [f"| `{name}` | {number} | {cell(comment)} |" for name, number, comment in block.members]
    elif block.members:
        lines += ["| Field | Number | Type | |", "|---|---|---|---|"]
        lines += [f"| `{n}` | {i} | {_linked(kind, known)} | {cell(c)} |" for n, i, kind, c in block.members]
    return [*lines, "" if block.members else "No fields.\n"] if block.kind == "message" else [*lines, ""]


def _linked(kind: str, known: set[str]) -> str:
    """A type, with a link to its section where it has one."""
    words = kind.split()
    name = words[-1]
    before = " ".join(words[:-1])
    shown = f"[`{name}`](#{name.lower()})" if name in known else f"`{kind[len(before) :].strip()}`"
    if kind.startswith("map<"):
        return f"`{kind}`"
    return f"{before} {shown}".strip()


def _preamble(head: list[str]) -> str:
    """The comment at the top: paragraphs as they are, its table as a table."""
    return "\n".join(_preamble_lines(head)) + "\n"


def _preamble_lines(head: list[str]) -> Iterator[str]:
    rows = [line for line in head if line.startswith("  ") and not set(line.strip()) <= {"-", " "}]
    tabled = False
    for line in head:
        if not line.startswith("  "):
            yield line
        elif not tabled:
            tabled = True
            first, *others = (re.split(r"\s{2,}", row.strip()) for row in rows)
            yield "| " + " | ".join(first) + " |"
            yield "|" + "---|" * len(first)
            yield from ("| " + " | ".join(cell(each) for each in other) + " |" for other in others)
