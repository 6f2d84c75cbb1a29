"""Where nobody looks at a terminal, a log still says where the console is."""

from services.cli.watch import Watch, shown
from services.identity.memory_store import MemoryStore


def test_a_log_gets_the_note_once_and_no_view(capsys):
    watch = Watch(MemoryStore(), "vreid up · default")
    watch.note = "console http://127.0.0.1:8650 · gRPC on 127.0.0.1:50661 · Ctrl-C ends"
    with shown(watch, quiet=True) as refresh:
        refresh()
        refresh()
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [f"vreid up · default · {watch.note}"]
