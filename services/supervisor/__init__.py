"""Keeps the roles of one machine running: starts, restarts, stops them. Knows nothing of what they do."""

from services.supervisor.memory import Memory, memory_of
from services.supervisor.role import Role, RoleStatus
from services.supervisor.runfile import RunInfo, read_run
from services.supervisor.supervisor import Supervisor

__all__ = ["Memory", "Role", "RoleStatus", "RunInfo", "Supervisor", "memory_of", "read_run"]
