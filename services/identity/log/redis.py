"""Events by identity in Redis: reads the indexes that the scripts keep, and cuts them with the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from services.errors import StoreUnavailable
from services.identity.codec import check_position, decode_event, dumps
from services.identity.keys import Keys
from services.identity.log.contract import EVENTS_AT_ONCE
from services.identity.records import IDENTITY_FIELDS, Event
from services.identity.redis_client import Connection, named

Entry = tuple[bytes, dict[bytes, bytes]]

_PAGE = 500
_WHOLE = b"whole"
#: How long somebody who asks for events helps to index what an older version has written.
_PATIENCE_S = 2.0
_NOT_YET = "events that an older version has written are being indexed; ask again"


def member(position: str) -> str:
    """A position as it stands in an index, whose order is that of names.

    >>> member("1763000000123-7")
    '0001763000000123-0000000007'
    """
    ms, _, n = position.partition("-")
    return f"{ms:0>16}-{n or '0':0>10}"


def position_of(name: bytes) -> str:
    """The position behind a member.

    >>> position_of(b"0001763000000123-0000000007")
    '1763000000123-7'
    """
    ms, _, n = name.decode().partition("-")
    return f"{int(ms)}-{int(n)}"


class RedisLog:
    """LogStore over one site; the store that inherits it brings connection and keys."""

    _redis: Connection
    keys: Keys

    def __init__(self) -> None:
        self._indexing = threading.Lock()
        self._indexed = False

    def events_of(self, identity_id: str, after: str = "0-0", count: int = EVENTS_AT_ONCE) -> list[Event]:
        """See LogStore."""
        check_position(after)
        self._index(_PATIENCE_S)
        found: list[Event] = []
        while len(found) < count:
            page = self._positions(identity_id, after, count - len(found))
            if not page:
                break
            found += self._at(page)
            after = page[-1]
        return found

    def _positions(self, identity_id: str, after: str, count: int) -> list[str]:
        key, low = self.keys.events_of(identity_id), "(" + member(after)
        names = self._redis.call(lambda client: client.zrangebylex(key, low, "+", start=0, num=count), "events_of")
        return [position_of(name) for name in names]

    def _at(self, positions: Sequence[str]) -> list[Event]:
        """The events at some positions, in order; one that was cut off meanwhile is left out."""

        def fill(pipe: Any) -> None:
            for position in positions:
                pipe.xrange(self.keys.events, position, position)

        return [
            decode_event(entry_id.decode(), named(fields))
            for found in self._redis.pipeline(fill)
            for entry_id, fields in found
        ]

    def index_events(self) -> None:
        """See LogStore. Any process may, also at the same time; one that ends goes on where it was."""
        self._index(None)

    def _index(self, patience_s: float | None) -> None:
        """Indexes what is left to do, for so long; callers with patience do not wait for each other.

        Raises:
            StoreUnavailable: It is not done yet.
        """
        if self._indexed:
            return
        began_s = time.monotonic()
        if not self._indexing.acquire(blocking=patience_s is None):
            raise StoreUnavailable(_NOT_YET)
        try:
            while not self._indexed:
                self._index_page()
                if patience_s is not None and not self._indexed and time.monotonic() - began_s > patience_s:
                    raise StoreUnavailable(_NOT_YET)
        finally:
            self._indexing.release()

    def _index_page(self) -> None:
        marker = self.keys.events_indexed
        after = self._redis.call(lambda client: client.get(marker)) or b"0-0"
        if after == _WHOLE:
            self._indexed = True
            return
        page = self._page(self.keys.events, "(" + after.decode(), "+", _PAGE)
        last = len(page) < _PAGE
        names = sorted(_named(page))
        keys = [*self.keys.fixed(), marker, *map(self.keys.events_of, names)]
        document = {
            "after": after.decode(),
            "until": page[-1][0].decode() if page else after.decode(),
            "done": "1" if last else "",
            "identities": names,
        }
        self._redis.script("index_events", keys, [dumps(document)])
        self._indexed = last

    def _page(self, stream: str, low: str, high: str, count: int) -> list[Entry]:
        read = partial(_range, stream, low, high, count)
        return cast("list[Entry]", self._redis.call(read, "read_stream"))

    def named_after(self, stream: str, after: str, count: int) -> set[str]:
        """The identities that the next entries of a stream name; ``after`` is empty for the first."""
        return _named(self._page(stream, f"({after}" if after else "-", "+", count))

    def trim_events(self, floor: str) -> int:
        """Cuts off the events before a position that no view has still to see; returns how many went.

        They go page by page, each together with what the indexes hold of it.
        """
        gone = 0
        if floor == "0-0":  # nothing stands before it, and the server takes no such range
            return gone
        while page := self._page(self.keys.events, "-", f"({floor}", _PAGE):
            ms, n = page[-1][0].decode().split("-")
            keys = [*self.keys.fixed(), *map(self.keys.events_of, sorted(_named(page)))]
            went = int(self._redis.script("trim_events", keys, [f"{ms}-{int(n) + 1}"]))
            gone += went
            if went < len(page) or len(page) < _PAGE:
                break
        return gone


def _range(stream: str, low: str, high: str, count: int, client: Any) -> Any:
    return client.xrange(stream, min=low, max=high, count=count)


def _named(entries: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> set[str]:
    names = [name.encode() for name in IDENTITY_FIELDS]
    return {fields[name].decode() for _, fields in entries for name in names if name in fields}
