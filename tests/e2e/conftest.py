"""Whole processes, watched: no socket may lead off this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

VREID = Path(sys.executable).with_name("vreid")

#: Loaded by every Python process of the product: a connection or look-up beyond loopback is written down and refused.
GUARD = """
import os, socket

def _note(what):
    with open(os.environ["VREID_TEST_GUARD_LOG"], "a") as log:
        log.write(what + "\\n")

def _local(address):
    return not isinstance(address, tuple) or str(address[0]) in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "")

_connect, _lookup = socket.socket.connect, socket.getaddrinfo

def connect(self, address):
    if not _local(address):
        _note(f"connect {address}")
        raise OSError("no way out of this test")
    return _connect(self, address)

def getaddrinfo(host, *rest, **named):
    if not _local((host,)):
        _note(f"look-up {host}")
        raise OSError("no way out of this test")
    return _lookup(host, *rest, **named)

socket.socket.connect, socket.getaddrinfo = connect, getaddrinfo
"""


@pytest.fixture(scope="session")
def new_address():
    """Addresses that nobody listens on."""

    def make() -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return f"127.0.0.1:{probe.getsockname()[1]}"

    return make


def descendants(pid: int) -> dict[int, str]:
    """Command line by process id of all below a process."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                names[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, IndexError):
                continue
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return {child: names[child] for child in found - {pid}}
        found |= more


def is_local(address: str) -> bool:
    """Whether an address as /proc/net writes it is none, loopback, or loopback written as IPv6."""
    if len(address) == 8:
        return address in ("00000000", "0100007F")
    return set(address) <= {"0"} or address in ("0" * 24 + "01000000", "0" * 16 + "FFFF00000100007F")


def foreign_peers(pids: list[int]) -> set[str]:
    """Remote ends beyond loopback of the TCP and UDP sockets of some processes, whoever in them opened these."""
    inodes = set()
    for pid in pids:
        try:
            links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        except OSError:
            continue
        inodes |= {link[8:-1] for link in links if link.startswith("socket:[")}
    peers = set()
    for table in ("tcp", "udp", "tcp6", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            remote, inode = line.split()[2], line.split()[9]
            address = remote.split(":")[0]
            if inode in inodes and not is_local(address):
                peers.add(f"{table} {remote}")
    return peers


@dataclass
class Product:
    """One running `vreid` command and what was seen of it."""

    process: subprocess.Popen
    guard_log: Path
    peers: set[str] = field(default_factory=set)

    def role(self, name: str) -> int | None:
        """Process id of a role, by a word of its command line."""
        return next((pid for pid, line in descendants(self.process.pid).items() if name in line), None)

    def kill_role(self, name: str) -> int:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            pid = self.role(name)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                return pid
            time.sleep(0.1)
        raise AssertionError(f"no process {name}")

    def watch(self) -> None:
        """Looks at the sockets of all processes until the command ends."""
        while self.process.poll() is None:
            self.peers |= foreign_peers([self.process.pid, *descendants(self.process.pid)])
            time.sleep(0.25)

    def document(self, timeout_s: float = 400) -> dict:
        out, err = self.process.communicate(timeout=timeout_s)
        assert self.process.returncode == 0, err
        return json.loads(out)


@pytest.fixture(scope="session")
def start_product(tmp_path_factory):
    """Starts a `vreid` command under guard; ends what is left of it."""
    started: list[Product] = []
    guard = tmp_path_factory.mktemp("guard")
    (guard / "sitecustomize.py").write_text(GUARD)

    def start(*arguments: str) -> Product:
        log = guard / f"{len(started)}.log"
        env = os.environ | {"PYTHONPATH": str(guard), "VREID_TEST_GUARD_LOG": str(log)}
        process = subprocess.Popen(
            [VREID, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        )
        product = Product(process, log)
        threading.Thread(target=product.watch, name="sockets", daemon=True).start()
        started.append(product)
        return product

    yield start
    for product in started:
        if product.process.poll() is None:
            product.process.kill()
        product.process.wait()
        for stream in (product.process.stdout, product.process.stderr):
            stream.close()
