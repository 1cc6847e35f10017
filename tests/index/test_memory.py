from __future__ import annotations

import ctypes
import mmap
import platform

import pytest

from groundtone.index.memory import LARGE, large_apart


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's heap")
def test_large_blocks_are_the_systems_own_meanwhile() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    with large_apart():
        pass  # afterwards blocks of this size come from the heap
    with large_apart():
        blocks = [libc.malloc(2 * LARGE) for _ in range(100)]  # never touched
    # One of its own begins a page, behind two words of the allocator's. The first ones may have
    # filled holes of the heap.
    places = {block % mmap.PAGESIZE for block in blocks[-20:]}
    for block in blocks:
        libc.free(block)
    assert places == {2 * ctypes.sizeof(ctypes.c_size_t)}
