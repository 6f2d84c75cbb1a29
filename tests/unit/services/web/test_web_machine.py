"""What the console knows of its machine: processes of the data folder, disk, and the doctor's rows."""

from __future__ import annotations

import asyncio
import os

from services.identity.store import CameraRecord
from services.supervisor.runfile import ProcessRef, RunInfo, started_at, write_run
from services.web.machine import Machine, checks_of
from services.web.pages.system import camera_cells, span


def test_processes_are_those_of_the_data_folder(tmp_path):
    machine = Machine(tmp_path)
    assert machine.processes() == []
    me = ProcessRef(os.getpid(), started_at(os.getpid()))
    write_run(tmp_path, RunInfo(me, {"web": me, "matcher": ProcessRef(2**22 + 1, 7)}, {}))
    supervisor, matcher, web = machine.processes()
    assert (supervisor.role, supervisor.alive, matcher.role, matcher.alive) == ("supervisor", True, "matcher", False)
    assert web.memory_mb > 1
    assert matcher.memory_mb == 0
    free_gb, total_gb = machine.disk()
    assert 0 < free_gb <= total_gb
    assert Machine(tmp_path / "not" / "yet").disk()[1] == total_gb


def test_the_doctor_is_run_and_what_it_cannot_say_is_told(tmp_path):
    broken = tmp_path / "config.yaml"
    broken.write_text("nonsense: 1\n")
    ((name, status, detail),) = asyncio.run(Machine(tmp_path, broken).doctor())
    assert (name, status) == ("doctor", "failed")
    assert "nonsense" in detail


def test_rows_of_the_doctor():
    assert checks_of(b'{"checks": [{"name": "a", "status": "ok", "detail": "b"}]}') == [("a", "ok", "b")]
    advised = b'[{"name": "a", "status": "fail", "detail": "b", "advice": "do c"}]'
    assert checks_of(advised) == [("a", "fail", "b → do c")]
    assert checks_of(b"no json") == checks_of(b'"text"') == []


def test_what_the_system_page_says():
    assert span(1800 * 86_400) == "1800 days"
    assert span(0.5) == "0.5 seconds"
    camera = CameraRecord("north", "rtsp://north", "file", "down", "no answer", 0, {"frames_per_s": 9.96})
    assert camera_cells(camera) == ("north", "down", "10.0", "0.00", "0", "0", "rtsp://north", "no answer")
