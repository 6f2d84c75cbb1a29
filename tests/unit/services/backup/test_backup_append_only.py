"""The parts of append-only files that make one state, also while a server replaces them."""

import pytest

from services.backup import append_only
from services.errors import ConfigError, SnapshotError

MANIFEST = (
    "file a.aof.2.base.rdb seq 2 type b\n"
    "file a.aof.1.incr.aof seq 1 type h\n"
    "file a.aof.2.incr.aof seq 2 type i startoffset 7\n"
)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / append_only.FOLDER
    made.mkdir()
    (made / "a.aof.manifest").write_text(MANIFEST)
    for name, data in {"a.aof.2.base.rdb": b"base", "a.aof.1.incr.aof": b"old", "a.aof.2.incr.aof": b"new"}.items():
        (made / name).write_bytes(data)
    return made


def test_base_and_increments_without_history(folder, tmp_path):
    with append_only.opened(tmp_path) as parts:
        read = {name: file.read(length) for name, file, length in parts}
    assert list(read) == [f"appendonlydir/{n}" for n in ("a.aof.manifest", "a.aof.2.base.rdb", "a.aof.2.incr.aof")]
    assert b"type h" not in read["appendonlydir/a.aof.manifest"]
    assert read["appendonlydir/a.aof.2.incr.aof"] == b"new"


def test_what_a_rewrite_removes_meanwhile_is_still_read(folder, tmp_path):
    with append_only.opened(tmp_path) as parts:
        (folder / "a.aof.2.base.rdb").unlink()
        (folder / "a.aof.2.incr.aof").unlink()
        assert [file.read(length) for _, file, length in parts][1:] == [b"base", b"new"]


def test_a_rewrite_between_is_noticed_and_tried_again(folder, tmp_path, monkeypatch):
    (folder / "a.aof.2.base.rdb").rename(folder / "hidden")

    def pause(_seconds):
        (folder / "hidden").rename(folder / "a.aof.2.base.rdb")

    monkeypatch.setattr(append_only.time, "sleep", pause)
    with append_only.opened(tmp_path) as parts:
        assert len(parts) == 3


def test_a_server_that_never_rests_is_given_up(folder, tmp_path, monkeypatch):
    (folder / "a.aof.2.base.rdb").unlink()
    monkeypatch.setattr(append_only.time, "sleep", lambda _seconds: None)
    with pytest.raises(SnapshotError, match="try again"), append_only.opened(tmp_path):
        pass


def test_no_such_folder_is_one_clear_line(tmp_path):
    with pytest.raises(ConfigError, match="appendonly yes"), append_only.opened(tmp_path):
        pass


def test_an_unknown_manifest_is_refused(folder, tmp_path):
    (folder / "a.aof.manifest").write_text("file ../../etc/passwd seq 1 type b\n")
    with pytest.raises(SnapshotError, match="not understood"), append_only.opened(tmp_path):
        pass
