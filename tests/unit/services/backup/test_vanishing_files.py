"""Files that go while a backup reads them."""

from __future__ import annotations

from pathlib import Path

from services.backup.site import _add_file


class Writer:
    def __init__(self) -> None:
        self.added: dict[str, tuple[bytes, int]] = {}

    def add(self, name, file, size) -> None:
        self.added[name] = (file.read(), size)


def test_a_picture_that_goes_once_it_is_open_is_kept_whole(tmp_path, monkeypatch):
    picture, opened = tmp_path / "a.jpg", Path.open
    picture.write_bytes(b"pixels")

    def gone(path, mode):
        file = opened(path, mode)
        path.unlink()
        return file

    monkeypatch.setattr(Path, "open", gone)
    writer = Writer()
    assert _add_file(writer, "a.jpg", picture)
    assert writer.added == {"a.jpg": (b"pixels", 6)}
    assert not _add_file(writer, "a.jpg", picture)
