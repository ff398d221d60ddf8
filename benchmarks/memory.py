"""What a process holds, told by itself."""

import ctypes
import gc
from pathlib import Path


class _MallInfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def native_bytes() -> int:
    """Bytes handed out by malloc and not given back, mapped blocks included (mallinfo2(3))."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _MallInfo2
    info = mallinfo2()
    return int(info.uordblks + info.hblkhd)


def status_bytes(field: str) -> int:
    """A size from /proc/self/status, such as VmRSS."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def held() -> dict[str, int]:
    """Both, after what is garbage is gone."""
    gc.collect()
    return {"native_bytes": native_bytes(), "rss_bytes": status_bytes("VmRSS")}
