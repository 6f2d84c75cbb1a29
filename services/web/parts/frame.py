"""What every page has around it: navigation, dark or light, style, and how failures are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import Request
from nicegui import __version__, ui

from services.errors import VreidError
from services.web.parts.uploads import SCRIPT as UPLOADS
from services.web.site import Site
from services.web.texts import LANGUAGE, _, counted
from services.web.visitor import Role, visitor_of

#: Path, name and icon of every page in the navigation.
PAGES = (
    ("/", _("Cameras"), "videocam"),
    ("/activity", _("Activity"), "list"),
    ("/search", _("Search"), "image_search"),
    ("/alerts", _("Alerts"), "notifications"),
    ("/gallery", _("Gallery"), "garage"),
    ("/topology", _("Topology"), "hub"),
    ("/system", _("System"), "monitor_heart"),
)
#: White on each has a contrast of 5.7 to 1 or more.
_PRIMARY, _POSITIVE, _NEGATIVE = "#1565c0", "#1b6e2f", "#b71c1c"
_STYLE = Path(__file__).with_name("style.css").read_text("utf-8")
#: Cookie that keeps a browser's choice; without it the system's setting counts.
_THEME = "vreid_theme"
#: The toolkit's own module asks for this one only when everything before it has run.
_SCRIPT = f"""
<link rel="modulepreload" href="/_nicegui/{__version__}/static/dompurify.mjs">
<script>
document.documentElement.lang = '{LANGUAGE}';
// The toolkit shows what loads, and makes pictures, without a text for those who do not see.
new MutationObserver(() => {{
  document.querySelectorAll('.q-loading-bar:not([aria-label])').forEach(
    e => e.setAttribute('aria-label', {json.dumps(_("Loading"))}));
  document.querySelectorAll('.vr-image img:not([alt])').forEach(
    e => e.setAttribute('alt', e.closest('.vr-image').getAttribute('aria-label') ?? ''));
}}).observe(document.documentElement, {{ childList: true, subtree: true }});
window.vreidTheme = () => {{ const dark = !document.body.classList.contains('body--dark');
  document.cookie = '{_THEME}=' + (dark ? 'dark' : 'light') + '; path=/; max-age=31536000; samesite=strict';
  Quasar.Dark.set(dark); }};
{UPLOADS}</script>
"""
_ALERTS_EVERY_S = 3.0


def may_correct(request: Request) -> bool:
    """Whether who asks may change something."""
    return visitor_of(request).role.may(Role.OPERATOR)


@contextmanager
def frame(title: str, path: str, site: Site, *, can_log_out: bool = False) -> Iterator[None]:
    """A page's surroundings.

    Args:
        title: Of the page; its heading.
        path: Which entry of the navigation it belongs to.
        site: For the notice that the matcher is away, and for how many alerts wait.
        can_log_out: Show the way out.
    """
    ui.page_title(f"{title} · vreid")
    ui.colors(primary=_PRIMARY, positive=_POSITIVE, negative=_NEGATIVE)
    ui.dark_mode({"dark": True, "light": False}.get(ui.context.client.request.cookies.get(_THEME, "")))
    ui.add_css(_STYLE)
    ui.add_head_html(_SCRIPT)
    with ui.header(elevated=True).classes("items-center q-px-md q-py-xs gap-1").props('role="banner"'):
        ui.html(f'<a class="vr-skip" href="#content">{_("Skip to content")}</a>', sanitize=False)
        ui.label("vreid").classes("text-h6 q-mr-sm")
        with ui.element("nav").props(f'aria-label="{_("Pages")}"').classes("row items-center vr-nav"):
            entries = {target: _entry(target, name, icon, current=target == path) for target, name, icon in PAGES}
        ui.space()
        ui.button(icon="contrast").props(f'flat round color=white aria-label="{_("Dark or light")}"').on(
            "click", js_handler="() => window.vreidTheme()"
        )
        if can_log_out:
            who = visitor_of(ui.context.client.request)
            out = ui.button(icon="logout").props('flat round color=white href="/logout" type=a')
            out.props["aria-label"] = out.props["title"] = f"{_('Log out')} {who.name} ({who.role.name.lower()})"
    with ui.column().classes("w-full q-pa-sm").props('id="content" role="main" tabindex="-1"'):
        with ui.row().classes("bg-warning text-black q-pa-sm rounded w-full").props('role="status"') as away:
            ui.label(_("The matcher does not answer; what is shown may be old."))
        away.bind_visibility_from(site, "reachable", backward=lambda reachable: not reachable)
        ui.label(title).classes("text-h5").props('role="heading" aria-level="1"')
        yield
    # A timer that waits for the browser has the page sent as it is by then: none before the page is built.
    _count_alerts(site, entries["/alerts"])


def _entry(target: str, name: str, icon: str, *, current: bool) -> ui.button:
    button = ui.button(name, icon=icon).props(f'flat no-caps color=white href="{target}" type=a aria-label="{name}"')
    if current:
        button.props('aria-current="page"').classes("vr-here")
    return button


def _count_alerts(site: Site, button: ui.button) -> None:
    """Shows in the navigation how many alerts wait."""
    with button:
        waiting = ui.badge("").props("floating color=negative")
        waiting.visible = False

    async def count() -> None:
        try:
            number = await site.open_alerts()
        except VreidError:
            return
        waiting.text, waiting.visible = f"{number:,}", number > 0
        button.props["aria-label"] = counted("{n} alert", "{n} alerts", number) if number else _("Alerts")

    ui.timer(_ALERTS_EVERY_S, count)


def told(exc: VreidError) -> None:
    """Shows a failure in one line."""
    ui.notify(" ".join(str(exc).split()), type="negative", timeout=8000, close_button=_("Close"))
