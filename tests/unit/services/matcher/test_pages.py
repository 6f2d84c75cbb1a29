"""Pages: their bounds, and that no more goes into a message than fits."""

from __future__ import annotations

import pytest

from services.errors import InputError
from services.matcher.pages import bounded, fitting, page
from services.rpc import vreid_pb2 as pb


def test_bounds_of_a_page():
    assert page(0, 0) == (100, 0)
    assert page(1000, 5) == (1000, 5)
    for limit, offset, said in (
        (1001, 0, "limit: must be in 1..1000"),
        (-1, 0, "limit"),
        (1, -1, "offset: must be >= 0"),
    ):
        with pytest.raises(InputError, match=said):
            page(limit, offset)
    assert bounded(10_000_000, "offset") == 10_000_000


@pytest.mark.parametrize("most", [0, 100, 1000, 5000, 100_000])
def test_what_fits_is_put_in_and_one_always(most):
    entries = [pb.Entry(identity_id=f"{n:0100d}", camera_ids=["north"]) for n in range(50)]
    fits = list(fitting(entries, most))
    assert fits == entries[: len(fits)]
    whole = pb.ListEntriesResponse(entries=fits).ByteSize()
    assert len(fits) == 1 or whole <= most
    if len(fits) < len(entries):
        assert pb.ListEntriesResponse(entries=entries[: len(fits) + 1]).ByteSize() > most - 6 * (len(fits) + 1)


def test_of_nothing_nothing_fits():
    assert list(fitting([])) == []
