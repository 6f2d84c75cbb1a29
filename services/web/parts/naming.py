"""Which vehicle is meant by what somebody has typed: pages show the ends of ids. Asks, draws nothing."""

from __future__ import annotations

from services.errors import InputError
from services.web.site import Site
from services.web.texts import _

#: Vehicles seen last, among which the end of an id is looked for.
_AMONG = 1000
_LEAST_END = 4


async def meant(site: Site, text: str) -> str:
    """The id that a text means: itself, or as pages show it, the end of one.

    Raises:
        InputError: Several vehicles end so.
        VreidError: The matcher does not answer.
    """
    end = text.removeprefix("…")
    if len(end) < _LEAST_END:
        return text
    names: set[str] = set()
    while len(names) < _AMONG:
        found, total = await site.ask(site.client.identity_list, _AMONG - len(names), len(names))
        names |= {detail.record.identity_id for detail in found}
        if not found or len(names) >= total:
            break
    fitting = sorted(name for name in names if name.endswith(end))
    if text in names or not fitting:
        return text
    if len(fitting) > 1:
        raise InputError(_("Several vehicles end so; give more of the id."))
    return fitting[0]
