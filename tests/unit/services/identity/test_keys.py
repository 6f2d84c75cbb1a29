"""Keys and settings: one slot per site, and nothing that would break out of it."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from services.identity import scripts
from services.identity.keys import ASSOCIATOR_LEASE, FENCE_BEYOND_S, REWRITE_LEASE, Keys, fence_lasts_s
from services.identity.settings import RedisSettings
from services.matcher.enrolment import LEASE as ENROLMENT


def test_all_keys_of_a_site_share_one_slot():
    keys = Keys("north")
    everything = [
        *keys.fixed("a"),
        keys.sighting("{x}"),
        *keys.identity("i"),
        keys.camera("c"),
        keys.lease("l"),
        keys.cameras,
        keys.events_indexed,
    ]
    assert len(set(everything)) == len(everything)
    for key in everything:
        assert re.search(r"\{(.*?)\}", key)[1] == "north"


@pytest.mark.parametrize("site", ["", "a b", "{a}", "A", "a:b", "x" * 64])
def test_a_site_that_would_break_the_keys(site):
    with pytest.raises(ValueError, match="site must be"):
        Keys(site)
    with pytest.raises(ValidationError):
        RedisSettings(site=site)


def test_the_scripts_name_the_fixed_keys_in_the_same_order():
    named = re.findall(r"(\w+) = KEYS\[(\d+)\]", scripts.source("commit"))
    keys = Keys("north")
    attributes = {"work": "sightings"}
    assert [int(n) for _, n in named] == list(range(1, len(keys.fixed()) + 1))
    for name, n in named:
        want = keys.fence("x") if name == "fence" else getattr(keys, attributes.get(name, name))
        assert keys.fixed("x")[int(n) - 1] == want


@pytest.mark.parametrize("bad", [{"url": "http://x"}, {"command_timeout_s": 0}, {"unknown": 1}], ids=str)
def test_settings_refuse(bad):
    with pytest.raises(ValidationError):
        RedisSettings(**bad)


def test_the_names_that_come_once_are_those_that_are_taken():
    assert fence_lasts_s(f"{ENROLMENT}-0123456789abcdef", 30.0) == 30.0 + FENCE_BEYOND_S
    assert fence_lasts_s("session:north-1", 10.0) == 10.0 + FENCE_BEYOND_S
    assert [fence_lasts_s(name, 10.0) for name in (ASSOCIATOR_LEASE, REWRITE_LEASE, "ingest:north")] == [None] * 3
