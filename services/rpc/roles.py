"""Which role each call of vreid.v1 needs. Unlike its neighbours this file is written by hand, beside proto/vreid.proto.

A call that stands in no row needs the highest role; a test sees that every call of the proto stands here.
"""

from __future__ import annotations

from services.access.roles import Role

#: Metadata by which a caller acts with a lower role than its token's: a console for its visitor.
ROLE_KEY = "vreid-role"
#: Metadata that carries the token, as "Bearer TOKEN".
TOKEN_KEY = "authorization"
BEARER = "Bearer "

#: By service, then call.
ROLES: dict[str, dict[str, Role]] = {
    "MatcherService": {
        "Search": Role.VIEWER,
        "SearchStream": Role.VIEWER,
        "Verify": Role.VIEWER,
        "Embed": Role.VIEWER,
        "Watch": Role.VIEWER,
    },
    "GalleryService": {
        "List": Role.VIEWER,
        "Get": Role.VIEWER,
        "Stats": Role.VIEWER,
        "Picture": Role.VIEWER,
        "Enroll": Role.OPERATOR,
        "Update": Role.OPERATOR,
        "Delete": Role.OPERATOR,
        "Snapshot": Role.OPERATOR,
        "Compact": Role.OPERATOR,
        "Erase": Role.ADMIN,
        "Export": Role.ADMIN,
        "Import": Role.ADMIN,
        "Restore": Role.ADMIN,
    },
    "IdentityService": {
        "Get": Role.VIEWER,
        "List": Role.VIEWER,
        "History": Role.VIEWER,
        "Merge": Role.OPERATOR,
        "Split": Role.OPERATOR,
        "Undo": Role.OPERATOR,
        "SetEnrolled": Role.OPERATOR,
    },
    "CameraService": {
        "List": Role.VIEWER,
        "Topology": Role.VIEWER,
        "Predict": Role.VIEWER,
    },
    "StandingService": {
        "List": Role.VIEWER,
        "Alerts": Role.VIEWER,
        "Create": Role.OPERATOR,
        "SetActive": Role.OPERATOR,
        "Delete": Role.OPERATOR,
        "Acknowledge": Role.OPERATOR,
    },
    "ConsoleService": {
        "FindVehicles": Role.VIEWER,
        "Events": Role.VIEWER,
        "Site": Role.VIEWER,
        "Audit": Role.OPERATOR,
    },
}

_OPEN = "/grpc.health."
_REFLECTION = "/grpc.reflection."


def role_needed(method: str) -> Role | None:
    """The role that a call needs, by its full name; None for one that is open to everybody.

    >>> role_needed("/vreid.v1.IdentityService/Merge").value, role_needed("/vreid.v1.IdentityService/New").value
    ('operator', 'admin')
    >>> role_needed("/grpc.health.v1.Health/Check") is None
    True
    """
    if method.startswith(_OPEN):
        return None
    if method.startswith(_REFLECTION):
        return Role.VIEWER
    service, _, call = method.removeprefix("/vreid.v1.").partition("/")
    return ROLES.get(service, {}).get(call, Role.ADMIN)
