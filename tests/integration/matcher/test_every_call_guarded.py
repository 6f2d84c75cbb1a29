"""Every call that a matcher serves, as its descriptors name them: refused without right, and silent about itself.

A call that is added is tried here without anybody adding it to a list.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.access.book import TokenBook
from services.access.roles import Role
from services.access.tokens import Token, digest_of, new_secret
from services.identity.memory_store import MemoryStore
from services.matcher.build import Matcher, build_matcher
from services.matcher.console import ConsoleServicer
from services.matcher.door.admission import Door
from services.matcher.identity_servicer import IdentityServicer
from services.matcher.search_servicer import MatcherServicer
from services.matcher.servicers import CameraServicer
from services.matcher.settings import MatcherSettings
from services.matcher.standing_servicer import StandingServicer
from services.matcher.upkeep_servicer import GalleryServicer
from services.observability.logs import JsonFormatter, TextFormatter
from services.rpc import vreid_pb2
from services.rpc.roles import role_needed
from tests.integration.matcher.conftest import ColourDetector, ColourEmbedder

SERVICERS = {
    "MatcherService": MatcherServicer,
    "GalleryService": GalleryServicer,
    "IdentityService": IdentityServicer,
    "CameraService": CameraServicer,
    "StandingService": StandingServicer,
    "ConsoleService": ConsoleServicer,
}
OURS = tuple(method for service in vreid_pb2.DESCRIPTOR.services_by_name.values() for method in service.methods)
REFLECTION = tuple(reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].methods)
EVERY = OURS + REFLECTION
SECRETS = {role: new_secret() for role in Role}
EXPIRED, UNKNOWN = new_secret(), new_secret()
#: What a stranger may show, and what of it must be said nowhere.
SHOWN = {
    "nothing": ((), ()),
    "unknown": ((("authorization", f"Bearer {UNKNOWN}"),), (UNKNOWN,)),
    "expired": ((("authorization", f"Bearer {EXPIRED}"),), (EXPIRED, digest_of(EXPIRED))),
    "not a token": ((("authorization", f"Bearer x {SECRETS[Role.ADMIN][:-1]}"),), (SECRETS[Role.ADMIN][:-1],)),
    "another scheme": ((("authorization", f"Basic {SECRETS[Role.ADMIN]}"),), (SECRETS[Role.ADMIN],)),
    "another key": ((("x-token", SECRETS[Role.ADMIN]), ("vreid-role", "admin")), (SECRETS[Role.ADMIN],)),
}


def path(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def ask(channel: grpc.Channel, method: MethodDescriptor, said: tuple = ()) -> tuple[grpc.StatusCode, str]:
    """The status of a call with empty requests, and all that is said about it."""
    kind = f"{('unary', 'stream')[method.client_streaming]}_{('unary', 'stream')[method.server_streaming]}"
    call = getattr(channel, kind)(path(method))
    try:
        answer = call(iter([b""]) if method.client_streaming else b"", timeout=20, metadata=said)
        if method.server_streaming:
            next(answer)
    except grpc.RpcError as exc:
        return exc.code(), f"{exc.details()} {exc.trailing_metadata()} {exc.initial_metadata()}"
    return grpc.StatusCode.OK, ""


def serve() -> Matcher:
    past = datetime.now(UTC) - timedelta(seconds=1)
    known = [Token(role.value, role, digest_of(secret)) for role, secret in SECRETS.items()]
    book = TokenBook([*known, Token("late", Role.ADMIN, digest_of(EXPIRED), expires_at=past)])
    listening = MatcherSettings(listen="127.0.0.1:0", drain_s=1)
    matcher = build_matcher(MemoryStore(), ColourDetector(), ColourEmbedder(), listening, door=Door(book))
    matcher.start()
    return matcher


@pytest.fixture
def guarded() -> Iterator[tuple[Matcher, grpc.Channel]]:
    """A matcher that asks for tokens, and a channel to it."""
    matcher = serve()
    with grpc.insecure_channel(matcher.address) as channel:
        yield matcher, channel
    matcher.stop()


def test_what_is_served_is_what_is_tried_here(guarded) -> None:
    _, channel = guarded
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    said = (("authorization", f"Bearer {SECRETS[Role.VIEWER]}"),)
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=20, metadata=said)
    served = {service.name for service in answer.list_services_response.service}
    open_to_all = set(health_pb2.DESCRIPTOR.services_by_name)
    assert served - {f"grpc.health.v1.{name}" for name in open_to_all} == {
        m.containing_service.full_name for m in EVERY
    }
    assert set(SERVICERS) == set(vreid_pb2.DESCRIPTOR.services_by_name)


@pytest.mark.parametrize("shown", SHOWN)
def test_without_a_good_token_nothing_is_answered(guarded, shown: str, caplog: pytest.LogCaptureFixture) -> None:
    matcher, channel = guarded
    said, secrets = SHOWN[shown]
    with caplog.at_level(logging.DEBUG):
        answers = {path(method): ask(channel, method, said) for method in EVERY}
    assert {name: code for name, (code, _) in answers.items()} == dict.fromkeys(
        answers, grpc.StatusCode.UNAUTHENTICATED
    )
    heard = caplog.text + "".join(details for _, details in answers.values())
    assert "refused a call" in heard
    assert not [secret for secret in secrets if secret in heard]
    assert matcher.parts.store.last_event_id() == "0-0"
    assert not matcher.parts.store.audit_log("0-0", 10)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_lower_role_is_refused_what_it_may_not(guarded, role: Role, caplog: pytest.LogCaptureFixture) -> None:
    matcher, channel = guarded
    said = (("authorization", f"Bearer {SECRETS[role]}"), ("vreid-role", "admin"))
    forbidden = [method for method in EVERY if not role.may(role_needed(path(method)) or Role.VIEWER)]
    with caplog.at_level(logging.DEBUG):
        answers = {path(method): ask(channel, method, said) for method in forbidden}
    assert len(answers) >= 4
    assert {code for code, _ in answers.values()} == {grpc.StatusCode.PERMISSION_DENIED}
    heard = caplog.text + "".join(details for _, details in answers.values())
    assert SECRETS[role] not in heard
    assert digest_of(SECRETS[role]) not in heard
    assert matcher.parts.store.last_event_id() == "0-0"


def test_a_failure_of_any_call_says_nothing_of_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inside = "redis://:hunter2@10.0.0.7/0 at /srv/vreid"

    def fail(*_: object) -> None:
        raise RuntimeError(f"{inside} {SECRETS[Role.ADMIN]}")

    for method in OURS:
        monkeypatch.setattr(SERVICERS[method.containing_service.name], method.name, fail)
    matcher = serve()
    said = (("authorization", f"Bearer {SECRETS[Role.ADMIN]}"),)
    try:
        with grpc.insecure_channel(matcher.address) as channel:
            answers = {path(method): ask(channel, method, said) for method in OURS}
    finally:
        matcher.stop()
    assert {code for code, _ in answers.values()} == {grpc.StatusCode.INTERNAL}
    told = "".join(details for _, details in answers.values())
    for word in ("hunter2", "10.0.0.7", "/srv/", "Traceback", "RuntimeError", SECRETS[Role.ADMIN]):
        assert word not in told
    assert caplog.text.count("failed, request_id=") == len(OURS)
    for formatter in (TextFormatter(), JsonFormatter("matcher")):
        written = "".join(formatter.format(record) for record in caplog.records)
        assert written.count("RuntimeError") >= len(OURS)
        assert not [word for word in ("hunter2", SECRETS[Role.ADMIN]) if word in written]
