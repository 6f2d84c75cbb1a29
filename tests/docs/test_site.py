"""The documentation builds as a site that is whole and asks nothing of the network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ROOT

pytest.importorskip("mkdocs", reason="mkdocs is not installed (the docs extra)")
pytest.importorskip("material", reason="mkdocs-material is not installed (the docs extra)")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    # Strict: a page in no navigation entry, a dead link or anchor ends the build.
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loading = re.compile(r"<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=\"?(?:https?:)?//[^\"\s>]+")
    found = {
        f"{page.relative_to(site)}: {tag}"
        for page in site.rglob("*.html")
        for tag in loading.findall(page.read_text(encoding="utf-8"))
        if "rel=canonical" not in tag
    }
    assert found == set()
    sheets = "".join(sheet.read_text(encoding="utf-8") for sheet in site.rglob("*.css"))
    assert re.findall(r"url\(\"?(?:https?:)?//[^)]+", sheets) == []


def test_every_document_is_a_page(site: Path) -> None:
    for path in (ROOT / "docs").rglob("*.md"):
        assert (site / path.relative_to(ROOT / "docs").with_suffix(".html")).is_file(), path


def test_every_link_inside_leads_somewhere(site: Path) -> None:
    dead = set()
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue
        for link in re.findall(r"<a\b[^>]*?href=\"?([^\"\s>#]+)", page.read_text(encoding="utf-8")):
            if not re.match(r"\w+:|//", link) and not (page.parent / link).exists():
                dead.add(f"{page.relative_to(site)}: {link}")
    assert dead == set()


def test_the_search_knows_the_pages(site: Path) -> None:
    index = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    assert "Five-minute tour" in index
    assert "VREID_SECTION__FIELD" in index
