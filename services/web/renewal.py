"""Takes renewed certificates into the console's listener without a restart. Opens no listener."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from services.access.tls import Renewal, TlsFiles


async def follow_certificates(
    files: TlsFiles, context: Callable[[], ssl.SSLContext | None], every_s: float = 30.0
) -> None:
    """Looks at the files until cancelled; connections from then on get what they hold.

    Args:
        files: Of the listener.
        context: What the listener made of them, once it listens.
        every_s: How often to look.
    """
    renewal = Renewal(files, "web")
    while True:
        await asyncio.sleep(every_s)
        listening = context()
        if listening is not None:
            renewal.renew(listening)
