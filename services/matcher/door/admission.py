"""Lets calls in by token and role, before anything of them is looked at. The roles stand in services/rpc/roles.py."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import grpc

from services.access.book import TokenBook
from services.access.limiter import Limiter
from services.access.roles import Caller, Role
from services.access.tokens import Token
from services.errors import InputError, Overloaded, PermissionDenied, Unauthenticated
from services.matcher.door.ledger import Ledger
from services.rpc.errors import ACTOR_KEY
from services.rpc.roles import BEARER, ROLE_KEY, TOKEN_KEY, role_needed

log = logging.getLogger(__name__)

_ACTOR = re.compile(r"[\w.@:/+-]{1,64}")
_LOCAL = "unix:"
#: Who calls where no token is asked for, and who comes by the socket that only this machine's user can open.
_ANYBODY, _HOUSE = Caller("grpc", Role.ADMIN), Caller("", Role.ADMIN)
_SAY_EVERY_S = 1.0
_admitted: WeakKeyDictionary[grpc.ServicerContext, Caller] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Door:
    """How callers come in.

    Attributes:
        book: Judges tokens; one without any lets everybody in.
        calls_per_s: Calls that one token may make a second.
        local_socket: A socket for processes of this machine's user, who needs no token; None for none.
    """

    book: TokenBook = field(default_factory=TokenBook)
    calls_per_s: float = 1000.0
    local_socket: Path | None = None


def caller_of(context: grpc.ServicerContext) -> Caller:
    """Who was let in with this call."""
    return _admitted.get(context, _ANYBODY)


def actor_of(context: grpc.ServicerContext) -> str:
    """Who asks, for events and audit: the token's name, and what the caller says of itself behind a colon.

    Without tokens the name is "grpc". Processes of this machine's user are believed what they say.
    """
    name = caller_of(context).name
    said = dict(context.invocation_metadata()).get(ACTOR_KEY, "")
    if not _ACTOR.fullmatch(said):
        return name or "local"
    return f"{name}:{said}" if name else said


class AccessInterceptor(grpc.ServerInterceptor):  # type: ignore[misc]
    """Admits or refuses every call but those of health."""

    def __init__(self, door: Door, ledger: Ledger | None = None) -> None:
        """Knows nobody yet.

        Args:
            door: How callers come in.
            ledger: Where what they ask for is written down once there are tokens; None writes nothing.
        """
        self._ledger = ledger
        self._book = door.book
        self._limiter = Limiter(door.calls_per_s)
        self._said_s = -_SAY_EVERY_S

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Wraps calls of every kind."""
        handler, method = continuation(handler_call_details), handler_call_details.method
        if handler is None or role_needed(method) is None:
            return handler
        codecs = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        take: Take = _all if handler.request_streaming else _given
        shown: Token | None = None
        if not handler.request_streaming and self._book.on:
            shown = self._shown(handler_call_details)
            take = _only if shown is None else _given
        inner = handler.unary_unary or handler.stream_unary or handler.unary_stream or handler.stream_stream
        guard = self._guarded_stream if handler.response_streaming else self._guarded
        if iscoroutinefunction(inner):
            guard = self._guarded_coroutine
        guarded = guard(method, inner, take, shown)
        made = _HANDLERS[take is not _given, handler.response_streaming]
        return made(guarded, **codecs)

    def _shown(self, details: grpc.HandlerCallDetails) -> Token | None:
        """The good token that a call comes with, so that it may be read before it is admitted.

        What comes without, from strangers or by the local socket, is admitted first and read then: nobody fills the
        memory with requests that will be refused.
        """
        try:
            return self._book.identify(_bearer(dict(details.invocation_metadata)))
        except Unauthenticated:
            return None

    def _guarded(
        self, method: str, inner: Callable[[Any, Any], Any], take: Take, shown: Token | None
    ) -> Callable[[Any, Any], Any]:
        def outer(requests: Any, context: grpc.ServicerContext) -> Any:
            token = self._admit(method, context, shown)
            request = take(self, requests, token)
            answer = inner(request, context)
            self._note(method, context, None if take is _all else request, answer)
            return answer

        return outer

    def _guarded_coroutine(
        self, method: str, inner: Callable[[Any, Any], Any], take: Take, shown: Token | None
    ) -> Callable[[Any, Any], Any]:
        async def outer(requests: Any, context: grpc.ServicerContext) -> Any:
            self._admit(method, context, shown)
            request = requests if take is _given else await _only_coming(requests)
            answer = await inner(request, context)
            self._note(method, context, request, answer)
            return answer

        return outer

    def _guarded_stream(
        self, method: str, inner: Callable[[Any, Any], Any], take: Take, shown: Token | None
    ) -> Callable[[Any, Any], Iterator[Any]]:
        def outer(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            token = self._admit(method, context, shown)
            request = take(self, requests, token)
            if take is _all:
                request = self._noted(method, context, request)
            else:
                self._note(method, context, request)
            for answer in inner(request, context):
                self._expect(token)
                yield answer

        return outer

    def _note(self, method: str, context: grpc.ServicerContext, request: Any, answer: Any = None) -> None:
        if self._ledger is not None and self._book.on:
            self._ledger.note(method, actor_of(context), request, answer)

    def _noted(self, method: str, context: grpc.ServicerContext, requests: Iterator[Any]) -> Iterator[Any]:
        for request in requests:
            self._note(method, context, request)
            yield request

    def paced(self, requests: Iterator[Any], token: Token | None) -> Iterator[Any]:
        """The messages of a stream, no faster than calls may come."""
        for request in requests:
            while token is not None and (wait_s := self._limiter.take(token.name)):
                time.sleep(wait_s)
            self._expect(token)
            yield request

    def _expect(self, token: Token | None) -> None:
        """Ends a stream that outlived its token."""
        if token is not None and self._book.still(token) is None:
            raise Unauthenticated(f"the token {token.name} was revoked or has expired")

    def _admit(self, method: str, context: grpc.ServicerContext, shown: Token | None) -> Token | None:
        """Lets a caller in, or raises; returns the token that it came with, which ``shown`` is where it was judged."""
        needed = role_needed(method) or Role.VIEWER
        said = dict(context.invocation_metadata())
        try:
            token, caller = self._identified(said, context, shown)
            role = _lowered(caller.role, said.get(ROLE_KEY, ""))
            if not role.may(needed):
                raise PermissionDenied(
                    f"this needs the role {needed.value}; {caller.name or 'this caller'} is {role.value}"
                )
        except (Unauthenticated, PermissionDenied) as exc:
            self._say(context, exc)
            raise
        if token is not None and self._limiter.take(token.name):
            raise Overloaded(f"{token.name} asks too often; try again later")
        _admitted[context] = Caller(caller.name, role)
        return token

    def _identified(
        self, said: dict[str, Any], context: grpc.ServicerContext, shown: Token | None
    ) -> tuple[Token | None, Caller]:
        if context.peer().startswith(_LOCAL):
            return None, _HOUSE
        if not self._book.on:
            return None, _ANYBODY
        token = shown or self._book.identify(_bearer(said))
        return token, Caller(token.name, token.role)

    def _say(self, context: grpc.ServicerContext, refused: Exception) -> None:
        """Logs who was refused and why, once a second at most: whoever knocks often must not fill the disk."""
        now_s = time.monotonic()
        if now_s - self._said_s >= _SAY_EVERY_S:
            self._said_s = now_s
            log.warning("refused a call from %s: %s", context.peer(), refused)


#: How the request of a call is taken once the caller is admitted.
Take = Callable[[AccessInterceptor, Any, Token | None], Any]


def _given(_interceptor: AccessInterceptor, request: Any, _token: Token | None) -> Any:
    """One message, read already."""
    return request


def _only(_interceptor: AccessInterceptor, requests: Iterator[Any], _token: Token | None) -> Any:
    """One message, read now."""
    for request in requests:
        return request
    raise InputError("the request is missing")


async def _only_coming(requests: AsyncIterator[Any]) -> Any:
    """One message, awaited now."""
    async for request in requests:
        return request
    raise InputError("the request is missing")


def _all(interceptor: AccessInterceptor, requests: Iterator[Any], token: Token | None) -> Iterator[Any]:
    """Many messages, as they come."""
    return interceptor.paced(requests, token)


#: How gRPC is given a handler, by whether it reads requests itself and whether it answers with many.
_HANDLERS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _bearer(said: Mapping[str, Any]) -> str:
    """The token that comes with a call.

    Raises:
        Unauthenticated: There is none, or something else.
    """
    given = str(said.get(TOKEN_KEY, ""))
    if not given:
        raise Unauthenticated("this matcher asks for a token")
    if not given.startswith(BEARER):
        raise Unauthenticated("authorization: expected a bearer token")
    return given.removeprefix(BEARER)


def _lowered(role: Role, wanted: str) -> Role:
    """The role that a caller wants to act with, which is never above its own."""
    if not wanted:
        return role
    try:
        asked = Role(wanted)
    except ValueError as exc:
        raise InputError(f"{ROLE_KEY}: expected {', '.join(Role)}, got {wanted[:16]!r}") from exc
    return asked if role.may(asked) else role
