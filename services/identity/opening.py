"""Opens the identity store that a configuration names: the embedded server's or an external one."""

from __future__ import annotations

from pathlib import Path

from services.identity.embedded import EmbeddedServer
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings


def open_store(settings: RedisSettings, data_dir: Path, site: str) -> RedisStore:
    """A store for threads; connects on first use.

    Raises:
        ConfigError: No external server is configured and there is no bundled one for this machine.
    """
    url = settings.url or EmbeddedServer(data_dir, settings.binary).url
    return RedisStore(connect(url, settings), site)
