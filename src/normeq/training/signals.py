"""Stop signals as a flag, so that the current step ends before the checkpoint is written."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """True once SIGINT or SIGTERM has arrived."""

    def __init__(self) -> None:
        self.flag = False

    def __bool__(self) -> bool:
        return self.flag


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Turn SIGINT and SIGTERM into a flag; outside the main thread the caller handles signals."""
    stop = Stop()

    def handler(signum, frame) -> None:
        stop.flag = True

    previous = {}
    try:
        for signum in (signal.SIGINT, signal.SIGTERM):
            try:
                previous[signum] = signal.signal(signum, handler)
            except ValueError:  # not in the main thread
                break
        yield stop
    finally:
        for signum, old in previous.items():
            signal.signal(signum, old)
