"""HTML of what pages show many of: rows, cards, tables. Pure text, escaped where it is not markup; makes no element.

Every element of the toolkit costs the server and the browser a good part of a millisecond; text costs neither.
"""

from __future__ import annotations

from html import escape

_ENDLESS = {"img", "input", "link"}


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, /, *content: str, **attributes: object) -> Html:
    """An element with what is in it.

    Args:
        name: Of the element.
        content: Markup as it stands, any other text escaped.
        attributes: By name, ``_`` for ``-`` and at the end for names that Python has; None and False leave one out.

    >>> tag("a", "<b>", Html("<i></i>"), href="/?a=1&b=2", class_="vr-link", hidden=True, data_of=None)
    '<a href="/?a=1&amp;b=2" class="vr-link" hidden>&lt;b&gt;<i></i></a>'
    """
    said = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if name in _ENDLESS:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{joined(*content)}</{name}>")


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def joined(*content: str) -> Html:
    """Several pieces as one.

    >>> joined("a&b", tag("br-", "c"))
    'a&amp;b<br->c</br->'
    """
    return Html("".join(piece if isinstance(piece, Html) else escape(piece) for piece in content))


def icon(name: str) -> Html:
    """A picture of the toolkit's; says nothing by itself."""
    return tag("i", name, class_="q-icon notranslate material-icons", aria_hidden="true")


def dot(colour: str) -> Html:
    """A spot of a colour, in CSS."""
    return tag("span", class_="vr-dot", style=f"background: {colour}")


def badge(text: str) -> Html:
    """A word in a frame."""
    return tag("span", text, class_="q-badge q-badge--outline text-primary")


def link(text: str, href: str) -> Html:
    """Text that leads somewhere."""
    return tag("a", text, href=href, class_="vr-link")


def link_button(text: str, picture: str, href: str) -> Html:
    """A link that looks like a button."""
    return tag("a", icon(picture), text, href=href, class_="vr-button")


def act_button(text: str, picture: str, act: str, of: str) -> Html:
    """A button; see `services.web.parts.drawn` for what it does."""
    return tag("button", icon(picture), text, type="button", class_="vr-button", data_act=act, data_of=of)


def tick_box(name: str, act: str, of: str = "", *, ticked: bool = False, for_all: str | None = None) -> Html:
    """A box to tick.

    Args:
        name: For assistive technology.
        act: What ticking does; see `services.web.parts.drawn`.
        of: What it is about.
        ticked: It is.
        for_all: The act of the boxes of the same table that are ticked with it.
    """
    return tag(
        "input",
        type="checkbox",
        class_="vr-tick",
        aria_label=name,
        data_act=act,
        data_of=of,
        data_all=for_all,
        checked=ticked,
    )


def stored_picture(sighting_id: str, alt: str, *, small: bool = False) -> Html:
    """A stored picture of a sighting."""
    shape = "vr-crop vr-small" if small else "vr-crop"
    return tag("img", class_=shape, src=picture_source(sighting_id), alt=alt, loading="lazy")


def early_picture(sighting_id: str) -> Html:
    """For the head of a page: a stored picture that is in view at first, fetched before the page is put together."""
    return tag("link", rel="preload", as_="image", href=picture_source(sighting_id))


def picture_source(sighting_id: str) -> str:
    """Where the best stored picture of a sighting is had."""
    return f"/media/picture/{sighting_id}/0"


def table_of(name: str, columns: tuple[str, ...], rows: Html) -> Html:
    """A table.

    Args:
        name: For assistive technology.
        columns: Headings; one that is markup stands as it is.
        rows: Elements ``tr``.
    """
    heads = joined(*(tag("th", column, scope="col") for column in columns))
    return tag("table", tag("thead", tag("tr", heads)), tag("tbody", rows), class_="vr-table", aria_label=name)


def cells(*texts: str) -> Html:
    """Cells of a row."""
    return joined(*(tag("td", text) for text in texts))
