"""The example for Node asks a secured matcher. Runs where node and its two packages are, and says so elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from services.access.book import TokenBook
from services.access.roles import Role
from services.access.tokens import Token, digest_of, new_secret
from services.client import Credentials, MatcherClient
from services.identity.memory_store import MemoryStore
from services.matcher.build import build_matcher
from services.matcher.door.admission import Door
from services.matcher.settings import MatcherSettings

from .conftest import City, ColourDetector, ColourEmbedder

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "node"
SECRET = new_secret()


@pytest.fixture
def folder(tmp_path) -> Path:
    """The example with its packages: those beside it, or below VREID_NODE_MODULES."""
    packages = Path(os.environ.get("VREID_NODE_MODULES", EXAMPLE / "node_modules"))
    if shutil.which("node") is None or not (packages / "@grpc" / "grpc-js").is_dir():
        pytest.skip("needs node, and `npm install` in docs/examples/node")
    shutil.copy(EXAMPLE / "search.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(packages.resolve())
    return tmp_path


def test_a_vehicle_is_found_from_node(folder, certificates, picture, wait_until) -> None:
    store, embedder, ca = MemoryStore(), ColourEmbedder(), certificates.authority.certificate
    settings = MatcherSettings(
        listen="127.0.0.1:0",
        drain_s=1,
        tls_certificate=certificates.server.certificate,
        tls_key=certificates.server.key,
    )
    door = Door(TokenBook([Token("node", Role.VIEWER, digest_of(SECRET))]))
    matcher = build_matcher(store, ColourDetector(), embedder, settings, door=door)
    matcher.start()
    city = City(store, matcher, None, embedder)
    city.see("red-1", (0, 0, 250), camera="north")
    city.see("blue-1", (250, 0, 0), camera="south")
    city.decide("red-1", "id-red")
    with MatcherClient(matcher.address, credentials=Credentials(tls=True, ca=ca.read_bytes())) as client:
        wait_until(client.serving)
    city.settle()
    (folder / "car.png").write_bytes(picture((0, 0, 250)))
    base = {name: value for name, value in os.environ.items() if not name.startswith("VREID_")}
    tls = {"VREID_ADDRESS": matcher.address, "VREID_TLS_CA": str(ca)}
    proto = {"VREID_PROTO": str(ROOT / "proto" / "vreid.proto")}

    def node(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["node", "search.mjs", *arguments],
            cwd=folder, env=base | tls | proto | more, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    try:
        found = node("car.png", "1", VREID_TOKEN=SECRET)
        assert found.returncode == 0, found.stderr
        (match,) = [json.loads(line) for line in found.stdout.splitlines()]
        assert (match["identity_id"], match["sighting_id"], match["camera_id"]) == ("id-red", "red-1", "north")
        assert match["probability"] > 0.9
        for more, told in (
            ({}, "UNAUTHENTICATED Unauthenticated: this matcher asks for a token"),
            ({"VREID_TOKEN": SECRET, "VREID_TLS_CA": str(certificates.other.certificate)}, "UNAVAILABLE"),
        ):
            refused = node("car.png", **more)
            assert refused.returncode == 1
            assert told in refused.stderr
            assert SECRET not in refused.stderr
        bad = node("search.mjs", VREID_TOKEN=SECRET)
        assert "INVALID_ARGUMENT NotAnImage: " in bad.stderr
    finally:
        matcher.stop()
