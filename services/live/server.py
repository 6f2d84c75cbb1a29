"""Serves a board on a socket. Encodes a frame when somebody asks for it, and never otherwise."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import socketserver
import threading
from pathlib import Path
from typing import Any, cast

import cv2

from detector.types import VehicleClass
from services.live.board import LiveBoard, Shown
from services.live.wire import MAX_LINE, document_of, line, live_folder, private_folder, socket_name
from services.privacy.guard import PictureGuard

log = logging.getLogger(__name__)

_QUALITY = 75
_WIDEST_PX = 640
_IDLE_S = 30.0


class _Handler(socketserver.StreamRequestHandler):
    timeout = _IDLE_S

    def handle(self) -> None:
        """Answers line by line until the other side is gone or says nothing for long."""
        server = cast("_Server", self.server)
        with contextlib.suppress(OSError, ValueError):
            while asked := self.rfile.readline(MAX_LINE):
                header, jpeg = server.answer(document_of(asked))
                self.wfile.write(line(header) + jpeg)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, board: LiveBoard, guard: PictureGuard) -> None:
        self._board = board
        self._guard = guard
        self._encoded: dict[str, tuple[int, bytes]] = {}
        self._encoding = threading.Lock()
        super().__init__(path, _Handler)

    def answer(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Header and picture for one question."""
        if "camera" not in asked:
            return {"cameras": self._board.cameras()}, b""
        shown = self._board.newest(str(asked["camera"]))
        if shown is None:
            with self._encoding:
                self._encoded.pop(str(asked["camera"]), None)
            return {"jpeg_bytes": 0, "captured_at_ns": 0, "width": 0, "height": 0, "boxes": []}, b""
        newer = shown.frame.captured_at_ns > int(asked.get("after_ns", 0))
        jpeg = self._jpeg(shown) if newer else b""
        height, width = shown.frame.image.shape[:2]
        boxes = [
            {
                "xyxy": [round(v, 1) for v in box.box_xyxy],
                "kind": VehicleClass(box.vehicle_class).name.lower(),
                "sighting_id": name,
            }
            for box, name in zip(shown.boxes, shown.sighting_ids, strict=True)
        ]
        header = {"jpeg_bytes": len(jpeg), "captured_at_ns": shown.frame.captured_at_ns, "width": width}
        return header | {"height": height, "boxes": boxes}, jpeg

    def _jpeg(self, shown: Shown) -> bytes:
        """The picture, encoded once however many watch."""
        frame = shown.frame
        with self._encoding:
            at_ns, jpeg = self._encoded.get(frame.camera_id, (0, b""))
            if at_ns == frame.captured_at_ns:
                return jpeg
            image = self._guard.shown(frame.image)
            height, width = image.shape[:2]
            if width > _WIDEST_PX:
                size = (_WIDEST_PX, round(height * _WIDEST_PX / width))
                image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            jpeg = encoded.tobytes()
            self._encoded[frame.camera_id] = (frame.captured_at_ns, jpeg)
            return jpeg


class LiveServer:
    """A board on a socket of its own below a data folder; a console finds it there."""

    def __init__(self, board: LiveBoard, data_dir: Path, guard: PictureGuard | None = None) -> None:
        """Listens from now on, in a thread.

        Args:
            board: What to show.
            data_dir: Below it the socket is made.
            guard: What pictures must look like that are shown; None shows them as they are.

        Raises:
            OSError: The socket cannot be made.
        """
        folder = live_folder(data_dir)
        private_folder(folder)
        _sweep(folder)
        self.path = folder / socket_name(socket.gethostname(), os.getpid())
        self.path.unlink(missing_ok=True)
        self._server = _Server(str(self.path), board, guard or PictureGuard())
        self.path.chmod(0o600)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.5}, name="live", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Ends the socket and removes it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2.0)
        self.path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Removes sockets that nobody listens on any more."""
    for path in folder.glob("*.sock"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(0.5)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
            except OSError:
                log.warning("cannot reach the live socket %s", path)
