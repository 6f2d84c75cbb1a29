"""What probes call alive: a role that answers, and nothing else."""

import http.server
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.live.board import LiveBoard
from services.live.server import LiveServer
from services.live.wire import socket_name
from services.probe import main


@pytest.fixture
def matcher():
    """A gRPC server with nothing but health, and its address."""
    server = grpc.server(ThreadPoolExecutor(1))
    servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(0).wait()


def test_a_matcher_that_catches_up_is_alive_and_does_not_serve(matcher, capsys):
    servicer, address = matcher
    servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    assert main(["matcher", address]) == 1
    assert capsys.readouterr().err == f"vreid: {address}: NOT_SERVING\n"
    assert main(["matcher", address, "--alive"]) == 0
    servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    assert main(["matcher", address]) == 0


def test_nobody_there_is_one_line(capsys, tmp_path):
    assert main(["matcher", "127.0.0.1:1", "--timeout", "1"]) == 1
    assert main(["matcher", "127.0.0.1:1", "--ca", str(tmp_path / "none.pem")]) == 1
    assert main(["ingest", str(tmp_path)]) == 1
    assert main(["web", "http://127.0.0.1:1"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("vreid: ") for line in lines)


def test_ingest_is_alive_while_its_socket_answers(tmp_path):
    server = LiveServer(LiveBoard(), tmp_path)
    assert main(["ingest", str(tmp_path)]) == 0
    server.close()
    assert main(["ingest", str(tmp_path)]) == 1


def test_another_host_on_the_same_folder_does_not_count(tmp_path, monkeypatch):
    server = LiveServer(LiveBoard(), tmp_path)
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    assert main(["ingest", str(tmp_path)]) == 1
    server.close()
    assert socket_name("a", 7) != socket_name("b", 7)


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (303, 0), (403, 0), (500, 1), (503, 1)])
def test_a_console_is_alive_unless_it_fails(status, exit_code):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        assert main(["web", f"http://127.0.0.1:{server.server_port}"]) == exit_code
        server.shutdown()
        thread.join()
