"""The names of images: what tables, configs and the noise know them by."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath


def image_names(files: Sequence[PurePath]) -> list[str]:
    """The names of the files of a data set, given by their paths in it: the stem where no other file has it,
    else the path without suffix. Two files that differ in nothing but their suffix get the same one."""
    stems = Counter(file.stem for file in files)
    return [file.stem if stems[file.stem] == 1 else file.with_suffix("").as_posix() for file in files]


def split_image(text: str) -> tuple[str, str]:
    """Data set and image of ``DATASET/IMAGE``; of the path of a file, which begins with ``.``, ``/`` or
    ``~``, its folder (with a ``/`` at its end) and its name. Empty where there is none."""
    if text.startswith((".", "/", "~")):
        folder, slash, name = text.rpartition("/")
        return folder + slash, name
    dataset, _, name = text.partition("/")
    return dataset, name
