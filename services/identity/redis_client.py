"""Talks to one Redis server: time-outs, a short reconnect, scripts, errors in the product's words. Knows no schema."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from services.errors import StoreUnavailable
from services.identity import scripts
from services.identity.settings import RedisSettings
from services.observability import catalogue
from services.observability.instruments import counter, histogram
from services.secrets import read_secret

T = TypeVar("T")


def connect(url: str, settings: RedisSettings) -> redis.Redis:
    """A client for threads. Connects on first use.

    A refused or broken connection is tried again for a moment, so that a server that restarts is waited for; a reply
    that does not come in time is not asked for twice. What the url names itself goes before the settings' user and
    password; the embedded server has none.

    Raises:
        ConfigError: The password cannot be read.
    """
    secret = (
        read_secret(settings.password, "redis.password")
        if settings.url is not None and settings.password is not None
        else None
    )
    backoff = ExponentialWithJitterBackoff(base=settings.reconnect_backoff_s, cap=20 * settings.reconnect_backoff_s)
    return redis.Redis.from_url(
        url,
        username=settings.user if secret is not None else None,
        password=secret,
        protocol=2,
        decode_responses=False,
        socket_timeout=settings.command_timeout_s,
        socket_connect_timeout=settings.connect_timeout_s,
        retry=Retry(backoff, settings.reconnect_attempts, supported_errors=(redis.ConnectionError,)),
        health_check_interval=0,
    )


def named(fields: Mapping[bytes, bytes]) -> dict[str, bytes]:
    """A hash or an entry as the client reads it, with its field names as text."""
    return {name.decode(): value for name, value in fields.items()}


class Connection:
    """Runs commands and scripts on a client; every error of the client leaves as StoreUnavailable."""

    def __init__(self, client: redis.Redis) -> None:
        self.client: Any = client
        self._scripts: dict[str, Any] = {}
        self._seconds = histogram(catalogue.STORE_SECONDS)
        self._errors = counter(catalogue.STORE_ERRORS)

    def call(self, command: Callable[[Any], T], name: str = "command", *, waits: bool = False) -> T:
        """Runs ``command(client)``.

        Args:
            command: What to run.
            name: By which it is counted.
            waits: It may wait for something to happen, so that its time says nothing of the server.

        Raises:
            StoreUnavailable: The server does not answer, or refuses.
        """
        began_s = time.perf_counter()
        try:
            answer = command(self.client)
        except redis.RedisError as exc:
            self._errors.labels(name).inc()
            raise StoreUnavailable(f"Redis: {exc or type(exc).__name__}") from exc
        if not waits:
            self._seconds.labels(name).observe(time.perf_counter() - began_s)
        return answer

    def pipeline(self, fill: Callable[[Any], object], *, atomic: bool = False) -> list[Any]:
        """Replies to the commands that ``fill(pipeline)`` queued, in order; one round trip."""

        def run(client: Any) -> list[Any]:
            with client.pipeline(transaction=atomic) as pipe:
                fill(pipe)
                replies: list[Any] = pipe.execute()
                return replies

        return self.call(run, "pipeline")

    def now_us(self) -> int:
        """The server's clock, UTC microseconds. Raises as ``call``."""
        seconds, micros = self.call(lambda client: client.time())
        return int(seconds) * 1_000_000 + int(micros)

    def script(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Runs a script of ``services/identity/scripts``; loads it where the server does not know it."""
        found = self._scripts.get(name)
        if found is None:
            found = self._scripts[name] = self.client.register_script(scripts.source(name))
        return self.call(lambda _: found(keys=keys, args=args), name)
