"""Settings of access: which tokens there are, as references to secrets. Owns the settings only."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.access.roles import Role

#: How tokens may be called: what audit takes for a name, without the colon that parts a name from what it says.
NAME_PATTERN = r"^[A-Za-z0-9][\w.@+-]{0,31}$"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class TokenSettings(BaseModel):
    """A token that the configuration names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME_PATTERN, description="Who comes with it, for audit.")
    role: Role = Field(description="viewer, operator or admin.")
    secret: str = Field(
        description="Reference to the token: env:NAME, file:PATH, or sha256:HEX of it. Never the token itself."
    )
    expires: datetime | None = Field(None, description="Not accepted from then on; without an offset it is UTC.")

    @field_validator("secret")
    @classmethod
    def _is_reference(cls, value: str) -> str:
        kind, _, rest = value.partition(":")
        if kind not in ("env", "file", "sha256") or not rest:
            raise ValueError(
                "expected env:NAME, file:PATH or sha256:HEX; a secret itself does not belong into a configuration"
            )
        if kind == "sha256" and not _SHA256.fullmatch(rest):
            raise ValueError("expected 64 hexadecimal digits in lower case after sha256:")
        return value

    @field_validator("expires")
    @classmethod
    def _has_offset(cls, value: datetime | None) -> datetime | None:
        return value if value is None or value.tzinfo is not None else value.replace(tzinfo=UTC)


class AccessSettings(BaseModel):
    """Who may ask the matcher and open the console."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: tuple[TokenSettings, ...] = Field((), description="Tokens by reference, beside those of tokens_file.")
    tokens_file: Path | None = Field(
        None, description="Hashed tokens that `vreid token` writes; unset for tokens.json in the data folder."
    )
    calls_per_s: float = Field(
        1000.0, gt=0, le=1e6, description="Calls that one token may make a second, with as many again at once."
    )

    @field_validator("tokens")
    @classmethod
    def _names_differ(cls, tokens: tuple[TokenSettings, ...]) -> tuple[TokenSettings, ...]:
        names = [token.name for token in tokens]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"token {twice!r} is given twice")
        return tokens

    def file_in(self, data_dir: Path) -> Path:
        """Where hashed tokens are kept."""
        return self.tokens_file or data_dir / "tokens.json"
