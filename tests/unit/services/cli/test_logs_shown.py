"""History and audit can be read on any terminal and searched in any pipe: ids stay whole."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from services.cli import audit, identity_views, output
from services.identity.retention.contract import AuditEntry
from services.matcher.types import HistoryEntry, IdentityHistory

ONE, OTHER = "01a21acc-ef7f-753b-9b20-abc43b006201", "01a21acc-fc19-7a3e-8f00-0123456789ab"
REASON = "the same dent in the door, and the same sticker of a dealer on the rear window"
MERGED = HistoryEntry("1795647621663-0", 0, "identity.merged", ONE, OTHER, reason=REASON, actor="grpc:ann")
AUDITED = AuditEntry("1-0", 0, "grpc:ann", "merge", ONE, 3, f"{OTHER} {REASON}")
SHOWN = {
    "history": lambda: identity_views.show_history(IdentityHistory(events=(MERGED, MERGED))),
    "audit": lambda: audit._show_log([AUDITED, AUDITED]),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_off_a_terminal_an_entry_is_one_line(show, capsys):
    show()
    _, *entries = capsys.readouterr().out.splitlines()
    assert len(entries) == 2
    assert all(word in line for line in entries for word in (ONE, OTHER, REASON, "grpc:ann"))


@pytest.mark.parametrize("width", [40, 80, 100])
@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_on_a_narrow_terminal_ids_stay_whole(show, width, monkeypatch):
    terminal = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, markup=False)
    monkeypatch.setattr(output, "stdout", terminal)
    show()
    said = terminal.file.getvalue()
    assert (said.count(ONE), said.count(OTHER)) == (2, 2)
    assert " ".join(said.split()).count(REASON) == 2
    if width >= 80:
        assert max(map(len, said.splitlines())) <= width


def test_on_a_wide_terminal_entries_are_a_table(monkeypatch):
    terminal = Console(file=io.StringIO(), width=250, force_terminal=True, color_system=None, markup=False)
    monkeypatch.setattr(output, "stdout", terminal)
    SHOWN["audit"]()
    assert len(terminal.file.getvalue().splitlines()) == 3
