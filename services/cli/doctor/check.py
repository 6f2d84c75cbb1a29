"""What a check answers, and how one that cannot be carried out answers. Looks at nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.errors import VreidError
from services.observability.logs import without_secrets

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at one thing found.

    Attributes:
        status: "ok", "warn" (works, but not as well or as safely as it should) or "fail" (would not work).
        detail: What was found, one line.
        advice: What to do, one line; empty where all is well.
        figures: Numbers behind the detail, by name with their unit.
    """

    status: Status
    detail: str
    advice: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """A finding under its name."""

    name: str
    status: Status
    detail: str
    advice: str
    figures: Mapping[str, float]


def checked(name: str, look: Callable[[], Finding]) -> Check:
    """Looks; what cannot be looked at has failed, whatever stood in the way."""
    try:
        found = look()
    except VreidError as exc:
        found = Finding("fail", str(exc), "see the message")
    except Exception as exc:  # one check that breaks must not hide the others
        found = Finding("fail", f"the check itself failed: {type(exc).__name__}: {exc}", "report this with the output")
    return Check(name, found.status, _line(found.detail), _line(found.advice), dict(found.figures))


def _line(text: str) -> str:
    return without_secrets(" ".join(text.split()))
