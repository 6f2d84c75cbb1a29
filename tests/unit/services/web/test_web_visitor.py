"""What pages learn of who looks at them, and that it is asked anew each time."""

import asyncio

import pytest
from nicegui import Client, ui
from starlette.requests import Request

from services.access.roles import Caller, Role
from services.errors import PermissionDenied, Unauthenticated
from services.web.access import ASKING
from services.web.visitor import asking, guarded, may, require, role, visitor


@pytest.fixture
def looked_at():
    """Runs something inside a page that somebody looks at."""

    def run(work, *callers):
        waiting = list(callers)

        async def inside():
            scope = {
                "type": "http",
                "path": "/",
                "query_string": b"",
                "headers": [],
                "state": {"visitor": lambda: waiting.pop(0) if len(waiting) > 1 else waiting[0]},
            }
            with Client(ui.page("/"), request=Request(scope)) as client:
                done = work()
            client.delete()
            return done

        return asyncio.run(inside())

    return run


ANN, BOB = Caller("ann", Role.VIEWER), Caller("bob", Role.ADMIN)


def test_a_page_knows_its_visitor(looked_at):
    assert looked_at(lambda: (visitor(), role(), asking()), ANN) == (ANN, Role.VIEWER, ANN)
    assert looked_at(lambda: [may(needed) for needed in Role], ANN) == [True, False, False]
    assert looked_at(lambda: [may(needed) for needed in Role], BOB) == [True, True, True]


def test_a_session_that_ends_while_the_page_is_open(looked_at):
    def twice():
        before = may(Role.OPERATOR)
        with pytest.raises(Unauthenticated):
            require(Role.VIEWER)
        return before, may(Role.VIEWER)

    assert looked_at(twice, BOB, None) == (True, False)


def test_what_a_visitor_may_not_is_switched_off_with_the_reason_and_refused(looked_at):
    def work():
        pressed = []
        off = guarded(ui.button("Merge", on_click=lambda: pressed.append(1)), Role.OPERATOR)
        on = guarded(ui.button("Search"), Role.VIEWER)
        with pytest.raises(PermissionDenied, match="needs the role operator"):
            require(Role.OPERATOR)
        return off.enabled, off.is_ignoring_events, off.props["title"], on.enabled, "title" in on.props

    enabled, deaf, title, other, titled = looked_at(work, ANN)
    assert (enabled, deaf, other, titled) == (False, True, True, False)
    assert "role operator" in title


def test_outside_of_a_page_whoever_sent_the_request_asks():
    assert asking() is None
    kept = ASKING.set(ANN)
    try:
        assert asking() == ANN
    finally:
        ASKING.reset(kept)
