"""What a supervisor tells a scrape about its roles. Starts and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric as Family

from services.observability import catalogue
from services.observability.instruments import family
from services.supervisor.memory import memory_of
from services.supervisor.supervisor import Supervisor


def supervisor_families(supervisor: Supervisor) -> Iterator[Family]:
    """Values as of the supervisor's last look at its children."""
    status = supervisor.status()
    yield family(catalogue.ROLE_UP, [((name,), float(role.state == "up")) for name, role in status.items()])
    yield family(catalogue.RESTARTS, [((name,), role.restarts) for name, role in status.items()])
    yield family(
        catalogue.ROLE_MEMORY,
        [((name,), memory_of([role.pid]).pss_bytes) for name, role in status.items() if role.pid is not None],
    )
