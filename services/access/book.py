"""Which caller a token stands for now: tokens of the configuration, and of a file read again when it changes."""

from __future__ import annotations

import hmac
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from services.access.roles import Caller
from services.access.settings import AccessSettings
from services.access.tokens import LEAST_CHARACTERS, Token, digest_of
from services.access.tokens_file import TokensFile
from services.errors import ConfigError, Unauthenticated
from services.secrets import read_secret

log = logging.getLogger(__name__)

#: So old may be what is known of the file.
_LOOK_EVERY_S = 1.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TokenBook:
    """Judges tokens. Safe for threads.

    Tokens are *on* where the configuration names one or the file exists; then nobody comes in without. Once on they
    stay on in this process, whatever happens to the file.
    """

    def __init__(
        self, fixed: Sequence[Token] = (), file: TokensFile | None = None, clock: Callable[[], datetime] = _utc_now
    ) -> None:
        """Reads the file.

        Args:
            fixed: Tokens of the configuration.
            file: Tokens that may change; None for none.
            clock: Now, with an offset.

        Raises:
            ConfigError: The file cannot be read, or two tokens share a name or a secret.
        """
        self._fixed = tuple(fixed)
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp = file.stamp() if file is not None else None
        self._on = bool(fixed) or self._stamp is not None
        self._tokens = self._joined()
        self._looked_s = time.monotonic()

    @classmethod
    def open(cls, settings: AccessSettings, data_dir: Path) -> TokenBook:
        """The book of a configuration.

        Raises:
            ConfigError: A reference leads nowhere, a token is too short, or as above.
        """
        fixed = []
        for number, token in enumerate(settings.tokens):
            where = f"access.tokens.{number}.secret"
            kind, _, rest = token.secret.partition(":")
            if kind == "sha256":
                digest = rest
            else:
                secret = read_secret(token.secret, where).strip()
                if len(secret) < LEAST_CHARACTERS:
                    raise ConfigError(f"{where}: a token must have at least {LEAST_CHARACTERS} characters")
                digest = digest_of(secret)
            fixed.append(Token(token.name, token.role, digest, None, token.expires))
        return cls(fixed, TokensFile(settings.file_in(data_dir)))

    @property
    def on(self) -> bool:
        """Whether a token is asked for."""
        self._look()
        return self._on

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All that are known, expired ones as well, by name."""
        self._look()
        return self._tokens

    def identify(self, secret: str) -> Token:
        """The token of that secret. Every known one is compared in full, so that time tells nothing.

        Raises:
            Unauthenticated: It is not known, or has expired.
        """
        digest = digest_of(secret)
        found = None
        for token in self.tokens:
            if hmac.compare_digest(token.sha256, digest):
                found = token
        if found is None:
            raise Unauthenticated("the token is not known, or was revoked")
        if found.expired(self._clock()):
            raise Unauthenticated(f"the token {found.name} has expired")
        return found

    def still(self, token: Token) -> Caller | None:
        """Who a token that was identified before stands for now; None when it was revoked, renewed or has expired."""
        for known in self.tokens:
            if known.sha256 == token.sha256 and not known.expired(self._clock()):
                return Caller(known.name, known.role)
        return None

    def _joined(self) -> tuple[Token, ...]:
        tokens = [*self._fixed, *(self._file.read() if self._file is not None else ())]
        for what, values in (("name", [t.name for t in tokens]), ("secret", [t.sha256 for t in tokens])):
            if len(set(values)) != len(values):
                twice = next(t.name for t, value in zip(tokens, values, strict=True) if values.count(value) > 1)
                raise ConfigError(f"access.tokens: {twice} has the same {what} as another token")
        return tuple(sorted(tokens, key=lambda token: token.name))

    def _look(self) -> None:
        """Reads the file again where it changed; what cannot be read leaves what was known, and is logged."""
        file, now_s = self._file, time.monotonic()
        if file is None or now_s - self._looked_s < _LOOK_EVERY_S:
            return
        with self._lock:
            self._looked_s = now_s
            try:
                stamp = file.stamp()
                if stamp == self._stamp:
                    return
                self._tokens = self._joined()
            except ConfigError as exc:
                log.error("tokens are not read again: %s", exc)
                return
            self._stamp = stamp
            self._on = self._on or stamp is not None
            log.info("tokens read again: %d known", len(self._tokens))
