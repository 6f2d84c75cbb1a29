"""The page: well formed, self-contained, escaped, the same every time; with the pictures of failures."""

import base64
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from ranking_oracles import unit

from reid.data import Sample
from reid.evaluation import Pictures, Plan, evaluate
from reid.evaluation.reliability import reliability
from reid.evaluation.report import Subject, write_report
from reid.evaluation.report.curve import reliability_svg
from reid.evaluation.report.thumbnails import HEIGHT_PX, WIDTH_PX, data_url
from reid.types import Calibration

VOID = {"meta", "img", "br"}


class Balanced(HTMLParser):
    """Complains when an element is closed that is not open."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def judged(tmp_path):
    rng = np.random.default_rng(0)
    samples = []
    for vehicle in range(6):
        for camera in range(2):
            path = tmp_path / f"{vehicle}_{camera}.png"
            cv2.imwrite(str(path), rng.integers(0, 256, (90, 300, 3), dtype=np.uint8))
            samples.append(Sample(path, "own", f"<{vehicle}&", f"{camera}", "car"))
    pool = Pictures(tuple(samples), unit(rng.normal(size=(12, 8))))
    found = evaluate(pool, pool, Plan("cross-camera", calibration=Calibration(10.0, -3.0), failures=4))
    subject = Subject("net <b>", "0" * 64, "folder & more", pool.samples, pool.samples, (Path("broken<.jpg"),))
    return found, subject


def test_the_page_is_well_formed_and_loads_nothing(judged, tmp_path):
    write_report(tmp_path / "report.html", *judged)
    text = (tmp_path / "report.html").read_text()
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert {"svg", "table", "figure", "style"} <= set(parser.seen)
    assert "script" not in parser.seen
    assert set(re.findall(r'src="([a-z]+):', text)) == {"data"}
    assert "http" not in text
    for name in ("net &lt;b&gt;", "folder &amp; more", "&lt;0&amp;", "broken&lt;.jpg", "cross-camera", "Reliability"):
        assert name in text
    write_report(tmp_path / "again.html", *judged)
    assert (tmp_path / "again.html").read_text() == text
    assert not list(tmp_path.glob("*.part"))


def test_every_failure_shows_query_wrong_and_right(judged, tmp_path):
    found, _ = judged
    write_report(tmp_path / "report.html", *judged)
    blocks = (tmp_path / "report.html").read_text().split('<div class="failure">')[1:]
    assert len(blocks) == len(found.failures) > 0
    for block in blocks:
        for style in ("query", "wrong", "right"):
            assert f'<figure class="{style}"' in block


def test_thumbnails_are_small_and_a_lost_picture_is_said_to_be_lost(judged, tmp_path):
    found, subject = judged
    sample = subject.query[0]
    encoded = base64.b64decode(data_url(sample.path).partition(",")[2])
    height, width = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    assert (width <= WIDTH_PX, height <= HEIGHT_PX) == (True, True)
    assert width / height == pytest.approx(300 / 90, rel=0.05)
    for failure in found.failures:
        subject.query[failure.row].path.unlink()
    write_report(tmp_path / "report.html", *judged)
    assert "unreadable</span>" in (tmp_path / "report.html").read_text()


def test_names_that_are_not_utf8_do_not_keep_the_page_from_being_written(judged, tmp_path):
    found, subject = judged
    odd = os.fsdecode(b"caf\xe9")
    subject = replace(subject, data=odd, unreadable=(tmp_path / f"{odd}.jpg",))
    write_report(tmp_path / "report.html", found, subject)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "net &lt;b&gt; on caf?" in text
    assert "<li>caf?.jpg</li>" in text


def test_the_curve_has_a_dot_per_bin():
    svg = reliability_svg(reliability(np.array([0.05, 0.55, 0.95]), np.array([False, True, True])))
    assert svg.count("<circle") == 3
    parser = Balanced()
    parser.feed(svg)
    assert parser.open == []
