"""A console with TLS and tokens over a matcher with both, asked through HTTP as a browser would and as it would not."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from services.access.book import TokenBook
from services.access.local import local_socket
from services.access.roles import Caller, Role
from services.access.tokens import Token, digest_of, new_secret
from services.access.tokens_file import TokensFile
from services.client import MatcherClient
from services.crops import CropStore
from services.errors import PermissionDenied, Unauthenticated
from services.identity.memory_store import MemoryStore
from services.live.watcher import LiveWatcher
from services.matcher.build import Matcher, Places, build_matcher
from services.matcher.door.admission import Door
from services.matcher.settings import MatcherSettings
from services.web.site import Site

from .conftest import RED, Colours, fill, picture

SECRETS = {role: new_secret() for role in Role}


@dataclass
class Secured:
    """Where the console is, what it trusts, and what is behind it."""

    url: str
    context: ssl.SSLContext
    file: TokensFile
    matcher: Matcher
    store: MemoryStore
    data_dir: Path

    @contextmanager
    def visitor(self, role: Role | None) -> Iterator[httpx.Client]:
        """A browser's client; logged in where a role is given."""
        with httpx.Client(base_url=self.url, verify=self.context, timeout=60) as client:
            if role is not None:
                assert client.post("/login", data={"token": SECRETS[role]}).status_code == 303
            yield client


@pytest.fixture(scope="module")
def secured(tmp_path_factory, certificates) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    file = TokensFile(folder / "tokens.json")
    for role, secret in SECRETS.items():
        file.add(Token(f"the-{role.value}", role, digest_of(secret)))
    store, crops, colours = MemoryStore(), CropStore(str(folder / "crops")), Colours()
    fill(store, crops)
    tls = {"tls_certificate": certificates.server.certificate, "tls_key": certificates.server.key}
    matcher = build_matcher(
        store, colours, colours, MatcherSettings(listen="127.0.0.1:0", drain_s=1, **tls), places=Places(crops),
        door=Door(TokenBook(file=file), local_socket=local_socket(folder)),
    )  # fmt: skip
    matcher.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    own = {name: str(shutil.copy(path, folder / f"{name}.pem")) for name, path in tls.items()}
    config = folder / "config.yaml"
    settings = {"data_dir": str(folder), "matcher": {"listen": matcher.address}, "web": {"listen": listen} | own}
    config.write_text(yaml.safe_dump(settings))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
    with (folder / "web.log").open("wb") as log:
        command = [sys.executable, "-m", "services.web", "--config", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        made = Secured(
            f"https://{listen}", ssl.create_default_context(cafile=str(certificates.authority.certificate)), file,
            matcher, store, folder,
        )  # fmt: skip
        try:
            _wait(made, process)
            yield made
        finally:
            process.terminate()
            process.wait(20)
            matcher.stop()
    written = (folder / "web.log").read_text()
    assert not [secret for secret in SECRETS.values() if secret in written]


def _wait(made: Secured, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, (made.data_dir / "web.log").read_text()
        try:
            with made.visitor(None) as client:
                client.get("/login")
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    raise AssertionError((made.data_dir / "web.log").read_text())


def test_without_a_session_nothing_is_shown(secured: Secured) -> None:
    with secured.visitor(None) as client:
        for path in ("/", "/identity/id-red", "/media/picture/red-1/0", "/search", "/_nicegui_ws/socket.io/"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers.get("location")) == (303, "/login"), path
        assert client.post("/login", data={"token": new_secret()}).status_code == 401
        assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 403
        assert client.get("/", headers={"cookie": "vreid_session=made-up"}).status_code == 303


def test_another_authority_is_not_believed(secured: Secured, certificates) -> None:
    context = ssl.create_default_context(cafile=str(certificates.other.certificate))
    with httpx.Client(verify=context) as client, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        client.get(secured.url)
    with pytest.raises(httpx.HTTPError):
        httpx.get(secured.url.replace("https:", "http:"))


def test_a_viewer_sees_pages_and_pictures_and_no_way_to_correct(secured: Secured) -> None:
    with secured.visitor(Role.VIEWER) as client:
        assert client.get("/media/picture/red-1/0").headers["content-type"] == "image/jpeg"
        page = client.get("/identity/id-red").text
        assert "id-red" in page
        assert re.search(r"operator", page)
        assert not any(secret in page for secret in SECRETS.values())
    with secured.visitor(Role.OPERATOR) as client:
        assert "Corrections" in client.get("/identity/id-red").text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_the_matcher_holds_the_console_to_its_visitors_role(secured: Secured, role: Role) -> None:
    """Whatever a page forgets: the console's calls carry the visitor's role and name."""
    with MatcherClient(f"unix:{local_socket(secured.data_dir)}", 20) as client:
        site = Site(client, LiveWatcher(secured.data_dir), lambda: Caller("ann", role))
        assert len(asyncio.run(site.ask(client.identity_get, "id-red")).sightings) == 2
        with pytest.raises(PermissionDenied):
            asyncio.run(site.ask(client.gallery_erase, "id-blue"))
        if role is Role.VIEWER:
            for call in (
                lambda: site.ask(client.identity_merge, "id-red", "id-blue"),
                lambda: site.ask(client.identity_split, "id-red", ["red-1"]),
                lambda: site.ask(client.gallery_delete, "id-blue"),
            ):
                with pytest.raises(PermissionDenied, match="needs the role operator"):
                    asyncio.run(call())
            return
        merged = asyncio.run(site.ask(client.identity_merge, "id-red", "id-blue"))
        assert secured.store.audit_log()[-1].actor == "ann"
        asyncio.run(site.ask(client.identity_undo, merged.event_id))


def test_who_has_gone_asks_nothing(secured: Secured) -> None:
    def gone() -> Caller:
        raise Unauthenticated("your session has ended")

    with MatcherClient(f"unix:{local_socket(secured.data_dir)}", 20) as client:
        site = Site(client, LiveWatcher(secured.data_dir), gone)
        with pytest.raises(Unauthenticated):
            asyncio.run(site.ask(client.gallery_stats))


def test_revoking_a_token_ends_its_sessions(secured: Secured) -> None:
    secret = new_secret()
    secured.file.add(Token("brief", Role.OPERATOR, digest_of(secret)))
    with secured.visitor(None) as client:
        deadline = time.monotonic() + 30
        # A connection that is kept for so long may be closed just when it is used again.
        fresh = {"Connection": "close"}
        while client.post("/login", data={"token": secret}, headers=fresh).status_code == 401:
            assert time.monotonic() < deadline
            time.sleep(12)
        assert client.get("/system").status_code == 200
        secured.file.remove("brief")
        while client.get("/system").status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert client.get("/system").headers["location"] == "/login"


def test_in_a_browser_a_session_ends_under_an_open_page(secured: Secured, browser) -> None:
    secret = new_secret()
    secured.file.add(Token("guest", Role.VIEWER, digest_of(secret)))
    time.sleep(2.5)  # the console looks at the file once a second
    context = browser.new_context(ignore_https_errors=True)
    try:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(secured.url + "/search")
        page.get_by_label("Token").fill(secret)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Cameras", level=1).wait_for()
        (cookie,) = [kept for kept in context.cookies() if kept["name"] == "vreid_session"]
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
        page.goto(secured.url + "/system")
        page.get_by_role("link", name="Log out guest (viewer)").wait_for()
        assert page.get_by_role("button", name="Run the doctor").is_disabled()
        page.goto(secured.url + "/search")
        shown = picture((RED, (10, 10, 110, 100)))
        page.set_input_files("input[type=file]", {"name": "q.png", "mimeType": "image/png", "buffer": shown})
        page.locator('a[href="/identity/id-red"]').first.wait_for()
        secured.file.remove("guest")
        time.sleep(2.5)
        page.get_by_role("button", name="Whole picture").click()
        page.get_by_text("your session has ended").wait_for()
        page.goto(secured.url + "/search")
        page.get_by_label("Token").wait_for()
    finally:
        context.close()
