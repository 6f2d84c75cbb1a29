"""Markup that pages draw: nothing that was said elsewhere becomes an element, and only known acts are done."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.store import IdentityRecord
from services.matcher.types import IdentityDetail
from services.types import Match
from services.web.drawing import clock, clock_span
from services.web.parts import drawn as drawn_module
from services.web.parts.cards import identity_card, match_card
from services.web.parts.drawn import Drawn
from services.web.parts.markup import Html, cells, early_picture, joined, stored_picture, tag, tick_box


class Seen(HTMLParser):
    """Elements, attributes and text as a browser takes them."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, name, attributes):
        self.tags.append(name)
        self.attributes += attributes

    def handle_data(self, data):
        self.text += data


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))))
def test_what_was_said_elsewhere_stays_text(said):
    seen = Seen(tag("td", said, title=said))
    assert seen.tags == ["td"]
    assert seen.text == said
    assert seen.attributes == [("title", said)]


def test_markup_inside_markup_stands_as_it_is():
    assert joined("<", tag("b", "x"), Html("<i></i>")) == "&lt;<b>x</b><i></i>"
    assert cells("a", tag("b", "c")) == "<td>a</td><td><b>c</b></td>"
    assert "</img>" not in stored_picture("s-1", 'a "quote"')


def test_a_picture_that_is_fetched_early_is_the_one_that_is_shown():
    early, shown = Seen(early_picture("s-1")), Seen(stored_picture("s-1", "a"))
    assert early.tags == ["link"]
    assert dict(early.attributes)["href"] == dict(shown.attributes)["src"]
    assert "</link>" not in early_picture("s-1")


def test_a_box_is_ticked_or_not():
    assert " checked" in tick_box("Choose a", "choose", "a", ticked=True)
    assert " checked" not in tick_box("Choose a", "choose", "a")
    assert "data-all" not in tick_box("Choose a", "choose", "a")


EVIL = '"><script>alert(1)</script>'


@pytest.mark.parametrize(
    "card",
    [
        identity_card(IdentityDetail(IdentityRecord(EVIL, (), (EVIL,), 0, 1, EVIL), 1, (), EVIL)),
        match_card(Match(EVIL, EVIL, EVIL, 0, 1, 0.5, 1.5, {}), "not"),
    ],
    ids=["identity", "match"],
)
def test_cards_show_names_and_run_nothing(card):
    seen = Seen(card)
    assert "script" not in seen.tags
    assert EVIL in seen.text


class Element:
    """What stands at the place of a page."""

    def __init__(self, *_args, **_more):
        self.content, self.listens = "", {}

    def on(self, kind, handler, js_handler):
        self.listens[kind] = handler


@pytest.fixture
def part(monkeypatch):
    monkeypatch.setattr(drawn_module, "ui", SimpleNamespace(html=Element))
    done = []
    part = Drawn({"choose": lambda of, ticked: done.append((of, ticked))})
    part.done = done
    return part


def test_an_act_is_done_with_what_it_is_about(part):
    for kind in ("click", "change"):
        part.element.listens[kind](SimpleNamespace(args=["choose", "a", True]))
    assert part.done == [("a", True), ("a", True)]


@pytest.mark.parametrize(
    "args", [["drop", "a", True], ["choose", 5, True], ["choose", "a"], "choose", None, [[], "a", 1]]
)
def test_what_no_page_would_send_does_nothing(part, args):
    assert part.element.listens["click"](SimpleNamespace(args=args)) is None
    assert part.done == []


def test_drawing_the_same_again_undoes_what_was_ticked_meanwhile(part):
    part.show(tag("b", "x"))
    before = part.element.content
    part.show(tag("b", "x"))
    assert part.element.content != before
    assert Seen(before).text == Seen(part.element.content).text == "x"


def test_a_part_without_acts_listens_to_nothing(monkeypatch):
    monkeypatch.setattr(drawn_module, "ui", SimpleNamespace(html=Element))
    assert Drawn().element.listens == {}


DAY_NS = 86_400 * 10**9


def test_moments_say_their_date_where_it_is_another_one():
    now_ns = time.time_ns()
    assert len(clock(now_ns)) == len("12:00:00")
    assert len(clock(now_ns - 2 * DAY_NS)) == len("2026-01-01 12:00:00")
    assert len(clock(now_ns, date=True)) == len("2026-01-01 12:00:00")
    assert clock_span(0, 2 * DAY_NS) == f"{clock(0)} - {clock(2 * DAY_NS)}"
    assert clock_span(0, 1) == f"{clock(0)} - {clock(1, beside_ns=0)}"
    assert clock_span(now_ns, now_ns, date=True) == f"{clock(now_ns, date=True)} - {clock(now_ns, beside_ns=now_ns)}"
