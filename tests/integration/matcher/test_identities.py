"""IdentityService over gRPC and on the command line: lists, corrections, history, beliefs."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from services.cli import identity
from services.client import MatcherClient
from services.errors import InputError, NotFound
from services.matcher.types import IdentityFilter

RED = (0, 0, 250)
app = typer.Typer()
app.add_typer(identity.app, name="identity")


@pytest.fixture
def vreid(street, monkeypatch):
    monkeypatch.setenv("VREID_ADDRESS", street.matcher.address)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("LOGNAME", "ann")
    return lambda *arguments: CliRunner().invoke(app, ["identity", *(str(argument) for argument in arguments)])


@pytest.fixture
def documented(vreid):
    def run(*arguments):
        result = vreid(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture
def tick(street):
    """A moment between two events: after all that happened, before all that will."""

    def moment() -> int:
        time.sleep(0.002)
        now_ns = street.store.now_ns()
        time.sleep(0.002)
        return now_ns

    return moment


def test_a_list_is_filtered(street) -> None:
    def names(**wanted):
        found, total = street.client.identity_list(wanted=IdentityFilter(**wanted))
        assert total == len(found)
        return [detail.record.identity_id for detail in found]

    red, blue = (street.client.identity_get(name).record for name in ("id-red", "id-blue"))
    assert names() == ["id-blue", "id-red"]
    assert names(camera_ids=frozenset({"south", "east"})) == ["id-red"]
    assert names(min_cameras=2) == ["id-red"]
    assert names(from_ns=red.last_seen_ns + 1) == names(from_ns=blue.last_seen_ns) == ["id-blue"]
    assert names(to_ns=red.first_seen_ns) == ["id-red"]
    assert names(statuses=frozenset({"matched"})) == []
    assert names(statuses=frozenset({"new", "matched"})) == ["id-blue", "id-red"]
    assert names(active=True) == []
    page, total = street.client.identity_list(1, 1, IdentityFilter(statuses=frozenset({"new"})))
    assert ([detail.record.identity_id for detail in page], total) == (["id-red"], 2)
    street.see("parked", (0, 255, 0), final=False)
    street.decide("parked", "id-parked")
    street.settle()
    assert names(active=True) == ["id-parked"]


def test_merge_and_undo(street) -> None:
    done = street.client.identity_merge("id-red", "id-blue", "same dent")
    assert street.client.identity_get("id-blue").record.aliases == ("id-blue",)
    street.client.identity_undo(done.event_id)
    assert street.client.identity_get("id-blue").record.identity_id == "id-blue"
    with pytest.raises(NotFound, match="not taken back"):
        street.client.identity_undo_last("id-red")
    entry = street.store.audit_log()[-1]
    assert (entry.actor, entry.action) == ("grpc", "undo")


def test_split_and_undo_of_the_latest(street) -> None:
    done = street.client.identity_split("id-red", ["red-2"])
    assert street.client.identity_get(done.new_identity_id).record.sighting_ids == ("red-2",)
    street.client.identity_undo_last("id-red")
    assert street.client.identity_get("id-red").record.sighting_ids == ("red-1", "red-2")
    assert street.client.identity_get(done.new_identity_id).record.identity_id == "id-red"


def test_enrolled_is_told_through_merge_and_undo(street) -> None:
    def enrolled(identity_id: str) -> bool:
        street.settle()
        return street.client.identity_get(identity_id).record.enrolled

    street.store.enrol("id-blue", "alice")
    assert (enrolled("id-blue"), enrolled("id-red")) == (True, False)
    merged = street.client.identity_merge("id-red", "id-blue")
    assert enrolled("id-red")
    street.client.identity_undo(merged.event_id)
    assert (enrolled("id-blue"), enrolled("id-red")) == (True, False)
    street.client.gallery_restore(from_store=True)
    assert (enrolled("id-blue"), enrolled("id-red")) == (True, False)


def test_an_enrolled_picture_that_is_split_off_is_told_as_enrolled(street) -> None:
    street.see("picture", RED, camera="enrolled")
    street.decide("picture", "id-red")
    street.store.enrol("id-red", "alice")
    done = street.client.identity_split("id-red", ["picture"])
    street.settle()
    assert street.client.identity_get(done.new_identity_id).record.enrolled


def test_who_asked_is_written_down(street) -> None:
    for said, noted in (("ann@desk", "grpc:ann@desk"), ("two words", "grpc")):
        with MatcherClient(street.matcher.address, actor=said) as client:
            client.identity_undo(client.identity_merge("id-red", "id-blue").event_id)
        assert street.store.audit_log()[-1].actor == noted


def test_what_was_believed_at_a_moment(street, tick) -> None:
    before = tick()
    merged = street.client.identity_merge("id-red", "id-blue")
    joined = tick()
    street.client.identity_undo(merged.event_id)
    street.store.delete_sighting("red-2", "alice")
    after = tick()

    def members(identity_id, at_ns):
        past = street.client.identity_history(identity_id, at_ns).believed
        return past.identity_id, past.aliases, [s.sighting_id for s in past.sightings]

    assert members("id-blue", before) == ("id-blue", (), ["blue-1"])
    assert members("id-blue", joined) == ("id-red", ("id-blue",), ["red-1", "blue-1", "red-2"])
    assert members("id-red", after) == ("id-red", (), ["red-1"])
    assert members("id-blue", after) == ("id-blue", (), ["blue-1"])
    past = street.client.identity_history("id-red", joined).believed
    assert [s.summary is None for s in past.sightings] == [False, False, True]
    assert [e.kind for e in street.client.identity_history("id-blue").events] == [
        "identity.created", "sighting.decided", "identity.merged", "identity.unmerged"
    ]  # fmt: skip
    assert len(street.client.identity_history("id-blue", before).events) == 2


def test_the_past_shows_the_colour_of_sightings(street, tick) -> None:
    painted = replace(street.store.get_sighting("red-1"), revision=2, colour={"red": 0.7, "brown": 0.2})
    street.store.put_sighting(painted, street.lease)
    past = street.client.identity_history("id-red", tick()).believed.sightings
    assert [s.summary.colour for s in past] == ["red", ""]


def test_the_past_of_what_never_was(street, tick) -> None:
    with pytest.raises(NotFound, match="no event of nothing is kept"):
        street.client.identity_history("nothing")
    with pytest.raises(NotFound, match="from before that moment; the oldest event is of"):
        street.client.identity_history("id-red", 5)
    street.store.delete_identity("id-red", "alice")
    with pytest.raises(NotFound, match="at that moment there was no identity id-red"):
        street.client.identity_history("id-red", tick())
    assert street.client.identity_history("id-red").events[-1].kind == "identity.deleted"


@pytest.mark.parametrize(
    ("ask", "error", "about"),
    [
        (lambda c: c.identity_merge("id-red", ""), InputError, "absorbed_id: missing"),
        (lambda c: c.identity_merge("id-red", "id-red"), InputError, "one identity already"),
        (lambda c: c.identity_merge("id-red", "nothing"), NotFound, "nothing"),
        (lambda c: c.identity_merge("id-red", "id-blue", "a\nb"), InputError, "reason: must be one line"),
        (lambda c: c.identity_split("id-red", []), InputError, "sighting_ids: must be 1 to"),
        (lambda c: c.identity_split("id-red", ["blue-1"]), InputError, "blue-1 is not a sighting of id-red"),
        (lambda c: c.identity_split("id-red", ["red-1", "red-2"]), InputError, "one must stay"),
        (lambda c: c.identity_undo("1-1"), NotFound, "event 1-1 is not kept"),
        (lambda c: c.identity_undo_last(""), InputError, "identity_id: missing"),
        (lambda c: c.identity_history(""), InputError, "identity_id: missing"),
        (lambda c: c.identity_list(wanted=IdentityFilter(min_cameras=-1)), InputError, "min_cameras"),
        (lambda c: c.identity_list(wanted=IdentityFilter(from_ns=2, to_ns=1)), InputError, "from lies after to"),
    ],
)
def test_bad_requests_change_nothing(street, ask, error, about) -> None:
    last = street.store.last_event_id()
    with pytest.raises(error, match=about):
        ask(street.client)
    assert street.store.last_event_id() == last


def test_list_for_scripts_and_people(vreid, documented) -> None:
    document = documented("list", "--min-cameras", 2)
    assert document["total"] == 1
    (shown,) = document["identities"]
    assert (shown["identity_id"], shown["cameras"], shown["sighting_count"]) == ("id-red", ["north", "south"], 2)
    assert documented("list", "--since", "2023-11-14T22:14:22Z")["total"] == 1
    assert "1 of 2" in vreid("list", "--limit", 1).stdout
    assert vreid("list", "--status", "maybe").exit_code == 2
    assert vreid("list", "--since", "yesterday").exit_code == 2


def test_correct_and_look_back_on_the_command_line(vreid, documented, street, tick) -> None:
    before = tick()
    merged = documented("merge", "id-red", "id-blue", "--reason", "same dent")
    shown = vreid("history", "id-red").stdout
    assert "id-blue became an alias of id-red: same dent" in shown
    assert "grpc:ann" in shown
    stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(before // 10**9))}.{before % 10**9 // 1000:06d}Z"
    past = documented("show", "id-blue", "--at", stamp)
    assert [s["sighting_id"] for s in past["sightings"]] == ["blue-1"]
    assert "as believed at" in vreid("show", "id-blue", "--at", stamp).stdout
    assert f"undo with: vreid identity undo {merged['event_id']}" not in shown
    undone = documented("undo", merged["event_id"])
    assert undone["event_id"] != merged["event_id"]
    told = documented("history", "id-blue", "--at", "0s")
    assert told["identity_id"] == "id-blue"
    split = documented("split", "id-red", "red-2")
    assert "taken back" in vreid("undo", split["new_identity_id"]).stdout
    assert documented("show", "id-red")["enrolled"] is False
    street.store.enrol("id-red", "alice")
    assert documented("history", "id-red")["events"][-1]["kind"] == "identity.enrolled"
    failed = vreid("merge", "id-red", "id-red")
    assert (failed.exit_code, failed.stderr.count("\n")) == (1, 1)
