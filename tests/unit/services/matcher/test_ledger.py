"""What callers asked for goes to the audit in order, waits for a store that is away, and is never lost unsaid."""

import threading
import time

import pytest

from services.errors import StoreUnavailable
from services.identity.memory_store import MemoryStore
from services.matcher.door import ledger as ledger_module
from services.matcher.door.ledger import ACTIONS, Ledger, described, found
from services.rpc import vreid_pb2 as pb
from services.rpc.roles import ROLES

SEARCH = "/vreid.v1.MatcherService/Search"
RED = pb.Probe(identity_id="id-red")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(ledger_module, "_LOOK_S", 0.01)
    monkeypatch.setattr(ledger_module, "_RETRY_S", 0.01)


def finish(ledger, stop, *, until=lambda: True):
    thread = threading.Thread(target=ledger.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 30
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def test_entries_say_who_what_and_how_and_hold_no_picture():
    store = MemoryStore()
    ledger = Ledger(store)
    request = pb.SearchRequest(
        probes=[pb.Probe(image=pb.ImageProbe(data=b"PIXELS")), RED],
        negatives=[pb.Probe(embedding=pb.Embedding(values=[0.123456]))],
        filter=pb.Filter(camera_ids=["north", "south"]),
    )
    ledger.note(SEARCH, "ann", request, pb.SearchResponse(matches=[pb.Match()] * 3))
    ledger.note("/vreid.v1.IdentityService/Merge", "ann", pb.MergeRequest())
    ledger.note("/vreid.v1.GalleryService/Import", "bob", None, pb.ImportResponse(imported=7))
    finish(ledger, threading.Event())
    entries = store.audit_log()
    assert [(e.actor, e.action, e.subject, e.sightings, e.detail) for e in entries] == [
        ("ann", "search", "id-red", 3, "1 image, 1 identity_id; not 1 embedding; cameras north, south"),
        ("bob", "import", "", 7, ""),
    ]
    assert "PIXELS" not in str(entries)
    assert "0.123" not in str(entries)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (pb.SearchStreamRequest(search=pb.SearchRequest(probes=[RED])), ("id-red", "1 identity_id")),
        (pb.SearchRequest(probes=[pb.Probe()]), ("", "1 nothing")),
        (pb.WatchRequest(), ("", "everything")),
        (pb.VerifyRequest(left=[pb.Probe(sighting_id="s")], right=[RED]), ("s", "1 sighting_id, 1 identity_id")),
        (pb.EmbedRequest(images=[pb.ImageProbe()] * 2), ("", "2 image")),
        (pb.UpdateRequest(sighting_id="s"), ("s", "")),
        (pb.ExportRequest(), ("", "everything")),
        (pb.ExportRequest(identity_ids=["a", "b"]), ("a", "2 identities")),
        (None, ("", "")),
    ],
)
def test_requests_in_words(request_, said):
    assert described(request_) == said
    assert found(request_) == 0


def test_every_action_is_a_call_that_exists():
    assert all(call in ROLES[service] for service, call in (m.removeprefix("/vreid.v1.").split("/") for m in ACTIONS))


def test_a_store_that_is_away_is_waited_for(monkeypatch):
    store, failures = MemoryStore(), [1, 1, 1]
    real = store.note

    def note(*args):
        if failures:
            failures.pop()
            raise StoreUnavailable("away")
        real(*args)

    monkeypatch.setattr(store, "note", note)
    ledger = Ledger(store)
    for actor in ("ann", "bob"):
        ledger.note(SEARCH, actor, pb.SearchRequest())
    finish(ledger, threading.Event(), until=lambda: len(store.audit_log()) == 2)
    assert [entry.actor for entry in store.audit_log()] == ["ann", "bob"]


def test_what_the_audit_does_not_take_stands_in_the_log(monkeypatch, caplog):
    store = MemoryStore()

    def away(*_):
        raise StoreUnavailable("away")

    monkeypatch.setattr(store, "note", away)
    ledger, stop = Ledger(store, most_waiting=2), threading.Event()
    for actor in ("ann", "bob", "cat"):
        ledger.note(SEARCH, actor, pb.SearchRequest(probes=[RED]))
    assert "the audit does not keep up: Asked(actor='cat'" in caplog.text
    stop.set()
    finish(ledger, stop)
    assert all(f"store is away: Asked(actor='{actor}'" in caplog.text for actor in ("ann", "bob"))
