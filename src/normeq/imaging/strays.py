"""What in a data set's folder is no part of it: one rule for listing and verifying."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

# Left by file managers, archivers and file servers.
STRAYS = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "lost+found"}


def is_stray(relative: PurePath) -> bool:
    """Whether a file, by its path below the data set's folder, is hidden or lies below a hidden folder, or
    below one of a file manager's."""
    return any(part.startswith(".") or part.lower() in STRAYS for part in relative.parts)


def walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder, sorted, by its path below it; links to folders are followed.

    A folder that is reached in several ways is entered once, without a link where there is such a way: a link
    that leads back to its own folder ends there.
    """
    seen: set[str] = set()
    found, links = [], [folder]
    while links:
        above, links = sorted(links), []
        for start in above:
            for here, folders, files in os.walk(start):
                real = os.path.realpath(here)
                if real in seen:
                    folders.clear()
                    continue
                seen.add(real)
                links += [Path(here, name) for name in folders if os.path.islink(os.path.join(here, name))]
                found += [Path(here, name).relative_to(folder) for name in files]
    return iter(sorted(found))
