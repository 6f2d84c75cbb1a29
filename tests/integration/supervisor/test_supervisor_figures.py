"""What a supervisor tells a scrape about its roles."""

from services.supervisor import Supervisor
from services.supervisor.exposition import supervisor_families


def test_roles_that_run_die_and_come_back_show(python_role, eventually, tmp_path):
    mark = tmp_path / "died-once"
    once = f"import os, time; p={str(mark)!r}; d=os.path.exists(p); open(p,'w').close(); d and time.sleep(600)"
    supervisor = Supervisor(
        [python_role("steady", "import time; time.sleep(600)"), python_role("weak", once, restart="always")], tmp_path
    )
    supervisor.start()

    def values():
        supervisor.poll()
        return {(s.name, s.labels["role"]): s.value for f in supervisor_families(supervisor) for s in f.samples}

    try:
        eventually(lambda: values()["vreid_supervisor_restarts_total", "weak"] >= 1)
        eventually(lambda: values()["vreid_supervisor_role_up", "weak"] == 1)
        told = values()
        assert told["vreid_supervisor_role_up", "steady"] == 1
        assert told["vreid_supervisor_restarts_total", "steady"] == 0
        assert told["vreid_supervisor_role_memory_bytes", "steady"] > 10_000
    finally:
        supervisor.stop()
    told = {(s.name, s.labels["role"]): s.value for f in supervisor_families(supervisor) for s in f.samples}
    assert told["vreid_supervisor_role_up", "steady"] == 0
