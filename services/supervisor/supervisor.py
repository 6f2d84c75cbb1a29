"""Starts the roles in order, restarts what dies, stops in reverse order. One supervisor per data folder."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.errors import ConfigError, Interrupted, Unavailable, VreidError
from services.supervisor.memory import Memory, memory_of
from services.supervisor.process import RoleProcess
from services.supervisor.role import Role, RoleStatus, State
from services.supervisor.runfile import DataDirLock, ProcessRef, RunInfo, end_leftovers, started_at, write_run

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
_HEALTHY_AFTER_S = 10.0
_POLL_S = 0.05


@dataclass(slots=True)
class _Child:
    role: Role
    state: State = "waiting"
    process: RoleProcess | None = None
    restarts: int = 0
    exit_code: int | None = None
    quick_deaths: int = 0
    due_s: float = 0.0


class Supervisor:
    """Keeps roles running.

    Call ``start``, ``poll`` and ``run`` from one thread that lives as long as this process: the children die with it.

    Args:
        roles: In the order in which they start.
        data_dir: Gets ``lock``, ``run.json`` and ``logs/<name>.log``.
        addresses: Where what runs can be reached, by name, for ``run.json``.
        seed: Of the jitter.
        stop: Set when the whole is to end; ``start`` and ``add`` then wait no longer.
    """

    def __init__(
        self,
        roles: Sequence[Role],
        data_dir: Path,
        addresses: Mapping[str, str] | None = None,
        seed: int | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        names = [role.name for role in roles]
        if len(set(names)) != len(names):
            raise ValueError(f"roles must have different names, got {names}")
        self._children = {role.name: _Child(role) for role in roles}
        self._data_dir = data_dir.resolve()
        self._addresses = dict(addresses or {})
        self._random = random.Random(seed)
        self._told = stop or threading.Event()
        self._lock = DataDirLock(self._data_dir)

    def log_path(self, name: str) -> Path:
        """Where a role's output goes."""
        return self._data_dir / "logs" / f"{name}.log"

    def acquire(self) -> None:
        """Takes the data folder, and ends what a killed supervisor may have left running there.

        Raises:
            ConfigError: Another supervisor runs on the data folder.
        """
        if not self._lock.held:
            self._lock.acquire()
            end_leftovers(self._data_dir)

    def start(self) -> None:
        """Takes the data folder and starts all roles, each once those before it are ready.

        Raises:
            ConfigError: Another supervisor runs on the data folder.
            Unavailable: A role ended or was not ready in time; everything was stopped again.
            Interrupted: It was told to stop meanwhile; likewise.
        """
        self.acquire()
        try:
            self.log_path("x").parent.mkdir(exist_ok=True)
            for child in self._children.values():
                self._spawn(child)
                self._wait_ready(child)
        except BaseException:
            self.stop()
            raise

    def add(self, role: Role) -> None:
        """Starts one more role and waits until it is ready; call ``start`` before.

        Raises:
            ValueError: There is a role of that name.
            Unavailable: It ended or was not ready in time; the others go on.
            Interrupted: It was told to stop meanwhile.
        """
        if role.name in self._children:
            raise ValueError(f"there is a role {role.name} already")
        child = self._children[role.name] = _Child(role)
        self._spawn(child)
        self._wait_ready(child)

    def stop_role(self, name: str) -> None:
        """Stops one role within its time and leaves it stopped; does nothing when it does not run.

        Raises:
            KeyError: There is no role of that name.
        """
        child = self._children[name]
        if child.process is not None:
            child.exit_code = child.process.stop()
            child.process = None
        if child.state not in ("done", "failed"):
            child.state = "stopped"
        if self._lock.held:
            self._write_run()

    def _wait_ready(self, child: _Child) -> None:
        deadline = time.monotonic() + child.role.ready_timeout_s
        while child.state in ("starting", "backoff"):
            self.poll()
            if child.state in ("starting", "backoff"):
                if time.monotonic() > deadline:
                    raise Unavailable(self._complaint(child, f"was not ready in {child.role.ready_timeout_s:.0f} s"))
                if self._told.wait(0.01):
                    raise Interrupted(f"told to stop while {child.role.name} started")
        if child.state == "failed":
            raise Unavailable(self._complaint(child, f"ended with exit code {child.exit_code}"))

    def _complaint(self, child: _Child, what: str) -> str:
        path = self.log_path(child.role.name)
        lines = path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"{child.role.name} {what}{': ' + last[:300] if last else ''} (log: {path})"

    def _spawn(self, child: _Child) -> None:
        try:
            child.process = RoleProcess(child.role, self.log_path(child.role.name))
        except OSError as exc:
            raise ConfigError(f"cannot start {child.role.name}: {exc.strerror}") from exc
        child.state = "starting"
        self._write_run()

    def poll(self) -> None:
        """Looks at all children once: notes who died or became ready, and restarts whose pause is over."""
        now_s = time.monotonic()
        for child in self._children.values():
            if child.process is not None:
                code = child.process.poll()
                if code is not None:
                    self._note_end(child, code, now_s)
                elif child.state == "starting" and _says_ready(child.role):
                    child.state = "up"
            elif child.state == "backoff" and now_s >= child.due_s:
                child.restarts += 1
                try:
                    self._spawn(child)
                except ConfigError as exc:  # It could be started once: the machine is out of something.
                    log.warning("%s", exc)
                    self._back_off(child, now_s)

    def _note_end(self, child: _Child, code: int, now_s: float) -> None:
        lived_s = now_s - child.process.started_s if child.process is not None else 0.0
        child.process, child.exit_code = None, code
        if code == 0 and child.role.restart != "always":
            child.state = "done"
            log.info("%s is done", child.role.name)
        elif child.role.restart == "never":
            child.state = "failed"
            log.error("%s", self._complaint(child, f"ended with exit code {code}"))
        else:
            if lived_s >= _HEALTHY_AFTER_S:
                child.quick_deaths = 0
            self._back_off(child, now_s)
            log.warning("%s ended with exit code %d after %.1f s: restarting", child.role.name, code, lived_s)
        self._write_run()

    def _back_off(self, child: _Child, now_s: float) -> None:
        """Lets a role wait before it is started again, longer each time."""
        child.quick_deaths += 1
        pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(child.quick_deaths - 1, 20))
        child.state, child.due_s = "backoff", now_s + pause_s * self._random.uniform(0.5, 1.5)

    def run(self, stop: threading.Event) -> None:
        """Polls until ``stop`` is set or no role is left that runs or will; stopping them is the caller's."""
        while not self.finished() and not stop.wait(_POLL_S):
            self.poll()

    def finished(self) -> bool:
        """Whether no role runs or will be restarted."""
        return all(child.state in ("done", "failed", "stopped") for child in self._children.values())

    def stop(self) -> None:
        """Stops all roles in reverse order, each with its own time, and gives the data folder back."""
        for name in reversed(self._children):
            self.stop_role(name)
        if self._lock.held:
            (self._data_dir / "run.json").unlink(missing_ok=True)
            self._lock.release()

    def status(self) -> dict[str, RoleStatus]:
        """How each role fares, in the order of starting, as of the last poll."""
        return {
            name: RoleStatus(
                pid=None if child.process is None else child.process.pid,
                state=child.state,
                restarts=child.restarts,
                exit_code=child.exit_code,
            )
            for name, child in list(self._children.items())
        }

    def publish(self, name: str, address: str) -> None:
        """Adds an address to ``run.json``."""
        self._addresses[name] = address
        self._write_run()

    def memory(self) -> Memory:
        """Memory of all children together with this process."""
        return memory_of([os.getpid()])

    def _write_run(self) -> None:
        pids = {name: child.process.pid for name, child in self._children.items() if child.process is not None}
        roles = {name: ProcessRef(pid, started_at(pid)) for name, pid in pids.items()}
        try:
            write_run(self._data_dir, RunInfo(ProcessRef(os.getpid(), started_at(os.getpid())), roles, self._addresses))
        except OSError as exc:  # A full disk must not end those who look after what runs.
            log.warning("cannot write down what runs: %s", exc)


def _says_ready(role: Role) -> bool:
    if role.ready is None:
        return True
    try:
        return role.ready()
    except (VreidError, OSError):
        log.debug("asking %s whether it is ready failed", role.name, exc_info=True)
        return False
