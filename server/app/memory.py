"""How the process gives memory back to the system."""

import ctypes
import gc
import sys

# Parameters of mallopt(3), from glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEPT_BYTES = 4 * 1024 * 1024
"""More than most whole answers hold: a batch of 64 vectors of 1,536 is half a megabyte, a picture one or two."""


def keep_freed_memory() -> None:
    """Lets malloc keep up to 4 MiB that was freed, rather than give it back and fetch it again with every call.

    At glibc's own 128 KiB, half a megabyte of vectors cost 590 page faults a call, which was half of the time that
    reading and writing them took. Does nothing where the C library is another.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def keep_for_good() -> None:
    """Takes what the process holds now out of the garbage collector's rounds; to be called once it is ready.

    Modules, descriptors and tables stay until the end anyway: walking through them now and then cost a unary call 3 %.
    """
    gc.collect()
    gc.freeze()
