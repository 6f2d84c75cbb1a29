"""Who looks at the page that is being built or has sent an event. The one place where pages ask for a role.

A page asks ``may(Role.OPERATOR)`` to leave something out, wraps a button as ``guarded(ui.button(…), Role.OPERATOR)`` to
show it switched off with the reason, and calls ``require(Role.OPERATOR)`` first in what the button does: a button that
is switched off in the browser stops nobody.
"""

from __future__ import annotations

from typing import TypeVar

from nicegui import ui
from nicegui.elements.mixins.disableable_element import DisableableElement
from starlette.requests import HTTPConnection

from services.access.roles import Caller, Role
from services.errors import PermissionDenied, Unauthenticated
from services.web.access import ASKING
from services.web.texts import _

__all__ = ["Role", "asking", "guarded", "may", "require", "role", "visitor", "visitor_of"]

Button = TypeVar("Button", bound=DisableableElement)

_NEEDS = {
    Role.VIEWER: _("Log in to do this."),
    Role.OPERATOR: _("This needs the role operator; you are logged in with one that may only look."),
    Role.ADMIN: _("This needs the role admin."),
}


def visitor_of(connection: HTTPConnection) -> Caller:
    """Who sent a request.

    Raises:
        Unauthenticated: The session has ended, or its token was revoked or has expired.
    """
    found: Caller | None = connection.state.visitor()
    if found is None:
        raise Unauthenticated(_("your session has ended; log in again"))
    return found


def visitor() -> Caller:
    """Who looks at this page, judged anew at each call: a page may stay open longer than its session.

    Raises:
        Unauthenticated: As ``visitor_of``.
    """
    return visitor_of(ui.context.client.request)


def asking() -> Caller | None:
    """Who a call of the matcher is made for: a page's visitor, or who sent a request; None for the console itself.

    Raises:
        Unauthenticated: As ``visitor_of``.
    """
    try:
        request = ui.context.client.request
    except RuntimeError:  # outside of any page
        return ASKING.get()
    return visitor_of(request)


def role() -> Role:
    """The visitor's role.

    Raises:
        Unauthenticated: As ``visitor_of``.
    """
    return visitor().role


def may(needed: Role) -> bool:
    """Whether the visitor may do what needs that role; False also where the session has ended."""
    try:
        return role().may(needed)
    except Unauthenticated:
        return False


def require(needed: Role) -> None:
    """Refuses whoever may not.

    Raises:
        PermissionDenied: The visitor's role is a lower one.
        Unauthenticated: As ``visitor_of``.
    """
    if not role().may(needed):
        raise PermissionDenied(_NEEDS[needed])


def guarded(button: Button, needed: Role) -> Button:
    """Switches a button off, with the reason as its title, for a visitor who may not use it."""
    if not may(needed):
        button.disable()
        # A browser shows the title of a disabled button, but sends it no event that a tooltip could answer.
        button.props(f'title="{_NEEDS[needed]}"')
    return button
