"""How a process logs: lines for people or JSON objects, with the request's id and without secrets. Writes to stderr."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
import warnings
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from services.access.tokens import redact_tokens
from services.ingest.cameras import redact
from services.observability.request_ids import current_request_id
from services.observability.settings import LoggingSettings
from services.observability.tracing import current_trace_id

log = logging.getLogger(__name__)

#: What a record may carry beside its message.
FIELDS = ("request_id", "camera_id", "session_id")

_AUTHORIZATION = re.compile(
    r"((?:authorization|bearer|basic)['\"]?[:=\s]+(?:(?:bearer|basic)\s+)?)[\w.~+/=-]{6,}", re.IGNORECASE
)
_ASSIGNED = re.compile(
    r"((?:password|passwd|secret|token|api[_-]?key)['\"]?\s*[:=]\s*['\"]?)(?!env:|file:)[^\s'\",;&}\])]+", re.IGNORECASE
)


def without_secrets(text: str) -> str:
    """Hides passwords in addresses, tokens of ours and others' bearer tokens, and what is assigned to a secret's name.

    References (``env:NAME``, ``file:PATH``) are no secrets and stay.

    >>> without_secrets("rtsp://u:pw@cam/1 Authorization: Bearer abcdefgh token=xyz password: 'p'")
    "rtsp://u:***@cam/1 Authorization: Bearer *** token=*** password: '***'"
    >>> without_secrets("viewer_token: env:TOKEN")
    'viewer_token: env:TOKEN'
    """
    return redact_tokens(redact(_AUTHORIZATION.sub(r"\1***", _ASSIGNED.sub(r"\1***", text))))


def _fields(record: logging.LogRecord) -> dict[str, str]:
    found = {name: str(value) for name in FIELDS if (value := getattr(record, name, None))}
    request_id = current_request_id()
    if request_id:
        found.setdefault("request_id", request_id)
    trace_id = current_trace_id()
    return found | ({"trace_id": trace_id} if trace_id else {})


class TextFormatter(logging.Formatter):
    """``time level logger: message key=value …``; times are UTC."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is the base class's
        """The line without a traceback."""
        line = super().formatMessage(record)
        told = (f"{name}={value}" for name, value in _fields(record).items())
        return " ".join((line, *(each for each in told if each not in line)))

    def format(self, record: logging.LogRecord) -> str:
        """The whole entry."""
        return without_secrets(super().format(record))


class JsonFormatter(logging.Formatter):
    """One object a line: time (RFC 3339, UTC), level, logger, role, message, then what else is known."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC)
        said = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "role": self._role,
            "message": without_secrets(record.getMessage()),
            **_fields(record),
        }
        if record.exc_info and record.exc_info[0] is not None:
            said["error"] = record.exc_info[0].__name__
            said["traceback"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=False)


def configure_logging(settings: LoggingSettings, role: str, stream: TextIO | None = None) -> None:
    """Makes this process log as the configuration says, whatever was set up before.

    What ends a thread or the process uncaught, and Python's warnings, are logged in the same way; but for those of
    pictures that are read although something in them is odd, for they come from whoever sends pictures, each with
    numbers of its own.

    Args:
        settings: Format and level.
        role: Of this process.
        stream: Where to; stderr by default.
    """
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(JsonFormatter(role) if settings.format == "json" else TextFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.level.upper())
    for chatty in ("faiss", "httpx", "opentelemetry"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.critical("uncaught %s", kind.__name__, exc_info=(kind, error, trace))


def _uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None:
        name = told.thread.name if told.thread is not None else "a thread"
        log.critical("%s ended", name, exc_info=(told.exc_type, told.exc_value, told.exc_traceback))
