"""Brings what lies outside docs/ into the site: documents of the root as pages, sources pointed at as text.

A hook of mkdocs (see mkdocs.yml). Links keep working in the repository as they are written; the site gets its own.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent

#: Documents outside docs/ and what they are called in the site.
PAGES = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "reid/weights/CARD.md": "model-card.md",
    "simulator/cities/demo/ATTRIBUTION.md": "city-attribution.md",
}
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Puts the pages of a folder where the navigation says `folder/*`."""
    docs = Path(config.docs_dir)

    def expanded(entry: Any) -> Any:
        if isinstance(entry, list):
            return [expanded(each) for each in entry]
        if isinstance(entry, dict):
            return {title: expanded(below) for title, below in entry.items()}
        if entry.endswith("/*"):
            return sorted(path.relative_to(docs).as_posix() for path in docs.glob(f"{entry}.md"))
        return entry

    config.nav = expanded(config.nav)
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages, then every source file that any page points at."""
    for path, uri in PAGES.items():
        files.append(File.generated(config, uri, content=(ROOT / path).read_text(encoding="utf-8")))
    for page in list(files.documentation_pages()):
        for target in _targets(page.content_string, page.src_uri):
            uri = _source_uri(target)
            if target not in PAGES and (ROOT / target).is_file() and uri not in files.src_uris:
                files.append(File.generated(config, uri, content=(ROOT / target).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Rewrites links that lead out of docs/."""
    here = page.file.src_uri

    def rewritten(found: re.Match[str]) -> str:
        text, link, anchor = found[1], found[2], found[3] or ""
        uri = _uri_of(_resolved(link, here))
        if uri is None:
            return text
        return f"[{text}]({posixpath.relpath(uri, posixpath.dirname(here) or '.')}{anchor})"

    return _LINK.sub(rewritten, markdown)


def _targets(markdown: str, src_uri: str) -> list[str]:
    """Paths below the root that a page points at and that are not below docs/."""
    resolved = [_resolved(found[2], src_uri) for found in _LINK.finditer(markdown)]
    return [each for each in resolved if not each.startswith("docs/")]


def _resolved(link: str, src_uri: str) -> str:
    """A link's target as a path below the root."""
    origin = next((path for path, uri in PAGES.items() if uri == src_uri), f"docs/{src_uri}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))


def _uri_of(target: str) -> str | None:
    """Where a path below the root is in the site; None for a folder, which is no page."""
    if target in PAGES:
        return PAGES[target]
    if target == "README.md":
        return "index.md"
    if (ROOT / target).is_dir():
        return None
    return target.removeprefix("docs/") if target.startswith("docs/") else _source_uri(target)


def _source_uri(target: str) -> str:
    return f"source/{target}.txt"
