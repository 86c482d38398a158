"""Stop signals as a flag, so that the current step ends before the checkpoint is written."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # Windows has no SIGHUP


class Stop:
    """True once SIGINT, SIGTERM or SIGHUP has arrived."""

    def __init__(self) -> None:
        self.flag = False

    def __bool__(self) -> bool:
        return self.flag


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Turn SIGINT, SIGTERM and SIGHUP (a terminal that is closed) into a flag.

    Outside the main thread the caller handles signals. SIGHUP stays ignored where it was, as under nohup.
    """
    stop = Stop()

    def handler(signum, frame) -> None:
        stop.flag = True

    previous = {}
    try:
        for signum in SIGNALS:
            if signum not in (signal.SIGINT, signal.SIGTERM) and signal.getsignal(signum) is signal.SIG_IGN:
                continue
            try:
                previous[signum] = signal.signal(signum, handler)
            except ValueError:  # not in the main thread
                break
        yield stop
    finally:
        for signum, old in previous.items():
            signal.signal(signum, old)
