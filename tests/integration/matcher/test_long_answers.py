"""What grows without bound comes page by page, each in a message that any gRPC client takes; ours read them all."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import grpc
import pytest
import typer
from typer.testing import CliRunner

from services.cli import identity
from services.client import AsyncMatcherClient, Probe
from services.errors import InputError
from services.matcher import identity_servicer, looking_back, pages, search_servicer, standing_servicer, upkeep_servicer
from services.rpc import vreid_pb2 as pb
from services.rpc import vreid_pb2_grpc

RED = (0, 0, 250)
GRPC_TAKES = 4 * 2**20


@pytest.fixture
def plain(street):
    """A channel as another language's client opens it: no message above 4 MB."""
    with grpc.insecure_channel(street.matcher.address) as channel:
        yield channel


@pytest.fixture
def small(monkeypatch):
    """Messages hold next to nothing."""
    for module in (identity_servicer, looking_back, standing_servicer):
        monkeypatch.setattr(module, "fitting", lambda messages, _most=0: pages.fitting(messages, 110))


def street_sees(street, name):
    """A red passage by that name."""
    street.see(name, RED)
    return name


def grow(street, count):
    """So many events of id-red, some 700 bytes each."""
    for n in range(count):
        said = {"identity_id": "id-red", "enrolled": n % 2 == 0, "actor": "ann", "reason": f"{n:06d} " + "x" * 600}
        street.store._state.emit("identity.enrolled", said)


def test_a_history_of_more_than_one_message(street, plain):
    grow(street, 7000)
    stub = vreid_pb2_grpc.IdentityServiceStub(plain)
    found, request = [], pb.HistoryRequest(identity_id="id-red")
    while True:
        page = stub.History(request, timeout=60)
        found.append(page)
        if not page.next_event_id:
            break
        request.after_event_id = page.next_event_id
    sizes = [page.ByteSize() for page in found]
    assert sum(sizes) > GRPC_TAKES
    assert len(found) > 1
    assert max(sizes) <= pages.MESSAGE_BYTES
    events = [event.event_id for page in found for event in page.events]
    assert len(events) == len(set(events)) == 7003
    whole = street.client.identity_history("id-red").events
    assert [event.event_id for event in whole] == events
    assert [event.reason[:6] for event in whole[3:]] == [f"{n:06d}" for n in range(7000)]


def test_a_history_is_asked_for_in_pieces(street):
    whole = street.client.identity_history("id-red").events
    page = street.client.identity_history_page("id-red", limit=2)
    assert (page.events, page.next_event_id) == (whole[:2], whole[1].event_id)
    page = street.client.identity_history_page("id-red", after_event_id=page.next_event_id, limit=2)
    assert (page.events, page.next_event_id) == (whole[2:], "")
    page = street.client.identity_history_page("id-red", after_event_id=whole[-1].event_id)
    assert (page.events, page.next_event_id) == ((), "")
    for asked, said in (
        ({"after_event_id": "id-red"}, "after_event_id: id-red is no event"),
        ({"limit": 1001}, "limit: must be in 1..1000"),
    ):
        with pytest.raises(InputError, match=said):
            street.client.identity_history_page("id-red", **asked)


def test_a_large_event_names_some_of_its_sightings_and_says_how_many(street, monkeypatch):
    monkeypatch.setattr(looking_back, "MAX_NAMED", 2)
    names = [f"red-{n}" for n in range(1, 6)]
    street.store._state.emit("identity.split", {"identity_id": "x", "new_identity_id": "y", "sighting_ids": names})
    (event,) = street.client.identity_history("y").events
    assert (event.sighting_ids, event.sighting_count) == (("red-1", "red-2"), 5)


@pytest.mark.usefixtures("small")
def test_an_identity_of_more_sightings_than_one_message_holds(street, plain):
    for n in range(3, 9):
        street.see(f"red-{n}", RED, at_s=30 + n)
        street.decide(f"red-{n}", "id-red")
    street.settle()
    stub = vreid_pb2_grpc.IdentityServiceStub(plain)
    page = stub.Get(pb.GetIdentityRequest(identity_id="id-red"))
    assert (len(page.sightings), page.sighting_count) == (2, 8)
    page = stub.Get(pb.GetIdentityRequest(identity_id="id-red", sighting_offset=6, sighting_limit=1))
    assert [s.sighting_id for s in page.sightings] == ["red-7"]
    whole = street.client.identity_get("id-red")
    assert [s.sighting_id for s in whole.sightings] == [f"red-{n}" for n in range(1, 9)]
    assert (whole.sighting_count, len(whole.record.sighting_ids)) == (8, 8)
    now_ns = street.store.now_ns() + 10**9
    past = street.client.identity_at("id-red", now_ns)
    assert [s.sighting_id for s in past.sightings] == [f"red-{n}" for n in range(1, 9)]
    assert street.client.identity_history("id-red", now_ns).believed == past

    async def same():
        async with AsyncMatcherClient(street.matcher.address) as client:
            found = await client.identity_get("id-red"), await client.identity_history("id-red", now_ns)
            return found, await client.identity_history_page("id-red", limit=1)

    (detail, history), first = asyncio.run(same())
    assert detail == whole
    assert history == street.client.identity_history("id-red", now_ns)
    assert len(history.events) == 9
    assert first.next_event_id == history.events[0].event_id
    for request in (
        pb.GetIdentityRequest(identity_id="id-red", sighting_limit=10_001),
        pb.GetIdentityRequest(identity_id="id-red", sighting_offset=-1),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            stub.Get(request)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.usefixtures("small")
def test_standing_queries_and_lists_of_more_than_one_message(street, plain, picture):
    made = [street.client.standing_create(f"query {n}", [Probe(image=picture(RED))]) for n in range(3)]
    stub = vreid_pb2_grpc.StandingServiceStub(plain)
    page = stub.List(pb.ListStandingRequest())
    assert (len(page.queries), page.total) == (1, 3)
    assert [q.name for q in stub.List(pb.ListStandingRequest(offset=2, limit=5)).queries] == ["query 2"]
    assert street.client.standing_list() == made
    for n in range(4):
        street.decide(street_sees(street, f"more-{n}"), f"id-more-{n}")
    street.settle()
    details, total = street.client.identity_list()
    assert (len(details) < 6, total) == (True, 6)
    following, _ = street.client.identity_list(offset=len(details))
    names = [detail.record.identity_id for detail in (*details, *following)]
    assert len(names) == len(set(names)) > len(details)


def test_vectors_of_more_than_one_message_are_refused(street, picture, monkeypatch):
    monkeypatch.setattr(search_servicer, "MESSAGE_BYTES", 30)
    with pytest.raises(InputError, match=r"images: the vectors of the first [12] are more than one answer holds"):
        street.client.embed([picture(RED)] * 4)


def test_an_export_comes_in_messages_that_fit(street, monkeypatch):
    monkeypatch.setattr(upkeep_servicer, "MESSAGE_BYTES", 10)
    chunks = list(street.client.gallery_export())
    assert [len(chunk.sightings) for chunk in chunks] == [1, 1, 1, 1, 0]
    assert {chunk.model_id for chunk in chunks} == {"test-model"}


def test_pieces_of_a_history_on_the_command_line(street, monkeypatch):
    monkeypatch.setenv("VREID_ADDRESS", street.matcher.address)
    monkeypatch.setenv("COLUMNS", "300")
    app = typer.Typer()
    app.add_typer(identity.app, name="identity")
    run = partial(CliRunner().invoke, app)
    whole = json.loads(run(["identity", "history", "id-red", "--json"]).stdout)
    assert (len(whole["events"]), "next_event_id" in whole) == (3, False)
    first = json.loads(run(["identity", "history", "id-red", "--limit", "2", "--json"]).stdout)
    assert first["events"] == whole["events"][:2]
    assert (
        f"more with: --after {first['next_event_id']}" in run(["identity", "history", "id-red", "--limit", "2"]).stdout
    )
    rest = json.loads(run(["identity", "history", "id-red", "--after", first["next_event_id"], "--json"]).stdout)
    assert rest["events"] == whole["events"][2:]
    shown = run(["identity", "history", "id-red", "--after", "yesterday"])
    assert shown.exit_code != 0
    assert "after_event_id: yesterday is no event" in shown.stderr
