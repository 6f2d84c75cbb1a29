"""A restore rehearsed: a site is backed up while it writes, and another machine goes on from what comes out."""

import json
import subprocess
import threading

import numpy as np
import pytest
from typer.testing import CliRunner

from services.cli.backup import app
from services.config import VreidConfig, dump_config
from services.crops import open_crops
from services.identity.embedded import EmbeddedServer
from services.identity.opening import open_store
from services.types import Commit, Sighting
from tracker.types import Decision, DecisionStatus, TrackKey


def seen(number: int, crop_keys: tuple[str, ...] = ()) -> Sighting:
    vector = np.zeros(8, np.float32)
    vector[number % 8] = 1
    return Sighting(
        sighting_id=f"sighting-{number}",
        revision=1,
        final=True,
        track_keys=(TrackKey("gate", "session", number),),
        camera_id="gate",
        start_ns=1_000_000_000,
        end_ns=2_000_000_000,
        times_ns=np.array([1_000_000_000], np.int64),
        frames=np.array([1], np.int64),
        boxes_xyxy=np.zeros((1, 4), np.float32),
        class_probs=np.array([1, 0, 0, 0], np.float32),
        colour={},
        embedding=vector,
        exemplars=np.stack([vector] * len(crop_keys)) if crop_keys else np.zeros((0, 8), np.float32),
        quality=0.5,
        model_id="m",
        crop_keys=crop_keys,
    )


@pytest.fixture
def serve():
    """Starts the embedded server of a data folder; ends what is left."""
    running = []

    def start(data_dir):
        server = EmbeddedServer(data_dir)
        process = subprocess.Popen(server.command(), stdout=subprocess.DEVNULL)
        running.append(process)
        server.wait_ready(30, lambda: process.poll() is None)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait(30)


@pytest.fixture
def site(tmp_path, serve):
    """A running site with 20 decided sightings and a picture of each."""
    config = VreidConfig(site="north", data_dir=tmp_path / "here")
    process = serve(config.data_dir)
    dump_config(config, tmp_path / "vreid.yaml")
    (config.data_dir / "tokens.json").write_text('{"tokens": []}')
    store = open_store(config.redis, config.data_dir, config.site)
    crops = open_crops(None, config.data_dir)
    lease = store.acquire_lease("associator", "here", 60)
    for number in range(20):
        put(store, crops, lease, number)
    yield config, store, lease, crops, process
    store.close()


def put(store, crops, lease, number):
    picture = crops.put(np.full((8, 8, 3), number, np.uint8))
    store.put_sighting(seen(number, (picture,)), lease)
    decision = Decision(f"sighting-{number}", 1, DecisionStatus.NEW, f"identity-{number % 5}", 0.0, 1.0, 0.9)
    store.commit(Commit(lease, decisions=(decision,)))


def command(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def state(store):
    return {sighting.sighting_id: identity for sighting, identity in store.scan_sightings()}


def test_a_site_comes_back_from_a_backup_taken_while_it_wrote(site, serve, tmp_path):
    config, store, lease, crops, process = site
    acknowledged = state(store)
    stop = threading.Event()
    written = []

    def write_on():
        number = 100
        while not stop.is_set():
            put(store, crops, lease, number)
            written.append(f"sighting-{number}")
            number += 1

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        while not written:
            pass
        before = list(written)
        made = command("create", "--out", tmp_path, "--config", tmp_path / "vreid.yaml")
    finally:
        stop.set()
        writer.join(30)
    process.kill()

    assert made["site"] == "north"
    assert made["pictures"] >= 20 + len(before)
    assert command("check", made["file"])["members"] == made["members"]
    there = config.model_copy(update={"data_dir": tmp_path / "there"})
    dump_config(there, tmp_path / "there.yaml")
    command("restore", made["file"], "--config", tmp_path / "there.yaml")
    assert (tmp_path / "there" / "tokens.json").read_text() == '{"tokens": []}'
    assert [path.name for path in (tmp_path / "there").glob("restore-*")] == []

    serve(there.data_dir)
    back = open_store(there.redis, there.data_dir, there.site)
    found = state(back)
    assert acknowledged.items() <= found.items()
    assert set(before) <= set(found)
    pictures = open_crops(None, there.data_dir)
    for sighting, _ in back.scan_sightings():
        assert pictures.get(sighting.crop_keys[0])
    # The site goes on: a fresh lease, a newer fencing token, and work that is added to what was restored.
    taken = back.acquire_lease("ingest", "there", 60)
    position = back.put_sighting(seen(999), taken).log_position
    assert back.last_event_id() == position
    back.close()


def test_a_restore_overwrites_nothing_and_damage_changes_nothing(site, tmp_path):
    config, *_ = site
    made = command(
        "create", "--out", tmp_path / "b.tar", "--data-dir", config.data_dir, "--config", tmp_path / "vreid.yaml"
    )
    done = CliRunner().invoke(app, ["restore", made["file"], "--config", str(tmp_path / "vreid.yaml")])
    assert done.exit_code == 1
    assert "is not empty" in done.stderr
    data = bytearray((tmp_path / "b.tar").read_bytes())
    data[len(data) // 3] ^= 1
    (tmp_path / "b.tar").write_bytes(data)
    there = config.model_copy(update={"data_dir": tmp_path / "there"})
    dump_config(there, tmp_path / "there.yaml")
    done = CliRunner().invoke(app, ["restore", made["file"], "--config", str(tmp_path / "there.yaml")])
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert not list((tmp_path / "there").iterdir())


def test_a_backup_of_another_site_and_an_external_store_without_its_folder_are_refused(site, tmp_path):
    config, *_ = site
    made = command("create", "--out", tmp_path / "b.tar", "--config", tmp_path / "vreid.yaml")
    dump_config(config.model_copy(update={"site": "south", "data_dir": tmp_path / "south"}), tmp_path / "s.yaml")
    done = CliRunner().invoke(app, ["restore", made["file"], "--config", str(tmp_path / "s.yaml")])
    assert "is of site 'north', not 'south'" in done.stderr
    (tmp_path / "e.yaml").write_text("redis: {url: redis://192.0.2.1:6379/0}\n")
    done = CliRunner().invoke(app, ["create", "--out", str(tmp_path / "c.tar"), "--config", str(tmp_path / "e.yaml")])
    assert "--store-folder" in done.stderr
    assert not (tmp_path / "c.tar").exists()


def test_an_external_store_is_backed_up_from_its_folder(start_store, tmp_path):
    external = start_store(tmp_path / "valkey")
    with external.client() as client:
        client.set("vreid:{north}:mark", "1")
    secret = f"site: north\ndata_dir: {tmp_path / 'data'}\nredis: {{url: {external.url}}}\n"
    (tmp_path / "e.yaml").write_text(secret)
    arguments = ("--config", tmp_path / "e.yaml")
    made = command("create", "--out", tmp_path / "b.tar", "--store-folder", tmp_path / "valkey", *arguments)
    external.stop()
    command("restore", made["file"], "--store-folder", tmp_path / "second", *arguments)
    second = start_store(tmp_path / "second")
    with second.client() as client:
        assert client.get("vreid:{north}:mark") == b"1"


def test_tokens_kept_elsewhere_are_in_it_and_what_is_not_is_named(site, tmp_path):
    config, *_ = site
    access = {"tokens_file": tmp_path / "etc" / "tokens.json"}
    access["tokens_file"].parent.mkdir()
    access["tokens_file"].write_text('{"tokens": [ ]}')
    matcher = {"tls_certificate": tmp_path / "etc" / "cert.pem", "tls_key": tmp_path / "etc" / "key.pem"}
    secret = {"name": "ann", "role": "viewer", "secret": "env:ANN_TOKEN"}
    cameras = [{"id": "gate", "url": "file:/videos/gate.mp4"}]
    said = config.model_dump(mode="json") | {"matcher": matcher, "cameras": cameras}
    here = VreidConfig.model_validate(said | {"access": access | {"tokens": [secret]}})
    dump_config(here, tmp_path / "here.yaml")
    made = command("create", "--out", tmp_path / "b.tar", "--config", tmp_path / "here.yaml")
    expected = [
        "access.tokens.0.secret: env:ANN_TOKEN",
        f"matcher.tls_certificate: {matcher['tls_certificate']}",
        f"matcher.tls_key: {matcher['tls_key']}",
    ]
    assert made["left_out"] == expected
    assert command("check", made["file"])["left_out"] == expected
    shown = CliRunner().invoke(app, ["check", made["file"]]).stdout
    assert f"not in it: matcher.tls_key: {matcher['tls_key']}\n" in shown
    there = config.model_copy(
        update={
            "data_dir": tmp_path / "there",
            "access": here.access.model_copy(update={"tokens_file": tmp_path / "t"}),
        }
    )
    dump_config(there, tmp_path / "there.yaml")
    command("restore", made["file"], "--config", tmp_path / "there.yaml")
    assert (tmp_path / "t").read_text() == '{"tokens": [ ]}'
    assert (tmp_path / "t").stat().st_mode & 0o077 == 0
    assert not (tmp_path / "there" / "tokens.json").exists()


@pytest.mark.parametrize("name", ["tokens.json", "redis/server.json"])
def test_a_restore_keeps_tokens_and_a_stamp_that_are_there(site, tmp_path, name):
    config, *_ = site
    made = command("create", "--out", tmp_path / "b.tar", "--config", tmp_path / "vreid.yaml")
    there = config.model_copy(update={"data_dir": tmp_path / "there"})
    dump_config(there, tmp_path / "there.yaml")
    own = tmp_path / "there" / name
    own.parent.mkdir(parents=True)
    own.write_text("{}")
    done = CliRunner().invoke(app, ["restore", made["file"], "--config", str(tmp_path / "there.yaml")])
    assert done.exit_code == 1
    assert f"{own} is there" in done.stderr
    assert own.read_text() == "{}"
    assert not (tmp_path / "there" / "crops").exists()
    # What is the same is no hindrance: a restore that was broken off is repeated.
    own.write_bytes((config.data_dir / name).read_bytes())
    command("restore", made["file"], "--config", tmp_path / "there.yaml")
