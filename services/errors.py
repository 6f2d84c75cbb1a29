"""Every failure of the product's own, in one tree.

VreidError
├── ConfigError             the configuration cannot be used; names key and line
├── InputError              what the caller gave cannot be used
│   ├── NotAnImage          bytes that are no picture, or one too small or too large
│   └── ModelMismatch       vectors of different models would be compared
├── NotFound                an id that nothing is known by
├── AccessError             the caller is not let in
│   ├── Unauthenticated     no token, or one that is unknown, revoked or expired
│   └── PermissionDenied    the caller's role may not do that
├── Unavailable             a dependency does not answer (retryable)
│   ├── StoreUnavailable    Redis
│   ├── MatcherUnavailable  the matcher's gRPC endpoint
│   ├── Overloaded          more is asked than can be answered in time
│   ├── DeadlinePassed      the caller's time ran out
│   └── SourceUnavailable   a camera
│       └── SourceGone      the server knows no such stream, or no longer
├── LeaseLost               another holder has a newer fencing token
├── SnapshotError           a snapshot or an export is damaged, or cannot be written
├── ModelFileError          weights missing, damaged or not in the manifest
├── Unsupported             this deployment cannot do that
└── PortInUse               a listener's port is taken
"""

from __future__ import annotations


class VreidError(Exception):
    """Base of the tree. ``retryable`` says whether the same call may succeed later."""

    retryable = False


class ConfigError(VreidError):
    """The configuration cannot be used."""


class InputError(VreidError):
    """What the caller gave cannot be used."""


class NotAnImage(InputError):  # noqa: N818
    """Bytes that are no picture, or one too small or too large."""


class ModelMismatch(InputError):  # noqa: N818
    """Vectors of different models would be compared."""


class NotFound(VreidError):  # noqa: N818
    """An id that nothing is known by."""


class AccessError(VreidError):
    """The caller is not let in."""


class Unauthenticated(AccessError):  # noqa: N818
    """No token, or one that is unknown, revoked or expired."""


class PermissionDenied(AccessError):  # noqa: N818
    """The caller's role may not do that."""


class Unavailable(VreidError):  # noqa: N818
    """A dependency does not answer."""

    retryable = True


class Interrupted(VreidError):  # noqa: N818
    """Something was given up because the process was told to stop."""


class StoreUnavailable(Unavailable):
    """Redis does not answer."""


class MatcherUnavailable(Unavailable):
    """The matcher's gRPC endpoint does not answer."""


class Overloaded(Unavailable):
    """More is asked than can be answered in time."""


class DeadlinePassed(Unavailable):
    """The caller's time ran out."""


class SourceUnavailable(Unavailable):
    """A camera does not answer, or ended."""


class SourceGone(SourceUnavailable):
    """The server knows no such stream, or no longer.

    Attributes:
        for_good: The server says that the stream is over, not only that it knows none.
    """

    def __init__(self, message: str, *, for_good: bool = False) -> None:
        super().__init__(message)
        self.for_good = for_good


class LeaseLost(VreidError):  # noqa: N818
    """Another holder has a newer fencing token."""


class SnapshotError(VreidError):
    """A snapshot or an export is damaged, or cannot be written."""


class ModelFileError(VreidError):
    """Weights are missing, damaged or not in the manifest."""


class Unsupported(VreidError):  # noqa: N818
    """This deployment cannot do that."""


class PortInUse(VreidError):  # noqa: N818
    """A listener's port is taken."""
