"""Image files for the tests."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def save(path: Path, array: np.ndarray, **options) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def png16(path: Path, samples: np.ndarray, colour_type: int) -> Path:
    """A 16-bit PNG (H, W, channels) written by hand: Pillow writes none in colour."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for tag, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))
    path.write_bytes(data)
    return path
