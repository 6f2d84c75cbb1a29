"""A backup file is whole or refused: cut short, changed, or holding what no backup holds."""

import io
import tarfile

import pytest

from services.backup.archive import BackupWriter, read_backup
from services.errors import SnapshotError

FILES = {"store/appendonlydir/a.aof": b"x" * 300_000, "crops/ab/c.jpg": b"\xff\xd8", "data/empty": b""}


@pytest.fixture
def backup(tmp_path):
    path = tmp_path / "site.tar"
    with BackupWriter(path) as writer:
        for name, data in FILES.items():
            writer.add(name, io.BytesIO(data), len(data))
        writer.finish({"site": "north"})
    return path


def test_what_goes_in_comes_out(backup, tmp_path):
    contents = read_backup(backup, tmp_path / "out")
    assert contents.about == {"site": "north"}
    assert contents.bytes == sum(len(data) for data in FILES.values())
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES
    assert read_backup(backup) == contents
    assert backup.stat().st_mode & 0o777 == 0o600


def test_only_what_was_there_at_first_is_taken_of_a_file_that_grows(tmp_path):
    with BackupWriter(tmp_path / "b.tar") as writer:
        writer.add("a", io.BytesIO(b"12345678"), 5)
        writer.finish({})
    read_backup(tmp_path / "b.tar", tmp_path / "out")
    assert (tmp_path / "out" / "a").read_bytes() == b"12345"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.98])
def test_a_file_that_was_cut_short_is_refused(backup, share):
    data = backup.read_bytes()
    end = data.rindex(b'{"about"')  # the last member; behind it is nothing but zeros
    backup.write_bytes(data[: int(end * share)])
    with pytest.raises(SnapshotError, match=r"site\.tar"):
        read_backup(backup)


def test_a_changed_byte_is_found(backup):
    data = bytearray(backup.read_bytes())
    data[data.index(b"xxxx") + 1000] ^= 1
    backup.write_bytes(data)
    with pytest.raises(SnapshotError, match=r"a\.aof and 0 more"):
        read_backup(backup)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "crops/a b"])
def test_names_lead_nowhere_else(tmp_path, name):
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(SnapshotError, match="no backup does"):
        read_backup(path, tmp_path / "out")
    assert not (tmp_path / "evil").exists()


def test_links_are_refused(tmp_path):
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("data/link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(SnapshotError, match="no backup does"):
        read_backup(path, tmp_path / "out")


def test_nothing_is_left_of_one_that_was_given_up(tmp_path):
    path = tmp_path / "site.tar"
    with pytest.raises(SnapshotError, match="unexpected end"), BackupWriter(path) as writer:
        writer.add("a", io.BytesIO(b"123"), 5)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(backup):
    with pytest.raises(SnapshotError, match="exists already"):
        BackupWriter(backup)
