"""The search for a vector's bytes finds them wherever they lie, and says when it proves nothing."""

from __future__ import annotations

import numpy as np
import pytest

from services.identity.retention.proof import fragments, search_folder


@pytest.fixture
def vector():
    values = np.random.default_rng(3).normal(size=128)
    return (values / np.linalg.norm(values)).astype("<f2").tobytes()


def runs(vector):
    """A vector as LZF writes what it cannot compress: runs of 32 bytes, each behind a control byte."""
    return b"".join(b"\x1f" + vector[at : at + 32] for at in range(0, len(vector), 32))


@pytest.mark.parametrize("shift", range(0, 32, 5))
def test_is_found_in_one_piece_and_in_runs(tmp_path, vector, shift):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "plain.aof").write_bytes(b"x" * 1000 + vector + b"y")
    (tmp_path / "runs.rdb").write_bytes(runs(vector[shift:]))
    (tmp_path / "other").write_bytes(np.random.default_rng(4).bytes(4096))
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to(tmp_path / "runs.rdb")
    found = search_folder(tmp_path, [vector])
    assert sorted(trace.path.rsplit("/", 1)[1] for trace in found.traces) == ["plain.aof", "runs.rdb"]
    assert (found.files, found.clean) == (4, False)
    assert 1000 <= next(t.offset for t in found.traces if t.path.endswith("aof")) < 1000 + len(vector)


def test_nothing_looked_for_proves_nothing(tmp_path, vector):
    (tmp_path / "file").write_bytes(b"abc")
    assert fragments([bytes(256), b"short"]) == []
    assert not search_folder(tmp_path, [bytes(256)]).clean
    found = search_folder(tmp_path, [vector])
    assert found.clean
    assert (found.files, found.bytes, found.fragments) == (1, 3, 4)


def test_a_folder_that_is_not_there(tmp_path, vector):
    with pytest.raises(FileNotFoundError):
        search_folder(tmp_path / "nothing", [vector])
