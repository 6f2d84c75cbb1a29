"""Asks one role of this machine whether it lives, for container and cluster probes. Starts, changes and reads nothing.

``python -m services.probe matcher 127.0.0.1:50661``, ``… ingest DATA_DIR``, ``… web https://127.0.0.1:8650``: exit 0
where it answers, 1 with one line where it does not. Loads little, because it runs every few seconds.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

from services.live.wire import document_of, line, live_folder, socket_name

_TIMEOUT_S = 4.0


def matcher_serves(args: argparse.Namespace) -> str:
    """Asks gRPC health for the whole server.

    Returns:
        What is wrong; empty where it serves.
    """
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    options = (("grpc.ssl_target_name_override", args.name),) if args.name else ()
    if args.ca is None:
        channel = grpc.insecure_channel(args.place)
    else:
        parts = [path.read_bytes() if path is not None else None for path in (args.ca, args.key, args.certificate)]
        channel = grpc.secure_channel(args.place, grpc.ssl_channel_credentials(*parts), options)
    with channel:
        try:
            asked = health_pb2.HealthCheckRequest(service="")
            answer = health_pb2_grpc.HealthStub(channel).Check(asked, timeout=args.timeout)
        except grpc.RpcError as exc:
            return f"{args.place}: {exc.code().name}"
    serving = args.alive or answer.status == health_pb2.HealthCheckResponse.SERVING
    return "" if serving else f"{args.place}: {health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)}"


def ingest_lives(args: argparse.Namespace) -> str:
    """Asks the live sockets of this host below a data folder which cameras they show; none yet is an answer too.

    Returns:
        What is wrong; empty where one answers.
    """
    own = socket_name(socket.gethostname(), 0).partition("-")[0]
    paths = sorted(live_folder(Path(args.place)).glob(f"{own}-*.sock"))
    for path in paths:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(args.timeout)
            try:
                asking.connect(str(path))
                asking.sendall(line({}))
                with asking.makefile("rb") as answers:
                    document_of(answers.readline())
            except (OSError, ValueError):
                continue
            return ""
    return f"{args.place}: no ingest answers on {len(paths)} socket(s) of this host"


def web_answers(args: argparse.Namespace) -> str:
    """Asks for the login page; every answer but a failure of the server counts, whatever name it wants to be called by.

    Returns:
        What is wrong; empty where it answers.
    """
    parts = urlsplit(args.place)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if parts.scheme == "https":
        unverified = ssl.create_default_context()
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        asking: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=args.timeout, context=unverified
        )
    else:
        asking = http.client.HTTPConnection(host, port, timeout=args.timeout)
    try:
        asking.request("GET", "/login")
        status = asking.getresponse().status
    except (OSError, http.client.HTTPException) as exc:
        return f"{args.place}: {exc}"
    finally:
        asking.close()
    return "" if status < 500 else f"{args.place}: HTTP {status}"


ROLES = {"matcher": matcher_serves, "ingest": ingest_lives, "web": web_answers}


def main(argv: list[str] | None = None) -> int:
    """Asks one role."""
    parser = argparse.ArgumentParser(prog="python -m services.probe", description=main.__doc__)
    parser.add_argument("role", choices=sorted(ROLES))
    parser.add_argument("place", help="host:port or unix:PATH of a matcher, data folder of ingest, URL of a console")
    parser.add_argument("--timeout", type=float, default=_TIMEOUT_S, help="longest wait in seconds")
    parser.add_argument("--alive", action="store_true", help="of a matcher any answer is enough: it may catch up yet")
    parser.add_argument("--ca", type=Path, help="the matcher speaks TLS; certificate of who signed its own")
    parser.add_argument("--certificate", type=Path, help="ours, where the matcher asks for one")
    parser.add_argument("--key", type=Path, help="of our certificate")
    parser.add_argument("--name", help="name in the matcher's certificate, where it is not the host asked")
    args = parser.parse_args(argv)
    try:
        wrong = ROLES[args.role](args)
    except OSError as exc:  # a certificate that cannot be read
        wrong = f"{exc.filename or args.place}: {exc.strerror or exc}"
    if wrong:
        sys.stderr.write(f"vreid: {wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
