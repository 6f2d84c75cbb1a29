"""Sessions of the console: who logged in with which token, and how often somebody may guess. Knows no page."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from services.access.book import TokenBook
from services.access.roles import Caller, Role
from services.access.tokens import Token

_SESSION_S = 12 * 3600.0
_MOST_SESSIONS = 10_000
#: Who comes in where no token is asked for: whoever uses this machine.
ANYBODY = Caller("console", Role.ADMIN)


class Sessions:
    """Tokens by session, in memory: a restart of the console logs everybody out.

    A session's name is 256 random bits that only the server and one browser know. What it may do is read from the
    token each time, so that revoking the token ends the session.
    """

    def __init__(self, book: TokenBook, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins without sessions.

        Args:
            book: Judges tokens.
            clock: Seconds.
        """
        self._book = book
        self._clock = clock
        self._sessions: OrderedDict[str, tuple[Token, float]] = OrderedDict()

    @property
    def open(self) -> bool:
        """Whether no token is asked for."""
        return not self._book.on

    def log_in(self, token: str) -> str:
        """A new session for a token.

        Raises:
            Unauthenticated: The token is not known, or has expired.
        """
        found = self._book.identify(token)
        now = self._clock()
        for name in [name for name, (_, until) in self._sessions.items() if until <= now]:
            del self._sessions[name]
        while len(self._sessions) >= _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        session = secrets.token_urlsafe(32)
        self._sessions[session] = (found, now + _SESSION_S)
        return session

    def log_out(self, session: str) -> None:
        """Ends a session."""
        self._sessions.pop(session, None)

    def visitor(self, session: str) -> Caller | None:
        """Who a session stands for now; None for none, or one that has ended or whose token has."""
        if self.open:
            return ANYBODY
        kept = self._sessions.get(session)
        if kept is None or kept[1] <= self._clock():
            return None
        return self._book.still(kept[0])


class Attempts:
    """Wrong tokens lately, by address and in all: beyond so many a minute nobody's is looked at."""

    def __init__(
        self,
        per_address: int = 5,
        in_all: int = 60,
        within_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins without any."""
        self._per_address, self._in_all, self._within_s = per_address, in_all, within_s
        self._clock = clock
        self._wrong: list[tuple[float, str]] = []

    def wait_s(self, address: str) -> float:
        """How long this address must wait before it may try; 0 for not at all."""
        now = self._clock()
        self._wrong = [(at, who) for at, who in self._wrong if at > now - self._within_s]
        own = [at for at, who in self._wrong if who == address]
        waits = [0.0]
        if len(own) >= self._per_address:
            waits.append(own[-self._per_address] + self._within_s - now)
        if len(self._wrong) >= self._in_all:
            waits.append(self._wrong[-self._in_all][0] + self._within_s - now)
        return max(waits)

    def failed(self, address: str) -> None:
        """A wrong token came from there."""
        self._wrong.append((self._clock(), address))
