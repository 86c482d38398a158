"""What a program does at a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from normeq.errors import explain


def run(program: Callable[[], int]) -> int:
    """Exit status of a program: its own, or 2 after one line on stderr for a mistake of the user.

    Characters that the terminal's encoding does not have are written as escapes.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a test or a notebook has put another in its place
            stream.reconfigure(errors="backslashreplace")
    try:
        status = program()
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader, such as head, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 1
    except KeyboardInterrupt:
        print("normeq: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        print(f"normeq: error: {line}", file=sys.stderr)
        return 2
