"""Sessions and the login page: tokens of every state, guessing slowed down, nothing of a token repeated."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from services.access.book import TokenBook
from services.access.roles import Caller, Role
from services.access.tokens import Token, digest_of, new_secret
from services.errors import Unauthenticated
from services.web.access import COOKIE, Guard, session_of
from services.web.login import add_login
from services.web.sessions import Attempts, Sessions

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BOB, OLD = new_secret(), new_secret(), new_secret()
TOKENS = (
    Token("ann", Role.VIEWER, digest_of(ANN)),
    Token("bob", Role.OPERATOR, digest_of(BOB), expires_at=NOW + timedelta(hours=1)),
    Token("old", Role.ADMIN, digest_of(OLD), expires_at=NOW),
)


class Clock:
    def __init__(self):
        self.past_s = 0.0

    def seconds(self):
        return self.past_s

    def now(self):
        return NOW + timedelta(seconds=self.past_s)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(clock):
    return Sessions(TokenBook(TOKENS, clock=clock.now), clock.seconds)


def test_sessions_end_with_time_logout_and_their_token(sessions, clock):
    for wrong in ("wrong", "", OLD):
        with pytest.raises(Unauthenticated) as caught:
            sessions.log_in(wrong)
        assert not wrong or wrong not in str(caught.value)
    ann, bob = sessions.log_in(ANN), sessions.log_in(BOB)
    assert sessions.visitor(ann) == Caller("ann", Role.VIEWER)
    assert sessions.visitor(bob) == Caller("bob", Role.OPERATOR)
    assert sessions.visitor("") is None
    clock.past_s = 3600.0
    assert sessions.visitor(bob) is None
    sessions.log_out(ann)
    assert sessions.visitor(ann) is None
    ann = sessions.log_in(ANN)
    clock.past_s += 13 * 3600
    assert sessions.visitor(ann) is None


def test_without_tokens_everybody_on_this_machine_is_in():
    assert Sessions(TokenBook()).visitor("") == Caller("console", Role.ADMIN)


def test_guessing_is_slowed_down_by_address_and_in_all(clock):
    attempts = Attempts(per_address=2, in_all=3, within_s=60, clock=clock.seconds)
    attempts.failed("a")
    assert attempts.wait_s("a") == 0
    clock.past_s = 10
    attempts.failed("a")
    assert attempts.wait_s("a") == 50
    assert attempts.wait_s("b") == 0
    attempts.failed("b")
    assert attempts.wait_s("c") == 50
    clock.past_s = 61
    assert attempts.wait_s("a") == attempts.wait_s("c") == 0


class Browser:
    """Keeps cookies between requests to an application in this process, and follows nothing."""

    def __init__(self, app):
        self.app = app
        self.cookies = httpx.Cookies()

    def request(self, method, path, **more):
        async def run():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="https://127.0.0.1:8650", cookies=self.cookies
            ) as client:
                answer = await client.request(method, path, **more)
                self.cookies = client.cookies
                return answer

        return asyncio.run(run())

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, **more):
        return self.request("POST", path, **more)


@pytest.fixture
def browser(sessions, clock):
    """A browser before an application with a guard, a login and one page."""
    app = FastAPI()
    add_login(app, sessions, secure=True, attempts=Attempts(3, clock=clock.seconds))
    app.get("/")(lambda: "inside")
    app.add_middleware(Guard, sessions=sessions, secure=True)
    return Browser(app)


def test_a_visitor_logs_in_and_out(browser):
    assert browser.get("/").headers["location"] == "/login"
    assert "Token" in browser.get("/login").text
    answer = browser.post("/login", data={"token": f" {ANN}\n"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "secure"))
    assert ANN not in str(answer.headers)
    assert browser.get("/").text == '"inside"'
    kept = browser.cookies[COOKIE]
    assert browser.get("/logout").headers["location"] == "/login"
    assert browser.get("/", headers={"cookie": f"{COOKIE}={kept}"}).status_code == 303


def test_wrong_and_expired_tokens_are_refused_and_then_not_looked_at(browser, clock, caplog):
    for wrong in ("vreid_guessed-and-wrong", OLD, ""):
        answer = browser.post("/login", data={"token": wrong})
        assert answer.status_code == 401
        assert "not known" in answer.text
        assert not wrong or wrong not in answer.text + caplog.text
    answer = browser.post("/login", data={"token": ANN})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 61
    clock.past_s = 61
    assert browser.post("/login", data={"token": ANN}).status_code == 303


def test_another_sites_form_is_refused(browser):
    assert browser.post("/login", data={"token": ANN}, headers={"origin": "https://elsewhere"}).status_code == 403


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_no_more_is_read_of_a_stranger_than_a_form_with_a_token(browser, kind):
    sent = []

    async def endless():
        yield b'--x\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\n'
        for _ in range(1000):
            sent.append(65536)
            yield b"a" * 65536

    assert browser.post("/login", content=endless(), headers={"content-type": kind}).status_code == 401
    assert sum(sent) <= 2 * 65536


@pytest.mark.parametrize("other", ['theme={"dark":1}', "two words=1", "=;;", "a", f"x{COOKIE}=no"])
def test_whatever_cookies_other_programs_of_this_host_have_set(other):
    for header in (f"{other}; {COOKIE}=abc", f"{COOKIE}=abc; {other}"):
        assert session_of({"cookie": header}) == "abc"
    assert session_of({"cookie": other}) == session_of({}) == ""
