"""`vreid bench console`: times of pages over a large gallery, processor time of a live wall, viewed and not."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.console.site import OpenSite, opened
from services.errors import Unsupported

#: Pages by path, and the heading that each must show.
PAGES = {
    "/": "Cameras",
    "/activity": "Activity",
    "/search?sighting=sighting-00000000": "Search by image",
    "/alerts": "Alerts",
    "/gallery": "Gallery",
    "/topology": "Topology",
    "/system": "System",
    "/identity/vehicle-0000000": "Vehicle",
}
#: Those that show pictures of vehicles; a page without is not what is timed.
PICTURED = {"/activity", "/search", "/gallery", "/identity/vehicle-0000000"}
_SETTLE_S = 8.0


@dataclass(frozen=True, slots=True)
class ConsoleBench:
    """What to measure.

    Attributes:
        sightings: In the store.
        cameras: On the wall.
        loads: Of each page, each by a browser that was never there.
        seconds: That a wall is looked at, and that nobody looks.
    """

    sightings: int = 100_000
    cameras: int = 4
    loads: int = 5
    seconds: float = 30.0


def bench_console(bench: ConsoleBench, report: Callable[[int, int], None] = lambda done, of: None) -> dict[str, Any]:
    """The document of `vreid bench console --json`.

    Args:
        bench: What to measure.
        report: Progress: done, of how many.

    Raises:
        Unsupported: There is no browser here.
        Unavailable: The site did not start.
    """
    with (
        _browser() as browser,
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder), bench.sightings, bench.cameras, report) as site,
    ):
        return {
            "sightings": bench.sightings,
            "pages": {path.partition("?")[0]: _loads(browser, site, path, bench.loads) for path in PAGES},
            "wall": _wall(browser, site, bench),
        }


@contextmanager
def _browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as exc:
        raise Unsupported("playwright is not installed; it is of the extra dev") from exc
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise Unsupported("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def _loads(browser: Any, site: OpenSite, path: str, times: int) -> dict[str, float]:
    """Seconds until a page shows its heading and the pictures in view: a first visit, and the next by that browser."""
    first: list[float] = []
    again: list[float] = []
    for _ in range(times):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        for kept in (first, again):
            page.goto("about:blank")
            began = time.perf_counter()
            page.goto(site.url + path, wait_until="commit")
            page.get_by_role("heading", name=PAGES[path], level=1).wait_for()
            page.wait_for_function(_PICTURES_SHOWN, arg=int(path.partition("?")[0] in PICTURED))
            kept.append(time.perf_counter() - began)
        context.close()
    return {
        "first_median_s": statistics.median(first),
        "first_max_s": max(first),
        "again_median_s": statistics.median(again),
        "again_max_s": max(again),
    }


_PICTURES_SHOWN = """least => { const seen = [...document.querySelectorAll('img.vr-crop')]
    .filter(i => i.getBoundingClientRect().top < innerHeight);
    return seen.length >= least && seen.every(i => i.complete && i.naturalWidth); }"""


def _wall(browser: Any, site: OpenSite, bench: ConsoleBench) -> dict[str, float]:
    """Shares of one core: of the console and of what holds the cameras, with one viewer and with none."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(site.url + "/")
    shown = f"[...document.querySelectorAll('.vr-image img')].filter(i => i.naturalWidth).length >= {bench.cameras}"
    page.wait_for_function(shown)
    time.sleep(_SETTLE_S / 2)
    web, live = _shares(site, bench.seconds)
    context.close()
    time.sleep(_SETTLE_S)  # the console notices within seconds that nobody is there
    web_idle, live_idle = _shares(site, bench.seconds)
    return {
        "cameras": float(bench.cameras),
        "console_viewed": web,
        "console_idle": web_idle,
        "cameras_viewed": live,
        "cameras_idle": live_idle,
        "viewer_share": web - web_idle + live - live_idle,
    }


def _shares(site: OpenSite, seconds: float) -> tuple[float, float]:
    """Shares of one core that the console and the cameras took for some seconds."""
    pids = (site.web_pid, site.cameras_pid)
    before, began = [cpu_s(pid) for pid in pids], time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    web, live = ((cpu_s(pid) - was) / passed for pid, was in zip(pids, before, strict=True))
    return web, live


def cpu_s(pid: int) -> float:
    """Processor time that a process has taken, user and system, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
