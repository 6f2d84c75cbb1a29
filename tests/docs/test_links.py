"""Every link of every document leads somewhere; nothing is asked of the network."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from documents import ROOT, documents, headings, links


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_anchors(path: Path) -> None:
    broken = []
    for link in links(path):
        if "://" in link.text or link.text.startswith("mailto:"):
            continue
        place, _, anchor = link.text.partition("#")
        target = (path.parent / unquote(place)).resolve() if place else path
        if not target.exists() or not target.is_relative_to(ROOT):
            broken.append(f"{link}: no such file")
        elif anchor and target.suffix == ".md" and anchor not in headings(target):
            broken.append(f"{link}: no such heading")
    assert broken == []


def test_links_are_seen() -> None:
    assert sum(1 for path in documents() for _ in links(path)) > 150


def test_a_broken_one_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here\n\n[a](#here) [b](gone.md) ![c](pic.png) `[d](no.md)`\n")
    assert [link.text for link in links(page)] == ["#here", "gone.md", "pic.png"]
    assert headings(page) == {"here"}


def test_places_in_the_code_are_there() -> None:
    """`services/rpc/convert.py` in running text names what there is."""
    roots = "services|reid|tracker|detector|simulator|benchmarks|tests|scripts|deploy|proto"
    place = re.compile(rf"`((?:{roots})/[\w./*-]+)`")
    gone = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in documents()
        if path.name not in ("CHANGELOG.md", "ARCHITECTURE.md") and "adr" not in path.parts
        for found in place.findall(path.read_text(encoding="utf-8"))
        if not any(ROOT.glob(found.rstrip("/")))
    ]
    assert gone == []
