"""Owns what can be configured about one camera, and how its address is shown; never opens anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from detector.settings import InputSide
from services.secrets import read_secret

#: FFmpeg protocols that each allowed scheme may use; what a stream refers to beyond them stays closed.
PROTOCOLS = {
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsps,rtsp,rtp,srtp,udp,tcp,tls",
    "http": "http,tcp",
    "https": "https,http,tls,tcp",
    "file": "file",
}
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.,-]*):")
_USER_INFO = re.compile(r"(?<=://)([^:@/\s]*):\S*@")
_SECRET_FIELD = re.compile(
    r"((?:^|[?&;_])(?:password|passwd|pwd|pass|token|secret|auth|key)=)[^&;\s'\"]*", re.IGNORECASE
)

SourceKind = Literal["stream", "file", "image", "folder"]
Share = Annotated[float, Field(ge=0, le=1)]
#: Corners as shares of the picture's width and height, from its top left.
Polygon = Annotated[tuple[tuple[Share, Share], ...], Field(min_length=3, max_length=64)]


def redact(text: str) -> str:
    """Hides passwords in an address, or in any text that holds addresses.

    >>> redact("rtsp://user:p@ss/word@10.0.0.5/ch1?token=abc&x=1")
    'rtsp://user:***@10.0.0.5/ch1?token=***&x=1'
    """
    return _SECRET_FIELD.sub(r"\1***", _USER_INFO.sub(r"\1:***@", text))


class CameraSettings(BaseModel):
    """One camera."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: str = Field(pattern=r"^[a-z0-9_-]{1,64}$", description="Name of the camera, used in every result.")
    url: str = Field(
        min_length=1,
        max_length=2048,
        repr=False,
        description="rtsp, rtsps, http or https address; in the operator's configuration also a video, an image or a "
        "folder of images.",
    )
    user: str | None = Field(default=None, min_length=1, max_length=256, description="User, where the url names none.")
    password: str | None = Field(
        default=None,
        pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$",
        description="Where the password is: env:NAME or file:PATH. It is read when the camera is opened, never stored.",
    )
    origin: Literal["config", "runtime"] = Field(
        default="config", description="Who named the camera: the operator's configuration, or a caller at run time."
    )
    transport: Literal["tcp", "udp"] = Field(default="tcp", description="How RTSP media travels.")
    open_timeout_s: float = Field(default=5.0, gt=0, le=60, description="Longest wait for a connection.")
    read_timeout_s: float = Field(default=10.0, gt=0, le=120, description="Longest silence before a reconnect.")
    max_fps: float | None = Field(default=None, gt=0, le=240, description="Frames beyond this rate are left out.")
    clock: Literal["host", "camera"] = Field(
        default="host",
        description="Whose clock dates frames: this machine's, or the camera's own by its RTCP sender reports where it "
        "sends them. Choose the camera's only where it keeps time.",
    )
    input_size: tuple[InputSide, InputSide] | None = Field(
        default=None,
        description="Width and height of the detector's input for this camera; unset takes the general one, or a "
        "larger one where measuring calls for it.",
    )
    gate: bool | None = Field(
        default=None,
        description="While no vehicle is followed in this camera, look only when something moves; unset does so for "
        "live cameras, and looks at every frame of a recording.",
    )
    include: tuple[Polygon, ...] = Field(
        default=(), max_length=32, description="Zones in which vehicles count; without any, everywhere."
    )
    exclude: tuple[Polygon, ...] = Field(default=(), max_length=32, description="Zones in which vehicles do not count.")
    mask: tuple[Polygon, ...] = Field(
        default=(), max_length=32, description="Areas painted over in every frame before anything looks at it."
    )
    image_fps: float = Field(default=10.0, gt=0, le=240, description="Images per second of a folder.")
    realtime: bool = Field(
        default=False, description="Play a file at its own speed and let the newest frame win, as if it were live."
    )

    entries: tuple[Polygon, ...] = Field(
        default=(), max_length=32, description="Where vehicles come into view; without any, learned from tracks."
    )
    exits: tuple[Polygon, ...] = Field(
        default=(), max_length=32, description="Where vehicles leave the view; without any, learned from tracks."
    )

    @model_validator(mode="after")
    def _check_url(self) -> CameraSettings:
        if re.search(r"[\x00-\x20\x7f]", self.url) and self.kind == "stream":
            raise ValueError("url must not contain spaces or control characters")
        if self.scheme not in PROTOCOLS:
            raise ValueError(f"url scheme must be one of {', '.join(sorted(PROTOCOLS))}, got {self.scheme!r}")
        if self.scheme == "file" and self.origin != "config":
            raise ValueError("files can be named only in the operator's configuration")
        if self.kind == "stream" and not _host(self.url):
            raise ValueError("url names no host")
        self._check_credentials()
        return self

    def _check_credentials(self) -> None:
        if self.user is None and self.password is None:
            return
        if self.kind != "stream" or self.user is None or self.password is None:
            raise ValueError("user and password belong together, and to a stream")
        if "@" in urlsplit(self.url).netloc:
            raise ValueError("user and password stand in the url already")

    @property
    def scheme(self) -> str:
        """The scheme in lower case; ``file`` for a plain path."""
        match = _SCHEME.match(self.url)
        return match[1].lower() if match else "file"

    @property
    def kind(self) -> SourceKind:
        """What lies behind the address: a live stream, a video file, a still image or a folder of them."""
        if self.scheme != "file":
            return "stream"
        if self.path.suffix.lower() in IMAGE_SUFFIXES:
            return "image"
        return "folder" if self.path.is_dir() else "file"

    @property
    def path(self) -> Path:
        """The file that a file address names."""
        return Path(re.sub(r"^file:(//)?", "", self.url, flags=re.IGNORECASE))

    @property
    def names_secret(self) -> bool:
        """Whether the address itself holds what must not be shown."""
        return self.shown_url != self.url

    def address(self) -> str:
        """What to open: the url with the credentials that the settings refer to, or the full path of a file.

        Raises:
            ConfigError: The password cannot be read; the message names where it was sought.
        """
        if self.kind != "stream":
            return str(self.path.resolve())
        if self.user is None or self.password is None:
            return self.url
        parts = urlsplit(self.url)
        password = read_secret(self.password, f"camera {self.id}: password")
        account = f"{quote(self.user, safe='')}:{quote(password, safe='')}"
        return urlunsplit(parts._replace(netloc=f"{account}@{parts.netloc}"))

    @property
    def shown_url(self) -> str:
        """The address without its password, for people and logs."""
        return redact(self.url)

    @property
    def gated(self) -> bool:
        """Whether a frame in which nothing moved need not be looked at."""
        return self.live if self.gate is None else self.gate

    @property
    def live(self) -> bool:
        """Whether the newest frame wins: a stream, or a file played as one."""
        return self.kind == "stream" or self.realtime

    @property
    def played(self) -> bool:
        """Whether frames are held back until their time: what is no stream, shown as one."""
        return self.realtime and self.kind != "stream"


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
