"""Hostile requests get the right code and one line, and leave the matcher as it was.

VREID_HOSTILE_REQUESTS sets how many; CI sends a few hundred, `VREID_HOSTILE_REQUESTS=10000` all that a release needs.
"""

from __future__ import annotations

import os
from pathlib import Path

import grpc
import pytest

from services.rpc import vreid_pb2_grpc
from tests.integration.matcher.hostile import MAKERS, hostile

REQUESTS = int(os.environ.get("VREID_HOSTILE_REQUESTS", "300"))
_WARM = 100
_MAX_GROWTH_MB = 60


def resident_mb() -> float:
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_every_hostile_request_gets_its_code(street) -> None:
    wrong, kinds = [], set()
    before = 0.0
    with grpc.insecure_channel(street.matcher.address, (("grpc.max_send_message_length", -1),)) as channel:
        stubs = (vreid_pb2_grpc.GalleryServiceStub(channel), vreid_pb2_grpc.MatcherServiceStub(channel))
        for seed in range(REQUESTS):
            if seed == _WARM:
                before = resident_mb()
            method, request, codes = hostile(seed)
            call = next(getattr(stub, method) for stub in stubs if hasattr(stub, method))
            try:
                call(iter([request]) if method == "Import" else request, timeout=30)
                code, details = grpc.StatusCode.OK, ""
            except grpc.RpcError as exc:
                code, details = exc.code(), exc.details()
            kinds.add((method, code))
            if code not in codes or "\n" in details or "Traceback" in details:
                wrong.append((seed, method, code, details[:120]))
    assert not wrong, wrong[:5]
    assert len(kinds) > len(MAKERS)
    assert resident_mb() - before < _MAX_GROWTH_MB
    assert street.client.gallery_stats().sightings == 4
    assert street.client.search_sighting("red-1").matches[0].sighting_id == "red-2"
