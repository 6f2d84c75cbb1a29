"""docs/city/serving.md: every script in it is one, and every kind and key is told."""

import re
from pathlib import Path

import pytest
import yaml

from simulator.city import load_city
from simulator.rtsp.faults.kinds import KINDS, Fault
from simulator.rtsp.faults.schedule import RandomFaults
from simulator.rtsp.faults.script import FaultScript, parse_script, plan_for

TEXT = (Path(__file__).parents[4] / "docs/city/serving.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
CAMERAS = tuple(camera.id for camera in load_city(verify=False).cameras)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_plays_on_the_bundled_city(script):
    plan = plan_for(parse_script(yaml.safe_load(script)), CAMERAS)
    assert plan.schedule.next_edge_s(-1.0) is not None


def test_every_kind_and_key_is_told():
    assert len(SCRIPTS) >= 3
    for name, kind in KINDS.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", TEXT, re.MULTILINE)
        own = set(kind.model_fields) - set(Fault.model_fields) - {"seed"}
        assert {key for key in own if f"`{key}" not in row} == set(), name
    keys = {*Fault.model_fields, *RandomFaults.model_fields, *FaultScript.model_fields, "seed"}
    assert {key for key in keys if not re.search(rf"\b{key}\b", TEXT)} == set()


def test_every_example_of_python_imports_what_there_is():
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    compile(code, "serving.md", "exec")
    exec(code.split("async def")[0], {})
