"""Standing queries: they stay until somebody removes them, and what they raised goes with what it speaks of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.errors import NotFound
from services.identity.standing import contract
from services.identity.standing.contract import AlertRecord, StandingProbe, StandingRecord

SECOND = 1_000_000_000


def wanted(standing_id="q1", **changes):
    fields = {
        "name": "the red van",
        "probes": (StandingProbe("identity", "a"), StandingProbe("vector", "AACAPw==", "m")),
        "min_probability": 0.75,
        "created_ns": 1_763_000_000_123_456_789,
        "created_by": "alice",
        "camera_ids": ("north",),
        "classes": ("car",),
        "picture": b"\xff\xd8picture",
    }
    return StandingRecord(standing_id, **(fields | changes))


def raised(sighting_id, standing_id="q1", at_s=0.0):
    at_ns = 1_763_000_100 * SECOND + int(at_s * SECOND)
    return AlertRecord(standing_id, sighting_id, "north", at_ns - SECOND, at_ns, 0.5, 0.875)


def said(site):
    return [(e.actor, e.action, e.subject, e.sightings) for e in site.store.audit_log()]


def test_a_standing_query_is_kept_changed_and_removed(site):
    later = wanted("q0", created_ns=1_763_000_001_000_000_000, name="later")
    site.store.put_standing(later, "bob")
    site.store.put_standing(wanted(), "alice")
    assert site.store.standing() == [wanted(), later]
    site.store.put_standing(replace(wanted(), active=False), "bob")
    assert site.store.standing()[0] == replace(wanted(), active=False)
    site.store.delete_standing("q1", "carol")
    assert site.store.standing() == [later]
    assert said(site) == [
        ("bob", "create_standing", "q0", 0),
        ("alice", "create_standing", "q1", 0),
        ("bob", "change_standing", "q1", 0),
        ("carol", "delete_standing", "q1", 0),
    ]
    with pytest.raises(NotFound):
        site.store.delete_standing("q1", "carol")


@pytest.mark.parametrize(
    "bad",
    [
        {"standing_id": "a:b"},
        {"standing_id": ""},
        {"name": ""},
        {"name": "two\nlines"},
        {"probes": ()},
        {"min_probability": 0.0},
        {"picture": bytes(contract.MAX_PICTURE + 1)},
    ],
    ids=str,
)
def test_a_standing_query_out_of_bounds_is_refused(site, bad):
    with pytest.raises(ValueError, match=r"standing|name"):
        site.store.put_standing(replace(wanted(), **bad), "alice")
    assert site.store.standing() == []


def test_alerts_are_raised_once_and_come_newest_first(site):
    site.assign(s1="a", s2="a", s3="b")
    site.store.put_standing(wanted(), "alice")
    assert site.store.standing_position() == ""
    assert site.store.add_alerts([raised("s1", at_s=1), raised("s2", at_s=2)], "7-0") == 2
    assert site.store.add_alerts([raised("s1", at_s=9), raised("s3", at_s=3)], "8-0") == 1
    assert site.store.standing_position() == "8-0"
    page, total = site.store.alerts(2)
    assert (page, total) == ([raised("s3", at_s=3), raised("s2", at_s=2)], 3)
    assert site.store.alerts(2, 2) == ([raised("s1", at_s=1)], 3)
    assert site.store.add_alerts([], "9-0") == 0
    assert site.store.standing_position() == "9-0"


def test_an_alert_of_what_is_gone_is_not_raised(site):
    site.assign(s1="a")
    site.store.put_standing(wanted(), "alice")
    assert site.store.add_alerts([raised("s9"), raised("s1", "q9")], "7-0") == 0
    assert site.store.alerts() == ([], 0)


def test_who_takes_note_of_an_alert_is_remembered_and_audited(site):
    site.assign(s1="a", s2="a")
    site.store.put_standing(wanted(), "alice")
    site.store.add_alerts([raised("s1", at_s=1), raised("s2", at_s=2)], "7-0")
    assert site.store.acknowledge_alerts(["q1:s1", "q1:unknown"], "bob") == 1
    assert site.store.acknowledge_alerts(["q1:s1"], "carol") == 0
    assert site.store.alerts(open_only=True) == ([raised("s2", at_s=2)], 1)
    (_, taken), total = site.store.alerts()
    assert (taken.sighting_id, taken.acknowledged_by, total) == ("s1", "bob", 2)
    assert taken.acknowledged_ns > 0
    assert said(site)[1:] == [("bob", "acknowledge_alerts", "q1:s1", 1)]
    assert site.store.add_alerts([raised("s1", at_s=1)], "8-0") == 0


@pytest.mark.parametrize("how", ["delete", "erase", "expire", "identity"])
def test_an_alert_goes_with_its_sighting(site, how):
    site.assign(s1="a", s2="b")
    site.store.put_standing(wanted(), "alice")
    site.store.put_standing(wanted("q2"), "alice")
    site.store.add_alerts([raised("s1"), raised("s2", at_s=1), raised("s1", "q2")], "7-0")
    match how:
        case "expire":
            site.all_leave()
            site.store.expire(site.store.get_sighting("s1").end_ns + 1000)
        case "identity":
            site.store.delete_identity("a", "bob")
        case _:
            site.store.delete_sighting("s1", "bob", cause=how)
    for open_only in (False, True):
        assert site.store.alerts(open_only=open_only) == ([raised("s2", at_s=1)], 1)


def test_alerts_go_with_their_query(site):
    site.assign(s1="a")
    site.store.put_standing(wanted(), "alice")
    site.store.put_standing(wanted("q11"), "alice")
    site.store.add_alerts([raised("s1"), raised("s1", "q11", at_s=1)], "7-0")
    site.store.delete_standing("q1", "bob")
    assert site.store.alerts() == ([raised("s1", "q11", at_s=1)], 1)


def test_only_the_newest_alerts_are_kept(site, monkeypatch):
    for module in ("memory", "redis"):
        monkeypatch.setattr(f"services.identity.standing.{module}.MAX_ALERTS", 2)
    site.assign(s1="a", s2="a", s3="a")
    site.store.put_standing(wanted(), "alice")
    site.store.add_alerts([raised("s1"), raised("s2", at_s=1), raised("s3", at_s=2)], "7-0")
    assert [a.sighting_id for a in site.store.alerts()[0]] == ["s3", "s2"]
    assert site.store.alerts(open_only=True)[1] == 2


def test_the_reason_of_a_removal_is_audited(site):
    site.assign(s1="a", s2="b")
    site.store.delete_identity("a", "bob", reason="asked for by its owner")
    site.store.delete_sighting("s2", "bob", cause="erase", reason="by order")
    assert [(e.action, e.detail) for e in site.store.audit_log()] == [
        ("delete_identity", "asked for by its owner"),
        ("erase_sighting", "by order"),
    ]


def test_the_audit_log_is_read_backwards(site):
    for n in range(5):
        site.store.note("alice", f"did-{n}", "x", 0)
    page = site.store.audit_newest(count=2)
    assert [e.action for e in page] == ["did-4", "did-3"]
    assert [e.action for e in site.store.audit_newest(page[-1].entry_id)] == ["did-2", "did-1", "did-0"]


def test_a_store_says_what_it_is(site):
    about = site.store.about()
    assert about["server"].split()[0] in {"memory", "valkey", "redis"}
    assert about["writes"]


def test_a_change_does_not_bring_back_what_was_removed_meanwhile(site):
    site.store.put_standing(wanted(), "alice")
    paused = replace(wanted(), active=False)
    site.store.change_standing(paused, "bob")
    assert site.store.standing() == [paused]
    site.store.delete_standing("q1", "carol")
    with pytest.raises(NotFound, match="q1"):
        site.store.change_standing(wanted(), "bob")
    assert site.store.standing() == []
    assert [action for _, action, _, _ in said(site)] == ["create_standing", "change_standing", "delete_standing"]


def test_very_many_alerts_go_with_their_query(site):
    names = [f"s{n}" for n in range(1200)]
    site.assign(**dict.fromkeys(names, "a"))
    site.store.put_standing(wanted(), "alice")
    site.store.put_standing(wanted("q2"), "alice")
    site.store.add_alerts([raised(name, at_s=n) for n, name in enumerate(names)], "7-0")
    site.store.add_alerts([raised("s1", "q2")], "8-0")
    assert site.store.acknowledge_alerts(["q1:s1"], "bob") == 1
    site.store.delete_standing("q1", "carol")
    assert site.store.alerts() == ([raised("s1", "q2")], 1)
    assert site.store.alerts(open_only=True) == ([raised("s1", "q2")], 1)
