"""The processes of one machine, and how they start and end together. Shared by `up` and `demo`; knows no city."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType

from services.access.book import TokenBook
from services.client.beside import client_beside
from services.config import VreidConfig, dump_config, override_names
from services.errors import ConfigError, MatcherUnavailable, PortInUse, StoreUnavailable
from services.identity.embedded import EmbeddedServer
from services.identity.opening import open_store
from services.ids import uuid7
from services.ingest.settings import OWNER_VARIABLE
from services.matcher.door.listening import listener_files
from services.matcher.settings import split_address
from services.observability.endpoint import checked_token, exposed
from services.supervisor import Role, Supervisor
from services.supervisor.exposition import supervisor_families
from services.web.settings import console_access

log = logging.getLogger(__name__)

_ASK_TIMEOUT_S = 1.0


def refuse_taken_port(address: str) -> None:
    """Finds out before anything is started.

    Raises:
        PortInUse: Somebody listens there.
    """
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise PortInUse(f"cannot listen on {address}: {exc.strerror or exc}") from exc


def free_port(host: str) -> int:
    """A TCP port of this address that nobody listens on now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Machine:
    """Valkey (unless an external Redis is configured), the matcher and ingest under one supervisor.

    Args:
        config: What to run; written to ``<data_dir>/config.yaml``, which the processes read.
        once: End ingest when every camera has ended.
        stop: Once it is set, nothing more is waited for: what is being started is given up with `Interrupted`.
    """

    def __init__(self, config: VreidConfig, *, once: bool, stop: threading.Event | None = None) -> None:
        self.config = config.model_copy(update={"data_dir": config.data_dir.resolve()})
        self.once = once
        self.store = open_store(self.config.redis, self.config.data_dir, self.config.site)
        self._config_file = self.config.data_dir / "config.yaml"
        self._ingest_owner = uuid7()
        self._supervisor = Supervisor((), self.config.data_dir, _addresses(config), stop=stop)
        self._exposed = ExitStack()

    def claim(self) -> None:
        """Takes the data folder and sees that the port is free, before anything is started or written.

        Raises:
            PortInUse: The matcher's port is taken.
            ConfigError: The data folder cannot be used, another supervisor runs on it, or the matcher or the console
                may not listen where it should.
        """
        try:
            self.config.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(f"data_dir {self.config.data_dir}: {exc.strerror or exc}") from exc
        self._supervisor.acquire()
        refuse_taken_port(self.config.matcher.listen)
        # Refused here and not in a process that would be started over and over.
        listener_files(self.config.matcher, TokenBook.open(self.config.access, self.config.data_dir))
        if self.config.metrics.enabled:
            checked_token(self.config.metrics)
        if self.config.web.enabled and not self.once:
            console_access(self.config.web, self.config.access, self.config.data_dir)

    def start(self) -> None:
        """Starts everything but ingest, each part once those before it serve; call ``claim`` before.

        Raises:
            Unavailable: A process ended or did not serve in time.
        """
        dump_config(self.config, self._config_file)
        self._exposed.enter_context(exposed(self.config, "supervisor", lambda: supervisor_families(self._supervisor)))
        self._supervisor.start()
        for role in self._core_roles():
            self._supervisor.add(role)

    def add(self, role: Role) -> None:
        """Starts one more process and waits until it is ready."""
        self._supervisor.add(role)

    def start_web(self) -> str | None:
        """Starts the console unless it is switched off; on a free port where its own is taken.

        Returns:
            Its address for a browser, None where there is none.
        """
        if not self.config.web.enabled or self.once:
            return None
        listen = self.config.web.listen
        try:
            refuse_taken_port(listen)
        except PortInUse:
            host, _ = split_address(listen)
            listen = f"{host}:{free_port(host)}"
            log.warning("web.listen: %s is taken, the console listens on %s", self.config.web.listen, listen)
            web = self.config.web.model_copy(update={"listen": listen})
            self.config = self.config.model_copy(update={"web": web})
            dump_config(self.config, self._config_file)
        self._supervisor.add(self._role("web"))
        return f"http{'s' if self.config.web.has_tls else ''}://{listen}"

    def start_ingest(self) -> None:
        """Starts reading the cameras."""
        ingest = self._role("ingest", *(("--once",) if self.once else ()))
        self._supervisor.add(
            replace(
                ingest,
                # Restarted under the same name, ingest takes its cameras back without waiting for their leases to end.
                env={**ingest.env, OWNER_VARIABLE: self._ingest_owner},
                restart="on-failure",
                stop_timeout_s=self.config.ingest.drain_timeout_s + 10.0,
            )
        )

    def poll(self) -> None:
        """Restarts what died; call it several times a second."""
        self._supervisor.poll()

    def ingest_ended(self) -> bool:
        """Whether every camera has ended and everything seen is in the store."""
        return self._supervisor.status()["ingest"].state in ("done", "stopped")

    def drain_ingest(self) -> None:
        """Tells ingest to close its tracks, hand everything over and end."""
        self._supervisor.stop_role("ingest")

    def wait_decided(self, timeout_s: float, tick: Callable[[], None] = lambda: None) -> bool:
        """Waits until the associator has worked off all sightings.

        Returns:
            False when it had not within ``timeout_s``.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self.poll()
            tick()
            if not self.store.read_work(self.store.work_cursor(), 1, 1):
                return True
            time.sleep(0.1)
        return False

    def has_identities(self) -> bool:
        """Whether any vehicle has been given an identity; False also while the store is being restarted."""
        try:
            return bool(self.store.list_identities(limit=1))
        except StoreUnavailable:
            return False

    def restarts(self) -> dict[str, int]:
        """How often each process was started again."""
        return {name: status.restarts for name, status in self._supervisor.status().items()}

    def memory_mb(self) -> float:
        """Proportional memory of all processes together with this one, in MB."""
        return self._supervisor.memory().pss_bytes / 1e6

    def stop(self) -> None:
        """Ends everything in reverse order of its start."""
        self._supervisor.stop()
        self._exposed.close()

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _core_roles(self) -> list[Role]:
        roles = []
        if self.config.redis.url is None:
            server = EmbeddedServer(self.config.data_dir, self.config.redis.binary)
            timeout_s = self.config.redis.start_timeout_s
            roles.append(Role("valkey", tuple(server.command()), ready=self._store_answers, ready_timeout_s=timeout_s))
        roles.append(
            replace(
                self._role("matcher"),
                stop_timeout_s=self.config.matcher.drain_s + 5.0,
                ready=self._matcher_answers,
                ready_timeout_s=120.0,
            )
        )
        return roles

    def _role(self, name: str, *arguments: str) -> Role:
        """A process of ours. What it reads is the written configuration alone.

        Overrides in the environment are in that already, and what was decided over them must not be undone.
        """
        argv = (sys.executable, "-m", f"services.{name}", "--config", str(self._config_file), *arguments)
        env = {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
        return Role(name, argv, env=env, unset=override_names())

    def _store_answers(self) -> bool:
        self.store.ping()
        return True

    def _matcher_answers(self) -> bool:
        """Not whether it serves: reading a large gallery from the store takes minutes, and cameras do not wait."""
        try:
            with client_beside(self.config, _ASK_TIMEOUT_S) as client:
                return client.answers()
        except MatcherUnavailable:
            return False


def _addresses(config: VreidConfig) -> dict[str, str]:
    """What can be reached where, by name."""
    scraped = {f"metrics.{role}": address for role, address in config.metrics.addresses().items()}
    return {"matcher": config.matcher.listen} | scraped
