"""The site in a real browser, opened from a folder: its search works, and nothing is asked of the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from documents import ROOT

pytest.importorskip("material", reason="mkdocs-material is not installed (the docs extra)")


def test_search_from_a_folder(tmp_path) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=True)
    asked, failed = [], []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(90_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(f"file://{tmp_path}/site/tour.html")
        page.get_by_placeholder("Search").first.click()
        page.keyboard.type("retention", delay=20)
        page.locator(".md-search-result__item").first.wait_for()
        page.locator(".md-search-result__item a").first.click()
        page.wait_for_url("**/*.html*")
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert failed == []
