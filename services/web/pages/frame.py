"""What every page has around it: navigation, dark or light, style, and how failures and texts are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from gettext import gettext as _

from fastapi import Request
from nicegui import ui

from services.errors import VreidError
from services.web.site import Site
from services.web.visitor import Role, visitor_of

#: Path and name of every page in the navigation.
PAGES = (
    ("/", _("Cameras"), "videocam"),
    ("/activity", _("Activity"), "list"),
    ("/search", _("Search"), "image_search"),
    ("/topology", _("Topology"), "hub"),
    ("/system", _("System"), "monitor_heart"),
)
#: White on it has a contrast of 5.7 to 1.
_PRIMARY = "#1565c0"
_STYLE = """
:root { --vr-soft: rgba(128,128,128,.45) }
.vr-svg { width: 100%; height: auto }
.vr-text { fill: currentColor; font: 13px sans-serif }
.vr-line { stroke: var(--vr-soft) } .vr-node { fill: #1976d2; fill-opacity: .25; stroke: #1976d2 }
.vr-on { paint-order: stroke; stroke: rgba(128,128,128,.35); stroke-width: 4px }
.vr-trip { stroke: #1976d2 } .vr-tip { fill: #1976d2 }
.vr-grid { display: grid; gap: 12px; width: 100%;
  grid-template-columns: repeat(auto-fill, minmax(var(--vr-least, 360px), 1fr)) }
.vr-crop { width: 100%; height: 140px; object-fit: contain; background: rgba(128,128,128,.15); border-radius: 6px }
a.vr-link { color: inherit; text-decoration: underline }
:focus-visible { outline: 3px solid #1976d2; outline-offset: 2px }
.vr-skip { position: absolute; left: -999px } .vr-skip:focus { left: 8px; top: 8px; z-index: 9999;
  background: #fff; color: #000; padding: 8px }
"""
#: Cookie that keeps a browser's choice; without it the system's setting counts.
_THEME = "vreid_theme"
_THEME_SCRIPT = f"""
<script>
window.vreidTheme = () => {{ const dark = !document.body.classList.contains('body--dark');
  document.cookie = '{_THEME}=' + (dark ? 'dark' : 'light') + '; path=/; max-age=31536000; samesite=strict';
  Quasar.Dark.set(dark); }};
</script>
"""


def may_correct(request: Request) -> bool:
    """Whether who asks may change something."""
    return visitor_of(request).role.may(Role.OPERATOR)


@contextmanager
def frame(title: str, path: str, site: Site, *, can_log_out: bool = False) -> Iterator[None]:
    """A page's surroundings.

    Args:
        title: Of the page; its heading.
        path: Which entry of the navigation it belongs to.
        site: For the notice that the matcher is away.
        can_log_out: Show the way out.
    """
    ui.page_title(f"{title} · vreid")
    ui.colors(primary=_PRIMARY)
    ui.dark_mode({"dark": True, "light": False}.get(ui.context.client.request.cookies.get(_THEME, "")))
    ui.add_css(_STYLE)
    ui.add_head_html(_THEME_SCRIPT)
    ui.html(f'<a class="vr-skip" href="#content">{_("Skip to content")}</a>', sanitize=False)
    with ui.header(elevated=True).classes("items-center q-px-md q-py-xs gap-1").props('role="banner"'):
        ui.label("vreid").classes("text-h6 q-mr-md")
        with ui.element("nav").props(f'aria-label="{_("Pages")}"').classes("row items-center"):
            for target, name, icon in PAGES:
                button = ui.button(name, icon=icon).props(f'flat no-caps color=white href="{target}" type=a')
                if target == path:
                    button.props('aria-current="page"').classes("bg-white/20")
        ui.space()
        ui.button(icon="contrast").props(f'flat round color=white aria-label="{_("Dark or light")}"').on(
            "click", js_handler="() => window.vreidTheme()"
        )
        if can_log_out:
            ui.button(icon="logout").props(f'flat round color=white href="/logout" type=a aria-label="{_("Log out")}"')
    with ui.column().classes("w-full q-pa-sm").props('id="content" role="main"'):
        with ui.row().classes("bg-warning text-black q-pa-sm rounded w-full") as away:
            ui.label(_("The matcher does not answer; what is shown may be old."))
        away.bind_visibility_from(site, "reachable", backward=lambda reachable: not reachable)
        ui.label(title).classes("text-h5").props('role="heading" aria-level="1"')
        yield


def told(exc: VreidError) -> None:
    """Shows a failure in one line."""
    ui.notify(" ".join(str(exc).split()), type="negative", timeout=8000, close_button=_("Close"))
