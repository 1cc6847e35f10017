from __future__ import annotations

import ctypes
import mmap
import platform
import subprocess
import sys

import pytest

# In a process of its own: the heap of one that has done much has holes for blocks of any size.
LOOK = """
import ctypes
from groundtone.index.memory import LARGE, large_apart
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
with large_apart():
    pass  # afterwards blocks of this size come from the heap
between = [libc.malloc(2 * LARGE) for _ in range(100)]  # never touched
with large_apart():
    meanwhile = [libc.malloc(2 * LARGE) for _ in range(100)]
for blocks in (between, meanwhile):
    print(*blocks)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's heap")
def test_large_blocks_are_the_systems_own_meanwhile() -> None:
    looked = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True
    )
    # One of its own begins a page, behind two words of the allocator's.
    between, meanwhile = (
        {int(place) % mmap.PAGESIZE for place in line.split()}
        for line in looked.stdout.splitlines()
    )
    own = {2 * ctypes.sizeof(ctypes.c_size_t)}
    assert between != own
    assert meanwhile == own
