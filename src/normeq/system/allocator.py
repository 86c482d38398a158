"""Memory on a CPU: what PyTorch frees stays with the process, ready for the next layer."""

from __future__ import annotations

import ctypes

# Numbers of glibc's mallopt(3).
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Let this process keep freed memory rather than give it back to the system.

    glibc gives large blocks back once they are free, and the system fills them with zeros, page by page,
    when they are asked for again: 40 MB for every layer of 64 channels at 321×481. Keeping them changes time
    (benchmarks/allocator.py) and the size of the process, no result. The commands of this package do it; a
    library should not decide it for others.

    Returns:
        Whether the C library took it; elsewhere than with glibc nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no glibc; no such call on this system
        return False
    no_maps = mallopt(M_MMAP_MAX, 0)  # every block from the heap
    return bool(no_maps and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))  # which does not shrink
