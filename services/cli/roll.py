"""`vreid models roll`: changes the embedding model of a running site, stage by stage, without losing identities."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.audit import opened_store
from services.cli.camera.change import DEFAULT_DATA_DIR, ConfigOption, DataDirOption
from services.cli.output import JsonFlag, emit, stderr
from services.cli.remote import actor, iso_time
from services.cli.roll_views import show_status, show_step
from services.errors import InputError

if TYPE_CHECKING:
    from services.config import VreidConfig
    from services.crops import CropStore
    from services.identity.redis_store import RedisStore
    from services.identity.rolling.contract import ModelRef, Roll
    from services.models.store import ModelStore
    from services.rolling.compare import Comparison
    from services.rolling.progress import Progress
    from services.rolling.roster import ModelRoster

app = typer.Typer(no_args_is_help=True, help="Change the embedding model of a running site without losing identities.")

ForceFlag = Annotated[bool, typer.Option("--force", help="Go on although something speaks against it.")]
_LISTED = 1000


@dataclass(frozen=True, slots=True)
class _Site:
    config: VreidConfig
    store: RedisStore
    crops: CropStore
    models: ModelStore


@contextmanager
def _opened(config_file: Path | None, data_dir: Path) -> Iterator[_Site]:
    """The site that is worked on; a failure inside ends the command with one line on stderr."""
    from services.crops import open_crops
    from services.models.store import ModelStore

    with opened_store(config_file, data_dir) as (config, store):
        models = ModelStore(report=lambda line: stderr.print(line, highlight=False, soft_wrap=True))
        yield _Site(config, store, open_crops(config.ingest.crops_url, config.data_dir), models)


@app.command()
def start(
    model: Annotated[str, typer.Argument(help="Checkpoint (.safetensors with its .json beside) or manifest name.")],
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Checks a model and lets it describe everything beside the active one, in shadow."""
    from services.rolling.candidate import check_candidate, named_model, site_pictures

    with _opened(config_file, data_dir) as site:
        roll = site.store.roll()
        with stderr.status("checking the model"):
            found = check_candidate(site.models, model, site_pictures(site.store, site.crops))
        reid = site.config.reid
        active = roll.active or named_model(site.models, reid.model, reid.precision)
        if found.ref.model_id == active.model_id:
            raise InputError(f"{model} is the model that the site has already, {active.model_id[:12]}")
        position = site.store.step_roll("start", active, found.ref, actor())
        document = _told(site, "start", position) | {"checked": asdict(found)}
    emit(document, as_json=as_json, render=show_step)


@app.command()
def status(
    sample: Annotated[
        int, typer.Option(min=0, max=20_000, help="Compare the models on so many newest sightings; 0 leaves it out.")
    ] = 500,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Shows the stage, how far the second model is, what it cannot describe, and what a switch would change."""
    from services.rolling.progress import progress, unready

    with _opened(config_file, data_dir) as site:
        roll = site.store.roll()
        document = _stage(roll)
        target = _target(roll)
        if target is not None:
            found = progress(site.store, site.crops, target.model_id)
            document |= {
                "progress": _progress(found),
                "not_ready": unready(site.store.openers(), roll, site.store.now_ns()),
                "comparison": _compared(site, roll, sample) if sample else None,
            }
    emit(document, as_json=as_json, render=show_status)


@app.command()
def embed(
    rate: Annotated[float, typer.Option(min=0.1, max=1_000_000, help="Most pictures per second.")] = 1000.0,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Describes stored pictures now, beside what the matcher does in the background; may be stopped and repeated."""
    from services.rolling.reembed import Reembedder

    with _opened(config_file, data_dir) as site:
        roster = _roster(site)
        roster.refresh(site.store.roll())
        worker = Reembedder(site.store, site.crops, roster, rate, f"roll-embed:{actor()}")
        with stderr.status("describing pictures"):
            done = worker.once(threading.Event())
        document = _told(site, "embed", site.store.last_event_id()) | {"pass": asdict(done)}
    emit(document, as_json=as_json, render=show_step)


@app.command()
def switch(
    force: ForceFlag = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Makes the second model the active one, at once and for everybody. Can be taken back with `back`."""
    with _opened(config_file, data_dir) as site:
        roll = site.store.roll()
        active, other = _both(roll, "shadow", "switch")
        found = None if force else _require_ready(site, roll, other, "switch")
        position = site.store.step_roll("switch", active, other, actor())
        document = _told(site, "switch", position, found)
    emit(document, as_json=as_json, render=show_step)


@app.command()
def back(
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Takes a switch back; the new model goes on in shadow."""
    with _opened(config_file, data_dir) as site:
        active, other = _both(site.store.roll(), "switched", "back")
        position = site.store.step_roll("back", active, other, actor())
        document = _told(site, "back", position)
    emit(document, as_json=as_json, render=show_step)


@app.command()
def finish(
    force: ForceFlag = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Removes the former model's vectors after a switch. Cannot be taken back."""
    with _opened(config_file, data_dir) as site:
        roll = site.store.roll()
        if roll.stage != "clearing":
            active, _ = _both(roll, "switched", "finish")
            if not force:
                _require_ready(site, roll, active, "finish")
        document = _end(site, "finish")
    emit(document, as_json=as_json, render=show_step)


@app.command()
def abort(
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Gives a model in shadow up and removes its vectors; the site is as before."""
    with _opened(config_file, data_dir) as site:
        roll = site.store.roll()
        if roll.stage != "clearing":
            _both(roll, "shadow", "abort")
        document = _end(site, "abort")
    emit(document, as_json=as_json, render=show_step)


def _both(roll: Roll, stage: str, action: str) -> tuple[ModelRef, ModelRef]:
    """The active and the other model of a change that is in the stage an action needs."""
    if roll.stage != stage or roll.active is None or roll.other is None:
        raise InputError(f"roll {action}: needs stage {stage}, the site is in stage {roll.stage}")
    return roll.active, roll.other


def _end(site: _Site, action: str) -> dict[str, Any]:
    from services.rolling.reembed import clear

    roll = site.store.roll()
    if roll.active is not None and roll.other is not None and roll.stage != "clearing":
        site.store.step_roll("end", roll.active, roll.other, actor())
    with stderr.status("removing vectors"):
        looked_at = clear(site.store, site.store.roll())
    return _told(site, action, site.store.last_event_id()) | {"looked_at": looked_at}


def _require_ready(site: _Site, roll: Roll, model: ModelRef, action: str) -> Progress:
    """How far a model is; refuses while pictures wait to be described, or a running process lacks a model."""
    from services.rolling.progress import progress, unready

    missing = unready(site.store.openers(), roll, site.store.now_ns())
    if missing:
        raise InputError(f"roll {action}: {', '.join(missing)} has not opened both models yet; see its log, or --force")
    found = progress(site.store, site.crops, model.model_id)
    if found.waiting:
        raise InputError(
            f"roll {action}: {len(found.waiting)} of {found.sightings} sightings have pictures that {model.name} has "
            "not described yet; wait, run vreid models roll embed, or --force"
        )
    return found


def _roster(site: _Site) -> ModelRoster:
    from services.models.networks import open_embedder
    from services.rolling.roster import open_roster

    reid = site.config.reid
    return open_roster(site.store, reid.model, lambda name: open_embedder(name, reid.threads, reid.precision))


def _target(roll: Roll) -> ModelRef | None:
    """The model that is on its way in: the other one in shadow, after the switch the active one."""
    return roll.other if roll.stage == "shadow" else roll.active if roll.stage == "switched" else None


def _told(site: _Site, action: str, position: str, found: Progress | None = None) -> dict[str, Any]:
    """What a step came to; how far the model is that comes in is looked for where it was not ``found`` before."""
    from services.rolling.progress import progress

    roll = site.store.roll()
    document = {"action": action, "log_position": position} | _stage(roll)
    target = _target(roll)
    if target is not None:
        document["progress"] = _progress(found or progress(site.store, site.crops, target.model_id))
    return document


def _stage(roll: Roll) -> dict[str, Any]:
    def shown(ref: ModelRef | None) -> dict[str, str] | None:
        return None if ref is None else {"name": ref.name, "model_id": ref.model_id}

    return {
        "stage": roll.stage,
        "active": shown(roll.active),
        "other": shown(roll.other),
        "started": iso_time(roll.started_at_ns) if roll.started_at_ns else None,
        "changed": iso_time(roll.changed_at_ns) if roll.changed_at_ns else None,
    }


def _progress(found: Progress) -> dict[str, Any]:
    return {
        "sightings": found.sightings,
        "described": found.described,
        "waiting": len(found.waiting),
        "without_pictures": len(found.unpictured),
        "without_pictures_listed": [
            {"sighting_id": d.sighting_id, "identity_id": d.identity_id} for d in found.unpictured[:_LISTED]
        ],
        "share": round(found.share, 4),
    }


def _compared(site: _Site, roll: Roll, sample: int) -> dict[str, Any] | None:
    from services.rolling.compare import compare

    if roll.active is None or roll.other is None:
        return None
    names = {roll.active.model_id, roll.other.model_id}
    both = (d for d in site.store.scan_described() if names <= set(d.model_ids) and d.identity_id)
    ids = [d.sighting_id for d in islice(both, sample)]
    if not ids:
        return None
    roster = _roster(site)
    roster.refresh(roll)
    embedders = [roster.of(ref.model_id) for ref in (roll.active, roll.other)]
    if embedders[0] is None or embedders[1] is None:
        raise InputError("roll status: a model cannot be opened on this machine; leave the comparison out: --sample 0")
    decided = []
    for sighting in site.store.get_sightings(ids):
        owner = None if sighting is None else site.store.identity_of(sighting.sighting_id)
        if sighting is not None and owner is not None:
            decided.append((sighting, owner))
    specs = (embedders[0].spec, embedders[1].spec)
    return _comparison(compare(decided, specs, site.config.association, site.store.links()))


def _comparison(found: Comparison) -> dict[str, Any]:
    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: rounded(inner) for name, inner in value.items()}
        return round(value, 4) if isinstance(value, float) else value

    document: dict[str, Any] = rounded(asdict(found))
    return document
