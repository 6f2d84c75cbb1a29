"""What somebody types for a vehicle: its id, the end that pages show, or what is for the matcher to refuse."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from services.errors import InputError
from services.web.parts.naming import meant

NAMES = ["019-aaaa-beef01", "019-bbbb-beef02", "019-cccc-0ff1ce", "1ce"]


def listed(limit, offset):
    """A page, shorter than asked for."""
    page = NAMES[offset : offset + min(limit, 3)]
    return [SimpleNamespace(record=SimpleNamespace(identity_id=name)) for name in page], len(NAMES)


@pytest.fixture
def site():
    async def ask(call, *args):
        return call(*args)

    return SimpleNamespace(ask=ask, client=SimpleNamespace(identity_list=listed))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("…beef01", NAMES[0]),
        ("beef02", NAMES[1]),
        (NAMES[2], NAMES[2]),
        ("1ce", "1ce"),
        ("", ""),
        ("nobody", "nobody"),
    ],
)
def test_a_vehicle_is_meant_by_its_id_or_the_end_of_it(site, text, name):
    assert asyncio.run(meant(site, text)) == name


def test_an_end_that_several_have_is_refused(site, monkeypatch):
    monkeypatch.setattr(site.client, "identity_list", lambda _n, _o: (listed(9, 0)[0][:2], 2))
    monkeypatch.setitem(globals(), "NAMES", ["a-beef01", "b-beef01"])
    with pytest.raises(InputError, match="Several vehicles end so"):
        asyncio.run(meant(site, "beef01"))
