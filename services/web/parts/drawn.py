"""A part of a page that is drawn as text, and what a click or a tick in it does. Knows no page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from itertools import count

from nicegui import events, ui

from services.web.parts.markup import Html

#: Takes what it is about, and whether a box is ticked now.
Act = Callable[[str, bool], Awaitable[None] | None]

#: One listener for all of the part: a button tells of clicks, a box of changes; one box may stand for others.
_TELL = """(event) => {
  const at = event.target.closest('[data-act]');
  if (!at || at.disabled || (event.type === 'change') !== (at.type === 'checkbox')) return;
  if (at.dataset.all) at.closest('table').querySelectorAll(`input[data-act="${at.dataset.all}"]`)
    .forEach(box => { box.checked = at.checked; });
  emit([at.dataset.act, at.dataset.of ?? '', at.checked ?? false]);
}"""


class Drawn:
    """Markup at this place of the page.

    Attributes:
        element: Where it stands, to be given classes and properties.
    """

    def __init__(self, acts: Mapping[str, Act] | None = None) -> None:
        """Shows nothing yet.

        Args:
            acts: What is done by name, where an element's ``data-act`` names it; ``data-of`` says with what.
        """
        self.element = ui.html("", sanitize=False)
        self._acts = dict(acts or {})
        self._drawings = count()
        if acts:
            for kind in ("click", "change"):
                self.element.on(kind, self._told, js_handler=_TELL)

    def show(self, markup: Html) -> None:
        """Draws it anew, boxes as the markup has them."""
        # The browser leaves alone what reads as before, in which somebody may have ticked a box.
        self.element.content = f"{markup}<!--{next(self._drawings)}-->"

    def _told(self, event: events.GenericEventArguments) -> Awaitable[None] | None:
        match event.args:
            case [str(act), str(of), bool(ticked)] if act in self._acts:
                return self._acts[act](of, ticked)
        return None
