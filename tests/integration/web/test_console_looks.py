"""Every page at tablet and desk width, dark and light: no accessibility fault that matters, nothing asked of others.

Screenshots are kept where VREID_SCREENSHOTS names a folder, and are looked at by eye.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PAGES = {
    "/": "Cameras",
    "/activity": "Activity",
    "/search?sighting=red-1": "Search by image",
    "/alerts": "Alerts",
    "/gallery": "Gallery",
    "/topology": "Topology",
    "/system": "System",
    "/identity/id-red": "Vehicle",
}
TABLET, DESK = {"width": 820, "height": 1180}, {"width": 1440, "height": 900}
GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def axe():
    return pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()


def grave(axe, page):
    """What axe-core finds that is serious or worse, with where."""
    found = axe.run(page).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {n['html'][:160]} {n['failureSummary'][:300]}"
        for v in found
        if v["impact"] in GRAVE
        for n in v["nodes"]
    ]


def keep(page, name):
    if folder := os.environ.get("VREID_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def opened(page, console, path):
    page.goto(console.url + path)
    page.get_by_role("heading", name=PAGES[path], level=1).wait_for()
    page.wait_for_function("[...document.images].every(i => i.complete)")
    page.wait_for_timeout(700)  # transitions of colour end; axe measures contrast as it stands


@pytest.mark.parametrize("path", PAGES, ids=lambda p: PAGES[p])
def test_pages_have_no_grave_accessibility_fault_and_ask_nobody_else(page, console, axe, path):
    for theme in ("light", "dark"):
        page.context.add_cookies([{"name": "vreid_theme", "value": theme, "url": console.url}])
        page.set_viewport_size(TABLET)
        opened(page, console, path)
        assert grave(axe, page) == []
        keep(page, f"{PAGES[path]}-{theme}-tablet")
        wide = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert wide, f"{path} scrolls sideways on a tablet"
        page.set_viewport_size(DESK)
        keep(page, f"{PAGES[path]}-{theme}")
    assert page.hosts == {console.url.removeprefix("http://")}
    assert page.errors == []


@pytest.mark.parametrize("path", PAGES, ids=lambda p: PAGES[p])
def test_the_keyboard_reaches_what_can_be_done_and_shows_where_it_is(page, console, path):
    opened(page, console, path)
    able = "a[href], button, input, select, [tabindex]:not([tabindex='-1'])"
    unreachable = page.evaluate(
        f"""[...document.querySelectorAll("{able}")].filter(e => e.checkVisibility() && !e.disabled && e.tabIndex < 0
            && e.tagName !== 'INPUT' && !e.closest('.q-uploader')).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert unreachable == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    for _ in range(4):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
