"""The catalogue keeps its promises, and documentation, dashboards and alerts name nothing that is not in it."""

import json
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from services.observability import catalogue, instruments
from services.observability.catalogue import ALL, markdown
from services.observability.instruments import counter, family, histogram

ROOT = Path(__file__).parents[4]
DEPLOY = ROOT / "deploy/observability"
NAME = re.compile(r"\bvreid_[a-z0-9_]+")
#: What grows with the vehicles seen.
UNBOUNDED = {"identity_id", "sighting_id", "track_id", "session_id", "request_id", "url", "path", "token"}
UNITS = ("seconds", "bytes", "info", "total")


def expressions():
    for path in sorted((DEPLOY / "grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]
    for group in yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def test_names_are_unique_and_follow_the_house():
    names = [metric.name for metric in ALL]
    assert len(set(names)) == len(names) > 50
    for metric in ALL:
        assert re.fullmatch(r"vreid(_[a-z0-9]+){2,}", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.help.endswith((".", ")", "once", "0.")) or metric.help[-1].isalnum()
        assert "\n" not in metric.help
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert list(metric.buckets) == sorted(set(metric.buckets))


@pytest.mark.parametrize("kind", ["counter", "histogram"])
def test_threads_that_are_first_to_ask_get_the_same(kind, monkeypatch):
    name = kind.capitalize()
    make = getattr(instruments, name)

    def slowly(*given, **named):
        time.sleep(0.05)
        return make(*given, **named)

    monkeypatch.setattr(instruments, name, slowly)
    metric = catalogue.Metric(f"vreid_test_first_{kind}_total", kind, "Made by nobody else.", (), (1.0, 2.0))
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(getattr(instruments, kind), metric) for _ in range(8)]
    made = {id(one.result()) for one in asked}
    instruments.REGISTRY.unregister(getattr(instruments, kind)(metric))
    assert len(made) == 1


def test_no_label_grows_with_what_is_seen():
    assert not {label for metric in ALL for label in metric.labels} & UNBOUNDED


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_every_metric_can_be_exposed(metric):
    if metric.kind == "histogram":
        assert histogram(metric) is histogram(metric)
        with pytest.raises(ValueError, match="is a histogram"):
            family(metric, [])
    else:
        made = family(metric, [(tuple("x" for _ in metric.labels), 3.0)])
        assert [(sample.name, sample.value) for sample in made.samples] == [(metric.name, 3.0)]
    if metric.kind != "counter":
        with pytest.raises(ValueError, match=metric.name):
            counter(metric)


def test_every_metric_is_counted_somewhere():
    constants = {name for name, value in vars(catalogue).items() if isinstance(value, catalogue.Metric)}
    code = "\n".join(path.read_text() for path in (ROOT / "services").rglob("*.py") if path.name != "catalogue.py")
    assert {name for name in constants if f"catalogue.{name}" not in code} == set()


def test_the_documentation_holds_the_catalogue():
    text = (ROOT / "docs/observability.md").read_text()
    begin, end = "<!-- catalogue -->\n", "<!-- /catalogue -->"
    assert text.partition(begin)[2].partition(end)[0].strip() == markdown().strip()
    for metric in ALL:
        assert markdown().count(f"`{metric.name}`") == 1


@pytest.mark.parametrize(("where", "expression"), list(expressions()), ids=[where for where, _ in expressions()])
def test_dashboards_and_alerts_name_metrics_that_exist(where, expression):
    series = {name for metric in ALL for name in metric.series}
    assert set(NAME.findall(expression)) <= series
    labels = {label for metric in ALL for label in metric.labels} | {"le", "job", "instance"}
    for group in re.findall(r"by \(([^)]*)\)", expression):
        assert {label.strip() for label in group.split(",")} - {""} <= labels
    for group in re.findall(r"\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", group)) <= labels


def test_dashboards_are_current():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/dashboards.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", sorted((DEPLOY / "grafana").glob("*.json")), ids=lambda path: path.stem)
def test_panels_have_a_place_of_their_own(path):
    taken = set()
    for panel in json.loads(path.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells


def test_every_alert_says_what_it_means():
    alerts = [
        rule for group in yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
    ]
    assert len({rule["alert"] for rule in alerts}) == len(alerts)
    documented = (ROOT / "docs/observability.md").read_text()
    for rule in alerts:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
        assert f"`{rule['alert']}`" in documented


def test_alerts_fire_when_they_should():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian: prometheus) is not installed; names are checked without it")
    for arguments in (["check", "rules", "alerts.yaml"], ["check", "config", "prometheus.yaml"]):
        subprocess.run([promtool, *arguments], cwd=DEPLOY, check=True, capture_output=True)
    done = subprocess.run(
        [promtool, "test", "rules", "alerts.test.yaml"], cwd=DEPLOY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
