import ctypes
import subprocess
import sys

import pytest

from reid.memory import keep_freed_memory

PROBE = """
import resource, sys
from reid.memory import keep_freed_memory
if "keep" in sys.argv:
    assert keep_freed_memory()
def step():
    block = bytearray(256 << 20)
    block[:: 4096] = b"x" * len(block[:: 4096])
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*arguments: str) -> int:
    return int(
        subprocess.run([sys.executable, "-c", PROBE, *arguments], capture_output=True, check=True, text=True).stdout
    )


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library")
def test_freed_memory_is_used_again_without_new_pages():
    assert faults("keep") < faults() / 4


def test_another_c_library_is_no_error(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not keep_freed_memory()
