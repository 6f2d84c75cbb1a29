"""A folder is replaced whole, and stays where that fails."""

import pytest

from services.errors import ModelFileError
from services.models.folders import draft_beside, locked, put_in_place


def written(folder, text):
    folder.mkdir()
    (folder / "model.xml").write_text(text)
    return folder


def test_a_draft_becomes_the_folder_and_nothing_else_is_left(tmp_path):
    folder = written(tmp_path / "form", "first")
    with draft_beside(folder) as draft:
        (draft / "model.xml").write_text("second")
        put_in_place(draft, folder)
    assert (folder / "model.xml").read_text() == "second"
    assert folder.stat().st_mode & 0o777 == 0o755, "who serves may be another user"
    assert [path.name for path in tmp_path.iterdir()] == ["form"]


def test_a_draft_that_cannot_be_put_in_place_leaves_what_was(tmp_path):
    folder = written(tmp_path / "form", "first")
    # It goes aside with the folder that it lies in.
    draft = written(folder / "draft", "second")
    with pytest.raises(OSError, match="draft"):
        put_in_place(draft, folder)
    assert (folder / "model.xml").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["form"]


def test_a_cache_that_cannot_be_written_is_told_as_such(tmp_path):
    (tmp_path / "locks" / "net.lock").mkdir(parents=True)
    with pytest.raises(ModelFileError, match="cannot write the model cache"), locked(tmp_path / "locks", "net"):
        pass
