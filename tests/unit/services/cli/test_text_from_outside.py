"""What comes from outside is shown as it stands, whatever it holds in brackets."""

from __future__ import annotations

import pytest

from services.cli import audit, identity, identity_views, token
from services.identity.retention.contract import AuditEntry
from services.matcher.types import CorrectionAnswer, HistoryEntry, IdentityHistory


@pytest.fixture(params=["same frame [dealer sticker left]", "see ticket [/T-42]", "[red]", ":car: \\[x]"])
def said(request, monkeypatch) -> str:
    monkeypatch.setenv("COLUMNS", "300")
    return request.param


def test_in_a_history(said, capsys):
    entry = HistoryEntry("1-0", 0, "identity.merged", "a", "b", reason=said, actor=f"ann {said}")
    identity_views.show_history(IdentityHistory(events=(entry,)))
    assert f"b became an alias of a: {said} " in (out := capsys.readouterr().out)
    assert f"ann {said}" in out


def test_in_the_audit_log(said, capsys):
    audit._show_log([AuditEntry("1-0", 0, f"ann {said}", "delete_identity", "x", 1, f"why: {said}")])
    assert f"ann {said} " in (out := capsys.readouterr().out)
    assert f"why: {said}" in out


def test_in_the_answer_to_a_correction(said, capsys):
    identity._corrected(CorrectionAnswer("1-0", "1-0"), f"merged {said}", as_json=False)
    assert capsys.readouterr().out == f"merged {said}\nundo with: vreid identity undo 1-0\n"


def test_what_is_styled_is_shown_without_its_markup(capsys):
    row = {"name": "ann", "role": "viewer", "created": "", "expires": "", "source": "here", "expired": True}
    token._show([row])
    assert "expired  here" in capsys.readouterr().out
