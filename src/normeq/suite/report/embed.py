"""Pictures of files as data URIs, which need no network."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from normeq.errors import NormeqError

# A drawing stays a drawing unless its photographs make it this much larger than a picture of it.
WORTH = 4 / 3


def embed_figure(path: Path) -> str:
    """A figure as a data URI: the SVG, or the PNG beside it (same name) without loss where that is much
    smaller, as it is for figures made of photographs.

    Raises:
        NormeqError: the file is missing, cannot be read, or is neither SVG nor PNG.
    """
    path = Path(path)
    if path.suffix not in (".svg", ".png"):
        raise NormeqError(f"report: {path} is not a picture (.svg, .png)")
    try:
        if path.suffix == ".png":
            return _webp(path)
        # Text stays text: base64 would make it a third longer.
        text = quote(path.read_text(encoding="utf-8"), safe=" !'()*,-./;=?@[]_~$&+\n")
        drawing, beside = f"data:image/svg+xml,{text}", path.with_suffix(".png")
        picture = _webp(beside) if beside.is_file() else drawing
        return picture if len(picture) * WORTH < len(drawing) else drawing
    except (OSError, UnicodeDecodeError) as error:
        raise NormeqError(
            f"report: cannot read {path}: {getattr(error, 'strerror', None) or error}"
        ) from None


def _webp(path: Path) -> str:
    buffer = io.BytesIO()
    try:
        Image.open(path).convert("RGB").save(buffer, "WEBP", lossless=True)
    except KeyError:  # Pillow leaves out a format that it could not load, also for want of memory
        raise NormeqError("report: Pillow cannot write WebP here; is there memory left?") from None
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
