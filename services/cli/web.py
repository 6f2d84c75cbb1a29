"""``vreid web``: the console by itself, for a matcher that runs elsewhere on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import fail, stderr
from services.errors import VreidError


def web(
    config_file: Annotated[Path | None, typer.Option("--config", help="Configuration file (YAML).")] = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Data folder of the running system.")] = None,
    address: Annotated[str | None, typer.Option("--address", help="Address of the matcher, host:port.")] = None,
    listen: Annotated[str | None, typer.Option("--listen", help="Where the console listens, host:port.")] = None,
) -> None:
    """Serves the web console until stopped. `vreid up` and `vreid demo` serve it themselves."""
    from pydantic import ValidationError

    from services.config import load_config
    from services.launch import refuse_taken_port
    from services.observability.logs import configure_logging
    from services.web.__main__ import run_web
    from services.web.settings import WebSettings

    try:
        config = load_config(config_file)
        if address is not None:
            config = config.model_copy(update={"client": config.client.model_copy(update={"address": address})})
        if listen is not None:
            chosen = config.web.model_dump() | {"listen": listen}
            config = config.model_copy(update={"web": WebSettings.model_validate(chosen)})
        if data_dir is not None:
            config = config.model_copy(update={"data_dir": data_dir})
        refuse_taken_port(config.web.listen)
        if config.logging.format == "json":
            configure_logging(config.logging, "web")
        stderr.print(f"console on http{'s' if config.web.has_tls else ''}://{config.web.listen}", highlight=False)
        run_web(config, config_file)
    except ValidationError as exc:
        fail(f"--listen: {exc.errors()[0]['msg']}")
    except VreidError as exc:
        fail(str(exc))
