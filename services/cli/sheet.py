"""An answer as a page of pictures in one HTML file that needs nothing else. Writes and opens it; asks nobody."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from pathlib import Path

from services.cli.remote import time_span
from services.matcher.types import SearchAnswer
from services.types import Match

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem; }
h1 { font-size: 1.15rem; font-weight: 600; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem; }
figure { margin: 0; border: 1px solid #8884; border-radius: .5rem; overflow: hidden; }
figure img, figure .none { width: 100%; height: 10rem; object-fit: contain; background: #8882; display: block; }
figure .none { display: grid; place-items: center; opacity: .6; }
figcaption { padding: .5rem .7rem .7rem; overflow-wrap: anywhere; }
meter { width: 100%; }
small { opacity: .7; }
.query { max-width: 16rem; margin-bottom: 1.2rem; }
"""


def sheet(query: bytes, answer: SearchAnswer, picture_of: Callable[[str], bytes | None], title: str) -> str:
    """The page.

    Args:
        query: The picture that was asked with.
        answer: What was found.
        picture_of: A sighting's picture as JPEG, None where there is none.
        title: Names the query.
    """
    cards = "\n".join(
        _card(place, match, picture_of(match.sighting_id)) for place, match in enumerate(answer.matches, 1)
    )
    found = f"{len(answer.matches)} matches" if answer.matches else "Nothing in the gallery answers to that."
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>"
        f'<figure class="query">{_image(query, "the query")}<figcaption>asked with</figcaption></figure>'
        f'<p>{found}</p><div class="sheet">{cards}</div></html>\n'
    )


def _card(place: int, match: Match, picture: bytes | None) -> str:
    shown = _image(picture, f"match {place}") if picture else '<div class="none">no picture kept</div>'
    seen = html.escape(time_span(match.first_seen_ns, match.last_seen_ns))
    identity = html.escape(match.identity_id or "(no decision yet)")
    return (
        f"<figure>{shown}<figcaption><b>{place}. {html.escape(match.camera_id)}</b><br>{seen}"
        f'<meter min="0" max="1" value="{match.probability:.3f}"></meter>'
        f"similarity {match.similarity:.2f} ({match.probability:.0%}), posterior {match.posterior:.0%}<br>"
        f"<small>{identity}</small></figcaption>"
        "</figure>"
    )


def _image(data: bytes, alt: str) -> str:
    # Browsers look at the bytes, not at what they are called.
    return f'<img alt="{alt}" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'


def write_sheet(path: Path, page: str) -> None:
    """Writes a page, readable by its owner only: it shows vehicles.

    Raises:
        OSError: It cannot be written.
    """
    path.touch(mode=0o600)
    path.write_text(page, encoding="utf-8")
