"""Asks the live sockets of a data folder for pictures. Draws nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from services.live.wire import MAX_JPEG, MAX_LINE, LiveBoxView, LivePicture, document_of, line, live_folder

_TIMEOUT_S = 2.0


class LiveWatcher:
    """Finds which socket has a camera and asks it. One event loop; a connection per socket is kept while it answers."""

    def __init__(self, data_dir: Path) -> None:
        """Connects when asked for something."""
        self._folder = live_folder(data_dir)
        self._homes: dict[str, Path] = {}
        self._links: dict[Path, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self._locks: dict[Path, asyncio.Lock] = {}

    async def cameras(self) -> list[str]:
        """Cameras that are live now, by id."""
        homes: dict[str, Path] = {}
        for path in sorted(self._folder.glob("*.sock")):
            answer = await self._ask(path, {})
            if answer is not None:
                homes |= dict.fromkeys((str(name) for name in answer[0].get("cameras", [])), path)
        self._homes = homes
        return sorted(homes)

    async def picture(self, camera_id: str, after_ns: int = 0) -> LivePicture | None:
        """A camera's newest picture; None when it is not live."""
        if camera_id not in self._homes:
            await self.cameras()
        path = self._homes.get(camera_id)
        answer = await self._ask(path, {"camera": camera_id, "after_ns": after_ns}) if path is not None else None
        if answer is None:
            self._homes.pop(camera_id, None)
            return None
        header, jpeg = answer
        if not header.get("width"):
            self._homes.pop(camera_id, None)  # It may be read by another process by now.
            return None
        boxes = tuple(LiveBoxView(tuple(box["xyxy"]), box["kind"], box["sighting_id"]) for box in header["boxes"])
        return LivePicture(jpeg, int(header["captured_at_ns"]), int(header["width"]), int(header["height"]), boxes)

    def close(self) -> None:
        """Ends the connections."""
        for _, writer in self._links.values():
            writer.close()
        self._links.clear()

    async def _ask(self, path: Path, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes] | None:
        """Header and picture; None when nobody answers there, or not in time."""
        async with self._locks.setdefault(path, asyncio.Lock()):
            answer = None
            try:
                answer = await asyncio.wait_for(self._exchange(path, asked), _TIMEOUT_S)
            except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
                pass
            finally:
                # Also where whoever asked left in the middle: the answer would be taken for that to the next question.
                if answer is None and (link := self._links.pop(path, None)) is not None:
                    link[1].close()
            return answer

    async def _exchange(self, path: Path, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        if path not in self._links:
            self._links[path] = await asyncio.open_unix_connection(str(path), limit=MAX_LINE)
        reader, writer = self._links[path]
        writer.write(line(asked))
        await writer.drain()
        header = document_of(await reader.readline())
        length = int(header.get("jpeg_bytes", 0))
        if not 0 <= length <= MAX_JPEG:
            raise ValueError(f"a picture of {length} bytes")
        return header, await reader.readexactly(length)
