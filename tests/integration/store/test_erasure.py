"""Erasure from a real server: the vector's bytes are in the data folder before, and nowhere in it after."""

from __future__ import annotations

import dataclasses
import threading
import time

import numpy as np
import pytest

from services.crops import CropStore
from services.errors import NotFound
from services.identity.codec import encode_sighting
from services.identity.retention.contract import SERVER
from services.identity.retention.erase import Eraser
from services.identity.retention.proof import search_folder
from services.identity.retention.sweep import finish_erasures
from services.identity.rolling.contract import ModelRef
from services.types import Commit, Merge, ModelVectors


@pytest.fixture
def server(start_server, tmp_path):
    return start_server(tmp_path / "data")


@pytest.fixture
def store(server):
    store = server.store()
    yield store
    store.close()


@pytest.fixture
def crops(tmp_path):
    return CropStore(str(tmp_path / "data" / "crops"))


@pytest.fixture
def see(store, crops, make_sighting, decide):
    """Stores a sighting twice with vectors of its own, and decides; returns all its vectors as bytes."""
    ingest = store.acquire_lease("ingest", "me", 600)
    associator = store.acquire_lease("associator", "me", 600)
    rng = np.random.default_rng(5)

    def make(sighting_id, identity_id):
        stored = []
        for revision in (1, 2):
            vectors = rng.normal(size=(4, 128)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            key = crops.put(rng.integers(0, 255, size=(32, 32, 3), dtype=np.uint8))
            sighting = dataclasses.replace(
                make_sighting(sighting_id, revision), embedding=vectors[0], exemplars=vectors[1:], crop_keys=(key,)
            )
            store.put_sighting(sighting, ingest)
            stored += [encode_sighting(sighting)["embedding"], encode_sighting(sighting)["exemplars"]]
        store.commit(Commit(associator, (decide(sighting_id, identity_id, 2),)))
        return stored

    make.associator = associator
    return make


def test_an_erased_identity_is_nowhere_in_the_data_folder(server, store, crops, see, tmp_path):
    gone = see("s1", "a") + see("s2", "b")
    kept = see("s3", "c")
    store.commit(Commit(see.associator, merges=(Merge("a", "b", "m"),)))
    data = tmp_path / "data"
    assert search_folder(data, gone).traces
    done = Eraser(store, crops, data).identity("b", "alice")
    assert done.proven
    assert (done.subject, done.sighting_ids, done.crops, done.waits) == ("a", ("s1", "s2"), 2, ())
    assert (done.search.fragments, done.search.files) == (2 * 4 * 4, done.search.files)
    assert search_folder(data, gone).clean
    assert search_folder(data, kept).traces
    assert store.purges() == []
    assert [e.payload for e in store.read_events("0-0", 100, 0) if "s1" in repr(e) or "'a'" in repr(e)] == []
    actions = [(a.actor, a.action, a.subject) for a in store.audit_log()]
    assert actions == [("alice", "erase_identity", "a"), ("alice", "erasure_done", "a")]

    server.kill()
    server.start()
    assert store.get_identity("a") is None
    assert store.get_identity("c").sighting_ids == ("s3",)
    assert search_folder(data, gone).clean


def test_one_sighting_can_be_erased(store, crops, see, tmp_path):
    gone, kept = see("s1", "a"), see("s2", "a")
    done = Eraser(store, crops, tmp_path / "data").sighting("s1", "alice")
    assert done.proven
    assert search_folder(tmp_path / "data", gone).clean
    assert search_folder(tmp_path / "data", kept).traces
    assert store.get_identity("a").sighting_ids == ("s2",)
    with pytest.raises(NotFound):
        Eraser(store, crops, None).sighting("s1", "alice")
    with pytest.raises(NotFound):
        Eraser(store, crops, None).identity("?", "alice")


def test_what_another_holder_wrote_down_is_found(store, crops, see, tmp_path):
    vectors = see("s1", "a")
    snapshot = tmp_path / "data" / "snapshot.bin"
    snapshot.write_bytes(b"head" + vectors[2])
    done = Eraser(store, crops, tmp_path / "data", patience_s=0.5).identity("a", "alice")
    assert not done.proven
    assert [trace.path for trace in done.search.traces] == [str(snapshot)]


def test_an_erasure_waits_for_views_and_ends_without_them_later(store, crops, see, tmp_path):
    vectors = see("s1", "a") + see("s2", "b")
    store.begin_view("gallery", store.last_event_id())
    eraser = Eraser(store, crops, tmp_path / "data", patience_s=0.3)
    done = eraser.identity("a", "alice")
    assert (done.waits, done.search, done.proven) == (("gallery", SERVER), None, False)
    assert finish_erasures(store) == 0

    eraser = Eraser(store, crops, tmp_path / "data", patience_s=20)
    late = threading.Timer(0.3, lambda: store.acknowledge("gallery", ["s2"]))
    late.start()
    assert eraser.identity("b", "alice").proven
    late.join()

    store.acknowledge("gallery", ["s1"])
    assert finish_erasures(store) == 1
    deadline = time.monotonic() + 10
    while (found := search_folder(tmp_path / "data", vectors)).traces and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found.clean


def test_where_the_files_are_elsewhere_nothing_is_proven(store, crops, see):
    see("s1", "a")
    done = Eraser(store, crops, None).identity("a", "alice")
    assert (done.search, done.waits, done.proven) == (None, (), False)


def test_an_erasure_while_the_model_changes_is_proven_for_both_models(store, crops, see, tmp_path):
    see("s1", "a")
    old, new = ModelRef("m", "old"), ModelRef("n", "new")
    store.step_roll("start", old, new, "alice")
    rows = np.random.default_rng(6).normal(size=(3, 128)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert store.put_beside("s1", 2, ModelVectors("n", rows[0], rows[1:]))
    gone = [row.astype("<f2").tobytes() for row in rows]
    data = tmp_path / "data"
    assert search_folder(data, gone).traces
    done = Eraser(store, crops, data).identity("a", "alice")
    assert done.proven
    assert done.search.fragments == (4 + 3) * 4
    assert search_folder(data, gone).clean
