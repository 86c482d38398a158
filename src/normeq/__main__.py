"""``normeq`` and ``python -m normeq``: the command, or one line where the packages it needs are missing."""

from __future__ import annotations

import sys

from normeq.system.console import run


def main() -> None:
    """Entry point: a user's mistake is one line on stderr and exit status 2."""
    sys.exit(run(_command))


def _command() -> int:
    from normeq.cli import command  # which needs Typer

    return command()


if __name__ == "__main__":
    main()
