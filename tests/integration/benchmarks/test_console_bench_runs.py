"""`vreid bench console` from end to end, small: a real server, matcher, console and browser."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from services.cli.bench import app


def test_every_page_and_the_wall_are_measured():
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("there is no Chromium on this machine")
    arguments = ["console", "--sightings", "30", "--cameras", "2", "--loads", "1", "--seconds", "1", "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["sightings"] == 30
    assert set(document["pages"]) >= {"/", "/search", "/alerts", "/gallery", "/system", "/identity/vehicle-0000000"}
    assert all(0 < row["again_median_s"] <= row["again_max_s"] for row in document["pages"].values())
    assert document["wall"]["console_viewed"] > 0
