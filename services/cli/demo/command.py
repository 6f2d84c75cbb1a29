"""The command: plays the bundled city over RTSP against the real processes and shows or scores what they find."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stderr, stdout
from services.cli.remote import DEFAULT_ADDRESS, NEAREST_ADDRESS, AddressOption
from services.errors import InputError, Interrupted, VreidError
from services.stopping import when_told_to_stop

if TYPE_CHECKING:
    from services.cli.demo.session import Playing
    from services.config import VreidConfig
    from services.launch import Machine
    from simulator.city import City

UNTRAINED = "mobilenetv2-imagenet"
SHOWN_PICTURES = 6
_TICK_S = 0.1
_LEAST_LEAD_S = 3.0
_GRACE_S = 20.0
_DECIDE_TIMEOUT_S = 60.0
_FINAL_TIMEOUT_S = 15.0
_MEMORY_EVERY_S = 5.0
_REPORT_TIMEOUT_S = 30.0


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the city to its end, score it, and stop.")] = False,
    as_json: JsonFlag = False,
    data_dir: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = Path("vreid-data/demo"),
    city: Annotated[str, typer.Option(help="Folder of a rendered city, or the name of the bundled one.")] = "demo",
    faults: Annotated[Path | None, typer.Option(help="Script of faults that befall the cameras, YAML.")] = None,
    address: AddressOption = DEFAULT_ADDRESS,
) -> None:
    """Follows vehicles across the cameras of a synthetic city, the bundled one by default, over real RTSP."""
    if as_json and not once:
        fail("--json needs --once: a demo without an end has no document")
    try:
        played = _open(city, faults)
        quiet = as_json or not stderr.is_terminal
        document = Demo(played, data_dir, address or NEAREST_ADDRESS, once=once, quiet=quiet, faults=faults).run()
    except VreidError as exc:
        fail(str(exc))
    if once:
        emit(document, as_json=as_json, render=_show)


def _open(name: str, faults: Path | None) -> City:
    """Loads a city, and checks a script of faults against it.

    Raises:
        InputError: There is no such city, it is damaged, or the script does not fit it.
    """
    from simulator.city import load_city
    from simulator.errors import CityError
    from simulator.rtsp.play import plan_of

    try:
        city = load_city(name)
        plan_of(faults, (), tuple(camera.id for camera in city.cameras))
    except CityError as exc:
        raise InputError(str(exc)) from exc
    return city


class Demo:
    """One run of the demo."""

    def __init__(
        self, city: City, data_dir: Path, address: str, *, once: bool, quiet: bool, faults: Path | None = None
    ) -> None:
        """Starts nothing yet."""
        self.city = city
        self._faults = faults
        self._once = once
        self._quiet = quiet
        self._data_dir = data_dir.resolve()
        self._address = address
        self._stop = threading.Event()
        self._console: str | None = None
        self._peak_mb = 0.0
        self._memory_due_s = 0.0
        self._first_identity_s: float | None = None
        self._began_s = time.monotonic()

    def run(self) -> dict[str, Any]:
        """Plays the city; returns the report when it ended, nothing when it was interrupted."""
        when_told_to_stop(self._stop.set)
        from services.cli.demo import session
        from services.launch import Machine, free_port

        self._data_dir.mkdir(parents=True, exist_ok=True)
        playing = session.resumable(self._data_dir, self.city, loop=not self._once)
        rtsp_port = playing.rtsp_port if playing else free_port("127.0.0.1")
        with Machine(self._config(rtsp_port), once=self._once, stop=self._stop) as machine:
            machine.claim()
            if playing is None:
                session.clear(self._data_dir)
                self._write_pictures()
            try:
                playing = self._start(machine, playing, rtsp_port)
            except Interrupted:
                if self._once:
                    raise
                return {}
            return self._follow(machine, playing)

    def _start(self, machine: Machine, playing: Playing | None, rtsp_port: int) -> Playing:
        """Starts everything; what plays, from the beginning where nothing did."""
        from services.cli.demo import session

        asked_s = time.monotonic()
        machine.start()
        if playing is None:
            # The matcher loads the networks that ingest will load: its start tells how long that takes here.
            lead_s = max(_LEAST_LEAD_S, time.monotonic() - asked_s)
            t0_ns = time.time_ns() + round(lead_s * 1e9)
            playing = session.Playing(self.city.name, self.city.seed, t0_ns, rtsp_port, loop=not self._once)
            session.save(playing, self._data_dir)
        machine.add(session.city_role(self.city, playing, self._faults))
        machine.start_ingest()
        self._console = machine.start_web()
        return playing

    def _config(self, rtsp_port: int) -> VreidConfig:
        from services.config import load_config
        from services.ingest.cameras import CameraSettings

        config = load_config(None)
        cameras = tuple(
            CameraSettings(id=camera.id, url=f"rtsp://127.0.0.1:{rtsp_port}/{camera.id}")
            for camera in self.city.cameras
        )
        matcher = config.matcher.model_copy(update={"listen": self._address})
        return config.model_copy(
            update={"site": "demo", "data_dir": self._data_dir, "cameras": cameras, "matcher": matcher}
        )

    def _write_pictures(self) -> None:
        """A few pictures to ask with, each of another vehicle."""
        from services.cli.demo.pictures import cut_pictures
        from services.cli.demo.report import read_truth

        folder = self._data_dir / "queries"
        folder.mkdir()
        pictures = {picture.vehicle: picture for picture in cut_pictures(self.city, read_truth(self.city))}
        largest = sorted(pictures.values(), key=lambda picture: -picture.image.size)
        for picture in largest[:SHOWN_PICTURES]:
            (folder / picture.file_name).write_bytes(picture.encoded())

    def _follow(self, machine: Machine, playing: Playing) -> dict[str, Any]:
        from services.cli.watch import Watch, shown

        duration_s = None if playing.loop else self.city.duration_s
        watch = Watch(machine.store, f"vreid demo · {self.city.name}", duration_s=duration_s)
        watch.began_ns = playing.t0_ns
        picture = next(iter(sorted((self._data_dir / "queries").glob("*.png"))), Path("PICTURE"))
        watch.note = f"ask from another terminal: .venv/bin/vreid query {_shown(picture)} · Ctrl-C ends"
        if self._console is not None:
            watch.note = f"console {self._console} · {watch.note}"
        with shown(watch, quiet=self._quiet) as refresh:

            def tick() -> None:
                refresh()
                self._note(machine)

            self._play(machine, playing, tick)
            if self._stop.is_set():
                return {}
            self._settle(machine, tick)
        document = self._report(machine)
        document["seconds"] = round(time.monotonic() - self._began_s, 1)
        return document

    def _play(self, machine: Machine, playing: Playing, tick: Any) -> None:
        """Until the city has ended and ingest with it, or somebody stops it."""
        while not self._stop.is_set() and not machine.ingest_ended():
            machine.poll()
            tick()
            if playing.over(self.city.duration_s + _GRACE_S, time.time_ns()):
                machine.drain_ingest()
            self._stop.wait(_TICK_S)

    def _settle(self, machine: Machine, tick: Any) -> None:
        """Until every sighting is final and decided."""
        deadline = time.monotonic() + _FINAL_TIMEOUT_S
        while time.monotonic() < deadline and not all(s.final for s, _ in machine.store.scan_sightings()):
            machine.poll()
            tick()
            time.sleep(_TICK_S)
        if not machine.wait_decided(_DECIDE_TIMEOUT_S, tick):
            raise VreidError(f"not all sightings were decided within {_DECIDE_TIMEOUT_S:.0f} s")

    def _note(self, machine: Machine) -> None:
        """Keeps the figures that only the runner sees."""
        now_s = time.monotonic() - self._began_s
        if self._first_identity_s is None and machine.has_identities():
            self._first_identity_s = now_s
        if now_s >= self._memory_due_s:
            self._memory_due_s = now_s + _MEMORY_EVERY_S
            self._peak_mb = max(self._peak_mb, machine.memory_mb())

    def _report(self, machine: Machine) -> dict[str, Any]:
        from services.cli.demo.report import report
        from services.client.beside import client_beside
        from services.crops import CropStore
        from services.models.networks import open_embedder

        crops = CropStore(str(self._data_dir / "crops"))
        with client_beside(machine.config, _REPORT_TIMEOUT_S) as client:
            document = report(self.city, machine.store, client, crops, open_embedder(UNTRAINED))
        return document | {
            "first_identity_s": None if self._first_identity_s is None else round(self._first_identity_s, 1),
            "peak_mb": round(self._peak_mb),
            "restarts": machine.restarts(),
        }


def _shown(path: Path) -> str:
    """A path as a person would type it from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _show(document: dict[str, Any]) -> None:
    query = document["query"]
    stdout.print(
        f"[bold]{document['sightings']} sightings, {document['identities']} vehicles[/bold] "
        f"in {document['seconds']:.0f} s; {document['frames']['inferred']} of {document['frames']['offered']} frames, "
        f"frame age p99 {document['frame_age_p99_s']:.2f} s, {document['peak_mb']} MB",
        markup=True,
    )
    at = ", ".join(f"{name} {value:.3f}" for name, value in document["idf1_at"].items())
    stdout.print(f"IDF1 [bold]{document['idf1']:.3f}[/bold] (by latency: {at})", markup=True)
    stdout.print(
        f"perfect association {document['oracle_idf1']:.3f}, greedy on untrained features {document['greedy_idf1']:.3f}"
    )
    stdout.print(f"query by image: rank-1 [bold]{query['rank1']:.3f}[/bold] of {query['queries']} queries", markup=True)
