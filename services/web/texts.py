"""Every text of the console goes through here, so that it can be translated. Holds no text itself.

The texts stand in the code in English, marked with ``_``; ``locale/vreid.pot`` lists them all. A translation is a
compiled catalogue ``locale/<language>/LC_MESSAGES/vreid.mo``; the server's LANGUAGE or LANG says which is taken.
"""

from __future__ import annotations

import gettext
from pathlib import Path

LOCALE = Path(__file__).with_name("locale")

_translations = gettext.translation("vreid", LOCALE, fallback=True)

#: What the texts are in, as BCP 47 writes it.
LANGUAGE = _translations.info().get("language", "en").replace("_", "-") or "en"


def _(text: str) -> str:
    """A text in the language of the server; as it stands where there is no translation.

    >>> _("Search")
    'Search'
    """
    return _translations.gettext(text)


def counted(one: str, many: str, number: int) -> str:
    """A text with a number, in the form that the number asks for; ``{n}`` stands for it.

    >>> counted("{n} alert", "{n} alerts", 1), counted("{n} alert", "{n} alerts", 2000)
    ('1 alert', '2,000 alerts')
    """
    return _translations.ngettext(one, many, number).format(n=f"{number:,}")
