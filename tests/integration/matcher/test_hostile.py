"""Hostile requests get the right code and one line, and leave the matcher as it was.

Some hundred here; `vreid bench matcher --part hostile` sends ten thousand and looks at the memory.
"""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from benchmarks.matcher.fuzz import answers
from benchmarks.matcher.hostile import MAKERS, Target, hostile
from services.cli.bench import app
from services.client.raw import CALLS

REQUESTS = 500


@pytest.fixture
def target() -> Target:
    return Target(3, "red-1", "id-red")


def test_every_hostile_request_gets_its_code(street, target: Target) -> None:
    given = list(answers(street.matcher.address, range(REQUESTS), target))
    wrong = [(seed, a.asked.call, a.status) for seed, a in enumerate(given) if a.wrong]
    assert not wrong, wrong[:5]
    assert len({(answer.asked.call, answer.status.code) for answer in given}) > len(MAKERS)
    assert street.client.gallery_stats().sightings == 4
    assert street.client.search_sighting("red-1").matches[0].sighting_id == "red-2"


def test_all_calls_that_take_something_are_tried(target: Target) -> None:
    """Whatever a call may be told wrongly, it is told: but for those that take nothing, or what others take alike."""
    tried = {hostile(seed, target).call for seed in range(3000)}
    assert set(CALLS) - tried == {
        *("GalleryService.Snapshot", "GalleryService.Restore", "GalleryService.Compact"),
        *("CameraService.List", "CameraService.Topology", "StandingService.List", "ConsoleService.Site"),
        "MatcherService.SearchStream",
    }


def test_the_bench_tells_what_came_of_it() -> None:
    done = CliRunner().invoke(app, ["matcher", "--part", "hostile", "--hostile", "150", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["hostile"]
    assert (found["requests"], found["wrong"], found["wrong_shown"]) == (150, 0, [])
    assert found["alive"]
    assert found["unchanged"]
    assert sum(found["codes"].values()) == 150
    assert len(found["rss_mb"]) == 10
    assert min(found["rss_mb"]) > 20
