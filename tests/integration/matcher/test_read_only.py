"""A replica that only reads: answers like the matcher that decides, refuses every change, leaves the site as it is."""

from functools import partial

import pytest

from services.client import MatcherClient, Probe
from services.errors import Unsupported
from services.matcher.build import build_matcher
from services.matcher.read_only import WRITES
from services.matcher.server import SERVICES
from services.matcher.settings import MatcherSettings
from services.rpc import vreid_pb2

#: How calls begin that change what a site knows.
CHANGING = (
    *("Acknowledge", "Add", "Create", "Delete", "Enroll", "Erase", "Import"),
    *("Merge", "Put", "Remove", "Set", "Split", "Undo"),
)


@pytest.fixture
def replica(street, wait_until):
    settings = MatcherSettings(listen="127.0.0.1:0", drain_s=1)
    matcher = build_matcher(street.store, None, street.embedder, settings, read_only=True)
    matcher.start()
    with MatcherClient(matcher.address, timeout_s=20) as client:
        wait_until(client.serving)
        yield client
    matcher.stop()


def test_every_call_that_changes_something_is_a_write():
    every = {
        f"/{name}/{method.name}"
        for name in SERVICES
        for method in vreid_pb2.DESCRIPTOR.services_by_name[name.rpartition(".")[2]].methods
    }
    assert every >= WRITES
    assert {call for call in every if call.rpartition("/")[2].startswith((*CHANGING, "Update"))} == WRITES


def test_it_follows_the_site_and_answers_alike(street, replica, wait_until):
    street.see("red-3", (0, 0, 250), camera="east", at_s=90)
    street.decide("red-3", "id-red")
    wait_until(lambda: replica.identity_get("id-red").sighting_count == 3)
    street.settle()
    for asked in ("id-red", "id-blue"):
        here, there = (client.search_identity(asked).matches for client in (replica, street.client))
        assert here == there
        assert here


def test_every_change_is_refused_and_none_is_made(street, replica, picture):
    before = street.store.last_event_id()
    changes = {
        "IdentityService/Merge": partial(replica.identity_merge, "id-red", "id-blue"),
        "IdentityService/Split": partial(replica.identity_split, "id-red", ["red-2"]),
        "IdentityService/Undo": partial(replica.identity_undo, "1-1"),
        "GalleryService/Delete": partial(replica.gallery_delete, "id-red"),
        "GalleryService/Erase": partial(replica.gallery_erase, "id-red"),
        "GalleryService/Update": partial(replica.gallery_update, "red-1", colour="red"),
        "GalleryService/Enroll": partial(replica.gallery_enroll, [picture((0, 0, 250))]),
        "GalleryService/Import": lambda: replica.gallery_import(street.client.gallery_export()),
        "IdentityService/SetEnrolled": partial(replica.identity_set_enrolled, "id-red", enrolled=True),
        "StandingService/Create": partial(replica.standing_create, "red", [Probe(identity_id="id-red")]),
        "StandingService/SetActive": partial(replica.standing_set_active, "1", active=False),
        "StandingService/Delete": partial(replica.standing_delete, "1"),
        "StandingService/Acknowledge": partial(replica.alerts_acknowledge, ["1"]),
    }
    assert set(changes) == {method.removeprefix("/vreid.v1.") for method in WRITES}
    for change in changes.values():
        with pytest.raises(Unsupported, match="only reads"):
            change()
    assert street.store.last_event_id() == before
