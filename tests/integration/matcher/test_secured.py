"""A matcher with TLS and tokens: whoever has no right is refused by every call, and nothing leaks in saying so."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.access import book as book_module
from services.access.book import TokenBook
from services.access.roles import Caller, Role
from services.access.tokens import Token, digest_of, new_secret
from services.access.tokens_file import TokensFile
from services.client import AsyncMatcherClient, Credentials, MatcherClient, Probe, RetryRules
from services.client.acting import acting_for
from services.errors import (
    ConfigError,
    InputError,
    MatcherUnavailable,
    NotFound,
    Overloaded,
    PermissionDenied,
    Unauthenticated,
    VreidError,
)
from services.identity.memory_store import MemoryStore
from services.matcher.build import Matcher, build_matcher
from services.matcher.door.admission import Door
from services.matcher.settings import MatcherSettings
from services.rpc import vreid_pb2 as pb
from services.rpc.roles import ROLES

from .conftest import City, ColourDetector, ColourEmbedder

NEVER = RetryRules(attempts=1)
SECRETS = {role: new_secret() for role in Role}
EXPIRED = new_secret()


def tokens() -> list[Token]:
    known = [Token(role.value, role, digest_of(secret)) for role, secret in SECRETS.items()]
    past = datetime.now(UTC) - timedelta(seconds=1)
    return [*known, Token("late", Role.ADMIN, digest_of(EXPIRED), expires_at=past)]


@dataclass
class House:
    """A secured matcher and the ways to it."""

    matcher: Matcher
    city: City
    ca: bytes | None

    def client(self, token: str = "", **more: object) -> MatcherClient:
        credentials = Credentials(token=token, tls=self.ca is not None, ca=self.ca, **more)
        return MatcherClient(self.matcher.address, 10, retry=NEVER, credentials=credentials)


@pytest.fixture
def build_house(certificates, wait_until, tmp_path: Path):
    """Starts secured matchers; settings by keyword."""
    opened: list[House] = []

    def start(door: Door | None = None, *, tls: bool = True, wait: bool = True, **settings: object) -> House:
        if tls:
            settings = {
                "tls_certificate": certificates.server.certificate,
                "tls_key": certificates.server.key,
            } | settings
        store, embedder = MemoryStore(), ColourEmbedder()
        door = door or Door(TokenBook(tokens()))
        listening = MatcherSettings(**({"listen": "127.0.0.1:0", "drain_s": 1} | settings))
        matcher = build_matcher(store, ColourDetector(), embedder, listening, door=door)
        matcher.start()
        ca = certificates.authority.certificate.read_bytes() if tls else None
        client = MatcherClient(matcher.address, 20, credentials=Credentials(token=SECRETS[Role.ADMIN], tls=tls, ca=ca))
        house = House(matcher, City(store, matcher, client, embedder), ca)
        opened.append(house)
        if wait:
            wait_until(client.serving)
        return house

    yield start
    for house in opened:
        house.city.client.close()
        house.matcher.stop()


@pytest.fixture
def house(build_house) -> House:
    made = build_house()
    made.city.see("red-1", (0, 0, 250))
    made.city.decide("red-1", "id-red")
    made.city.settle()
    return made


def calls(client: MatcherClient) -> dict[str, Callable[[], object]]:
    """By service and call, how a typed client makes it; with ids that nothing is known by where it would change."""
    red = [Probe(sighting_id="red-1")]
    return {
        "MatcherService.Search": lambda: client.search(red),
        "MatcherService.Verify": lambda: client.verify(red, red),
        "MatcherService.Embed": lambda: client.embed([b"none"]),
        "MatcherService.Watch": lambda: next(client.watch(after="0-0")),
        "GalleryService.List": client.gallery_list,
        "GalleryService.Get": lambda: client.gallery_get("id-red"),
        "GalleryService.Stats": client.gallery_stats,
        "GalleryService.Picture": lambda: client.gallery_picture("red-1"),
        "GalleryService.Enroll": lambda: client.gallery_enroll([b"none"]),
        "GalleryService.Update": lambda: client.gallery_update("none", colour="red"),
        "GalleryService.Delete": lambda: client.gallery_delete("none"),
        "GalleryService.Erase": lambda: client.gallery_erase("none"),
        "GalleryService.Snapshot": client.gallery_snapshot,
        "GalleryService.Compact": client.gallery_compact,
        "GalleryService.Restore": lambda: client.gallery_restore(from_store=True),
        "GalleryService.Export": lambda: list(client.gallery_export()),
        "GalleryService.Import": lambda: client.gallery_import([]),
        "IdentityService.Get": lambda: client.identity_get("id-red"),
        "IdentityService.List": client.identity_list,
        "IdentityService.History": lambda: client.identity_history("id-red"),
        "IdentityService.Merge": lambda: client.identity_merge("none", "nobody"),
        "IdentityService.Split": lambda: client.identity_split("none", ["nobody"]),
        "IdentityService.Undo": lambda: client.identity_undo("1-1"),
        "CameraService.List": client.camera_list,
        "CameraService.Topology": client.camera_topology,
        "ConsoleService.FindVehicles": lambda: client.find_vehicles(b"none"),
        "ConsoleService.Events": client.events,
    }


def outcome(call: Callable[[], object]) -> type[VreidError] | None:
    try:
        call()
    except VreidError as exc:
        return type(exc)
    return None


@pytest.mark.parametrize("token", ["", "wrong", new_secret(), EXPIRED], ids=["none", "wrong", "unknown", "expired"])
def test_without_a_good_token_every_call_is_refused(house: House, token: str, caplog) -> None:
    with house.client(token) as client:
        asked = calls(client)
        assert {name: outcome(call) for name, call in asked.items()} == dict.fromkeys(asked, Unauthenticated)
        assert client.serving()
    assert house.matcher.gallery.stats().sightings == 1
    assert not token or token not in caplog.text
    assert "refused a call" in caplog.text


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_the_table_says(house: House, role: Role) -> None:
    with house.client(SECRETS[role]) as client:
        for name, call in calls(client).items():
            service, _, method = name.partition(".")
            refused = outcome(call) is PermissionDenied
            assert refused is not role.may(ROLES[service][method]), name


def test_a_refusal_says_which_role_is_needed_and_no_token(house: House) -> None:
    with house.client(SECRETS[Role.VIEWER]) as client, pytest.raises(PermissionDenied) as caught:
        client.identity_merge("a", "b")
    assert str(caught.value) == "this needs the role operator; viewer is viewer"


def test_reflection_needs_a_token_and_health_does_not(house: House) -> None:
    secure = grpc.ssl_channel_credentials(house.ca)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.secure_channel(house.matcher.address, secure) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ServerReflectionInfo(iter([request]), timeout=10))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        said = (("authorization", f"Bearer {SECRETS[Role.VIEWER]}"),)
        assert list(stub.ServerReflectionInfo(iter([request]), timeout=10, metadata=said))
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ServerReflectionInfo(iter([request]), timeout=10, metadata=(("authorization", "Basic eDp5"),)))
        assert "bearer" in caught.value.details()
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_audit_names_the_token_and_for_whom_it_asked(house: House) -> None:
    for number, (role, acting) in enumerate([(Role.OPERATOR, None), (Role.ADMIN, Caller("ann", Role.OPERATOR))]):
        house.city.see(f"blue-{number}", (250, 0, 0))
        house.city.decide(f"blue-{number}", f"id-blue-{number}")
        house.city.settle()
        with house.client(SECRETS[role]) as client, acting_for(acting):
            client.gallery_delete(f"id-blue-{number}")
    log = house.city.store.audit_log("0-0", 100)
    assert [entry.actor for entry in log if entry.action == "delete_identity"] == ["operator", "admin:ann"]


def test_a_caller_may_lower_its_role_and_not_raise_it(house: House) -> None:
    with house.client(SECRETS[Role.ADMIN]) as client, acting_for(Caller("ann", Role.VIEWER)):
        assert client.gallery_stats().sightings == 1
        with pytest.raises(PermissionDenied):
            client.gallery_delete("none")
    raised = acting_for(Caller("ann", Role.ADMIN))
    with house.client(SECRETS[Role.VIEWER]) as client, raised, pytest.raises(PermissionDenied):
        client.gallery_delete("none")
    with house.client(SECRETS[Role.OPERATOR]) as client:
        client._metadata = (*client._metadata, ("vreid-role", "king"))
        with pytest.raises(InputError, match="vreid-role"):
            client.gallery_stats()


def test_an_asynchronous_client_shows_the_same(house: House) -> None:
    async def run() -> None:
        for token, refused in ((SECRETS[Role.VIEWER], False), ("wrong", True)):
            shown = Credentials(token=token, tls=True, ca=house.ca)
            async with AsyncMatcherClient(house.matcher.address, 10, NEVER, credentials=shown) as client:
                if refused:
                    with pytest.raises(Unauthenticated):
                        await client.gallery_stats()
                    with pytest.raises(Unauthenticated):
                        async for _ in client.watch():
                            pass
                else:
                    assert (await client.gallery_stats()).sightings == 1
                    async for _, match, _ in client.watch(after="0-0"):
                        assert match.sighting_id == "red-1"
                        break

    asyncio.run(run())


def test_a_server_is_believed_by_its_certificate_alone(house: House, certificates) -> None:
    stranger = certificates.other.certificate.read_bytes()
    for credentials, told in (
        (Credentials(tls=True, ca=stranger), "signed by nobody that is trusted"),
        (Credentials(tls=True, ca=house.ca, server_name="elsewhere.example"), "for another name"),
        (Credentials(), r"no matcher at|refused the connection"),
    ):
        client = MatcherClient(house.matcher.address, 10, retry=NEVER, credentials=credentials)
        with client, pytest.raises(MatcherUnavailable, match=told):
            client.gallery_stats()


def test_an_expired_certificate_of_the_server_is_refused(build_house, certificates) -> None:
    old = certificates.authority.issue("old", (-2, -1))
    house = build_house(wait=False, tls_certificate=old.certificate, tls_key=old.key)
    with house.client(SECRETS[Role.VIEWER]) as client, pytest.raises(MatcherUnavailable, match="has expired"):
        client.gallery_stats()


def test_mutual_tls_takes_known_and_current_certificates_only(build_house, certificates, wait_until) -> None:
    house = build_house(wait=False, tls_client_ca=certificates.authority.certificate)
    expired = certificates.authority.issue("late", (-2, -1))
    foreign = certificates.other.issue("foreign")

    def shown(pair) -> dict[str, bytes]:
        return {"certificate": pair.certificate.read_bytes(), "key": pair.key.read_bytes()}

    with house.client(SECRETS[Role.VIEWER], **shown(certificates.client)) as client:
        wait_until(client.serving)
        assert client.gallery_stats().sightings == 0
    with house.client("", **shown(certificates.client)) as client, pytest.raises(Unauthenticated):
        client.gallery_stats()
    for bad in ({}, shown(expired), shown(foreign)):
        with house.client(SECRETS[Role.VIEWER], **bad) as client, pytest.raises(MatcherUnavailable):
            client.gallery_stats()


def test_a_renewed_certificate_is_taken_without_a_restart(build_house, certificates, tmp_path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    shutil.copy(certificates.server.certificate, certificate)
    shutil.copy(certificates.server.key, key)
    house = build_house(tls_certificate=certificate, tls_key=key)
    fresh = certificates.other.issue("renewed")
    shutil.copy(fresh.certificate, certificate)
    shutil.copy(fresh.key, key)
    house.ca = certificates.other.certificate.read_bytes()
    with house.client(SECRETS[Role.VIEWER]) as client:
        assert client.gallery_stats().sightings == 0


def test_a_token_that_is_revoked_ends_calls_and_streams(build_house, tmp_path, monkeypatch, picture) -> None:
    monkeypatch.setattr(book_module, "_LOOK_EVERY_S", 0.0)
    file = TokensFile(tmp_path / "tokens.json")
    for token in tokens():
        file.add(token)
    house = build_house(Door(TokenBook(file=file)))
    house.city.see("red-1", (0, 0, 250))
    with house.client(SECRETS[Role.VIEWER]) as client:
        watch = client.watch(after="0-0")
        assert next(watch)[1].sighting_id == "red-1"
        file.remove("viewer")
        house.city.see("red-2", (0, 0, 250))
        with pytest.raises(Unauthenticated, match="viewer was revoked"):
            next(watch)
        with pytest.raises(Unauthenticated, match="revoked"):
            client.gallery_stats()


def test_a_token_asks_only_so_often(build_house) -> None:
    house = build_house(Door(TokenBook(tokens()), calls_per_s=0.001))
    with house.client(SECRETS[Role.VIEWER]) as client:
        client.gallery_stats()
        with pytest.raises(Overloaded, match="viewer asks too often"):
            client.gallery_stats()
        assert client.serving()
    with house.client(SECRETS[Role.OPERATOR]) as client:
        client.gallery_stats()


def test_a_stream_is_slowed_down_and_not_ended(build_house) -> None:
    house = build_house(Door(TokenBook(tokens()), calls_per_s=50))
    from services.rpc import vreid_pb2_grpc

    said = (("authorization", f"Bearer {SECRETS[Role.VIEWER]}"),)
    asked = [pb.SearchStreamRequest(request_id=str(i), search=pb.SearchRequest()) for i in range(80)]
    with grpc.secure_channel(house.matcher.address, grpc.ssl_channel_credentials(house.ca)) as channel:
        stub = vreid_pb2_grpc.MatcherServiceStub(channel)
        answers = list(stub.SearchStream(iter(asked), timeout=60, metadata=said))
    assert [answer.request_id for answer in answers] == [str(i) for i in range(80)]


def test_whoever_may_enter_the_data_folder_needs_no_token(build_house, tmp_path) -> None:
    path = tmp_path / "rpc" / "matcher.sock"
    house = build_house(Door(TokenBook(tokens()), local_socket=path))
    house.city.see("blue", (250, 0, 0))
    house.city.decide("blue", "id-blue")
    house.city.settle()
    assert path.parent.stat().st_mode & 0o077 == 0
    with MatcherClient(f"unix:{path}", 10, actor="console:ann") as client:
        with acting_for(Caller("ann", Role.VIEWER)), pytest.raises(PermissionDenied):
            client.gallery_delete("id-blue")
        client.gallery_delete("id-blue")
    assert house.city.store.audit_log("0-0", 10)[-1].actor == "console:ann"


@pytest.mark.parametrize("lacking", ["tls", "tokens"])
def test_beyond_loopback_both_tls_and_tokens_are_needed(build_house, lacking: str) -> None:
    door = Door(TokenBook(() if lacking == "tokens" else tokens()))
    with pytest.raises(ConfigError, match=r"matcher\.listen: 0\.0\.0\.0:0 can be reached .* TLS and tokens"):
        build_house(door, tls=lacking != "tls", listen="0.0.0.0:0")


def test_beyond_loopback_with_both_it_listens(build_house) -> None:
    house = build_house(wait=False, listen="0.0.0.0:0")
    address = house.matcher.address.replace("0.0.0.0:", "127.0.0.1:")
    shown = Credentials(SECRETS[Role.VIEWER], tls=True, ca=house.ca)
    with MatcherClient(address, 10, credentials=shown) as client:
        assert client.camera_list() == []


def test_tokens_alone_protect_a_listener_on_loopback(build_house) -> None:
    house = build_house(tls=False)
    with house.client() as client, pytest.raises(Unauthenticated):
        client.gallery_stats()
    with house.client(SECRETS[Role.VIEWER]) as client, pytest.raises(NotFound):
        client.gallery_get("none")


def test_a_token_never_leaves_this_machine_in_the_clear() -> None:
    for address in ("192.0.2.1:50661", "matcher.example:50661"):
        with pytest.raises(ConfigError, match=r"not sent to .* without TLS"):
            MatcherClient(address, credentials=Credentials(token=new_secret()))
    secret = new_secret()
    assert secret not in repr(Credentials(token=secret, key=secret.encode()))
    with pytest.raises(ConfigError, match="characters that no token has"):
        MatcherClient(credentials=Credentials(token="a\nb"))


def test_nothing_of_a_token_is_logged_in_a_whole_exchange(house: House, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    for secret in (*SECRETS.values(), EXPIRED):
        with house.client(secret) as client:
            outcome(client.gallery_stats)
            outcome(lambda client=client: client.identity_merge("a", "b"))
    assert not [s for s in (*SECRETS.values(), EXPIRED) if s in caplog.text]


def test_commands_take_certificates_and_token_from_environment_and_file(house: House, tmp_path, monkeypatch) -> None:
    from typer.testing import CliRunner

    from services.cli.main import app

    def vreid(*arguments: str):
        return CliRunner().invoke(app, list(arguments))

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "ann")
    (tmp_path / "ca.pem").write_bytes(house.ca or b"")
    (tmp_path / "token").write_text(SECRETS[Role.OPERATOR])
    monkeypatch.setenv("VREID_ADDRESS", house.matcher.address)
    refused = vreid("gallery", "stats", "--json")
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    monkeypatch.setenv("VREID_TLS_CA", str(tmp_path / "ca.pem"))
    assert "this matcher asks for a token" in vreid("gallery", "stats", "--json").stderr
    monkeypatch.setenv("VREID_TOKEN", SECRETS[Role.VIEWER])
    assert '"sightings": 1' in vreid("gallery", "stats", "--json").stdout
    assert "needs the role operator" in vreid("gallery", "delete", "id-red").stderr
    for name in ("ADDRESS", "TLS_CA", "TOKEN"):
        monkeypatch.delenv(f"VREID_{name}")
    (tmp_path / "vreid").mkdir()
    (tmp_path / "vreid" / "client.yaml").write_text(
        f"address: {house.matcher.address}\ntls_ca: {tmp_path}/ca.pem\ntoken: file:{tmp_path}/token\n"
    )
    assert vreid("gallery", "delete", "id-red").exit_code == 0
    assert house.city.store.audit_log()[-1].actor == "operator:ann"


def test_who_looked_for_what_is_audited_once_there_are_tokens(house: House, build, wait_until) -> None:
    with house.client(SECRETS[Role.VIEWER]) as client, acting_for(Caller("ann", Role.VIEWER)):
        client.search([Probe(identity_id="id-red")])
        next(client.watch(after="0-0"))
        client.gallery_stats()

    def noted() -> list[tuple[str, str, str]]:
        return [(e.actor, e.action, e.subject) for e in house.city.store.audit_log()]

    wait_until(lambda: len(noted()) == 2)
    assert noted() == [("viewer:ann", "search", "id-red"), ("viewer:ann", "watch", "")]
    open_city = build()
    open_city.see("red-1", (0, 0, 250))
    open_city.settle()
    open_city.client.search_sighting("red-1")
    open_city.matcher.stop()
    assert open_city.store.audit_log() == []
