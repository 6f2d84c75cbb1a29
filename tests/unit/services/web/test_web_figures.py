"""What the console counts of browsers, and the request id that it gives and takes."""

import asyncio

import pytest

from services.observability import catalogue
from services.observability.instruments import REGISTRY
from services.observability.request_ids import current_request_id
from services.web.figures import RequestFigures, page_of
from services.web.parts.frame import PAGES


def asked(path, headers=(), *, fails=False):
    """Status, headers and the request id that the application saw."""
    seen, sent = [], []

    async def app(scope, receive, send):
        seen.append(current_request_id())
        if fails:
            raise RuntimeError("broken")
        await send({"type": "http.response.start", "status": 404 if path == "/nope" else 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        sent.append(message)

    async def run():
        scope = {"type": "http", "path": path, "headers": list(headers)}
        await RequestFigures(app)(scope, None, send)

    asyncio.run(run())
    return sent[0]["status"], dict(sent[0]["headers"]), seen[0]


def counted(page, code):
    return REGISTRY.get_sample_value(catalogue.WEB_REQUESTS.name, {"page": page, "code": code}) or 0.0


@pytest.mark.parametrize(("path", "page", "code"), [("/", "cameras", "2xx"), ("/nope", "other", "4xx")])
def test_requests_are_counted_by_page_and_status(path, page, code):
    before = counted(page, code)
    asked(path)
    assert counted(page, code) == before + 1


def test_one_that_fails_counts_as_such():
    before = counted("search", "5xx")
    with pytest.raises(RuntimeError):
        asked("/search", fails=True)
    assert counted("search", "5xx") == before + 1


def test_every_page_is_told_apart():
    names = {page_of(path) for path, _name, _icon in PAGES}
    assert "other" not in names
    assert len(names) == len(PAGES)


def test_paths_that_nobody_serves_make_one_series():
    assert {page_of(path) for path in ("/a", "/b/c", "/identityx", "/..", "/%00")} == {"other"}


def test_a_request_keeps_its_id_or_gets_one():
    _, headers, seen = asked("/", [(b"x-request-id", b"mine-1")])
    assert headers[b"x-request-id"] == b"mine-1"
    assert seen == "mine-1"
    _, headers, seen = asked("/", [(b"x-request-id", b"two words")])
    assert headers[b"x-request-id"].decode() == seen
    assert seen not in ("", "two words", "mine-1")
