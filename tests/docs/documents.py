"""What the documents of this project say: their blocks of code, commands, links and headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "docs" / "reference"

_FENCE = re.compile(r"^( *)```([\w-]*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^|\n\n)((?: {4}[^\n]+\n)+)")
_SPAN = re.compile(r"(?<!`)`((?:\.venv/bin/)?vreid [^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_LOOP = re.compile(r"^for (\w+) in (\S+).*?; do (.*); done")
_PROGRAM = re.compile(
    r"(?:\.venv/bin/|/opt/vreid|\./|VREID_|(?:cd|cp|curl|docker|for|helm|install|kubectl|make|node|npm|openssl|pip|printf|python3?"
    r"|sudo|systemctl|torchrun|useradd|vreid)\s)"
)
SHELL = ("", "sh", "shell", "bash", "console")


@dataclass(frozen=True, slots=True)
class Said:
    """Something written in a document: where, and what."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.text}"


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    skipped = {".venv", "site", "node_modules", ".pytest_cache", ".hypothesis"}
    return sorted(
        path for path in ROOT.rglob("*.md") if not skipped & set(path.relative_to(ROOT).parts) and path.is_file()
    )


def guides() -> list[Path]:
    """Those written by hand and meant to be followed."""
    return [path for path in documents() if GENERATED not in path.parents and path.name != "CHANGELOG.md"]


def blocks(path: Path, *languages: str) -> Iterator[Said]:
    """Fenced blocks in one of the languages."""
    text = path.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        if found[2] in languages:
            yield Said(path, text.count("\n", 0, found.start(3)) + 1, found[3])


def commands(path: Path) -> Iterator[Said]:
    """Every command line of a document's blocks, without prompt and comment; output and diagrams are none."""
    text = path.read_text(encoding="utf-8")
    found = list(blocks(path, *SHELL))
    bare = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    for match in _INDENTED.finditer(bare):
        found.append(Said(path, bare.count("\n", 0, match.start(1)) + 1, re.sub(r"^ {4}", "", match[1], flags=re.M)))
    for block in found:
        lines = block.text.replace("\\\n", "  ").split("\n")
        prompted = any(line.startswith("$ ") for line in lines)
        for number, line in enumerate(lines):
            if prompted and not line.startswith("$ "):
                continue
            command = line.removeprefix("$ ").strip()
            if _PROGRAM.match(command):
                yield Said(path, block.line + number, _plain(command))


def spans(path: Path) -> Iterator[Said]:
    """Every `vreid …` in running text."""
    text = path.read_text(encoding="utf-8")
    bare = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    for found in _SPAN.finditer(bare):
        yield Said(path, bare.count("\n", 0, found.start()) + 1, " ".join(found[1].split()))


def words(command: str) -> list[str]:
    """A command's words, up to a pipe or a redirection."""
    kept: list[str] = []
    for word in shlex.split(command):
        if word in ("|", ">", ";", "&&"):
            break
        kept.append(word)
    return kept


def _plain(command: str) -> str:
    """Without the comment behind it; of a loop the first round; with options in brackets, which may be left out."""
    command = re.sub(r"\s+#\s.*$", "", command).strip()
    command = re.sub(r"\[(--[\w-]+[^\]]*)\]", r"\1", command)
    loop = _LOOP.match(command)
    if loop:
        command = loop[3].replace(f"${loop[1]}", loop[2])
    return command.removeprefix(".venv/bin/")


def headings(path: Path) -> set[str]:
    """Anchors of a document's headings, as GitHub and the site make them."""
    bare = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return {slug(found) for found in re.findall(r"^#+ (.+)$", bare, re.MULTILINE)}


def slug(heading: str) -> str:
    """An anchor.

    >>> slug("What it `costs`: a, b")
    'what-it-costs-a-b'
    """
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[\s]", "-", re.sub(r"[^\w\s-]", "", text))


def links(path: Path) -> Iterator[Said]:
    """Targets of a document's links and pictures."""
    text = path.read_text(encoding="utf-8")
    bare = re.sub(r"`[^`\n]*`", "", _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text))
    for found in re.finditer(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)", bare):
        yield Said(path, bare.count("\n", 0, found.start()) + 1, found[1])
