"""PNG, JPEG, BMP, PGM and WebP, by Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from normeq.errors import NormeqError
from normeq.imaging.files.picture import Picture, kind_of


def read_raster(path: Path) -> Picture:
    """One picture."""
    from PIL import Image, PngImagePlugin

    from normeq.imaging.pillow import opened

    with opened(path, limited=False) as (image, white):
        kind, info, mode = image.format, dict(image.info), image.mode
        named = kind_of(path)
        if {"DIB": "BMP"}.get(kind, kind) != named:
            raise NormeqError(f"{path}: a {kind} file, whose name says {named}: name it by what it is")
        if mode not in ("L", "LA", "RGB", "RGBA", "I;16", "I;16B", "I"):
            what = {"1": "black and white pixels", "P": "a palette of colours"}.get(mode, f"{mode} pixels")
            raise NormeqError(f"{path}: {what}: convert it to gray or RGB first")
        with path.open("rb") as stream:
            bits = stream.read(25)[-1]  # of a PNG: 8 signature, 4 length, 4 type, 8 size, then the bit depth
        if kind == "PNG" and bits < 8:
            raise NormeqError(f"{path}: {bits}-bit gray: convert it to 8 bits first")
        if "transparency" in info:
            raise NormeqError(
                f"{path}: one of its values means transparent: flatten it on a background first"
            )
        if white not in (None, 255, 65535):
            raise NormeqError(f"{path}: samples of 0 ... {white}: convert it to 8 or 16 bits first")
        array = np.asarray(image)
    text = {key: value for key, value in info.items() if isinstance(value, str)} if kind == "PNG" else {}
    if mode.startswith("I"):
        array = array.astype(np.uint16)
    alpha = array[..., -1:] if mode in ("LA", "RGBA") else None
    values = array if alpha is None else array[..., :-1]
    if mode == "LA":
        values = values[..., 0]

    def write(target: Path, denoised: np.ndarray) -> None:
        if mode == "LA":
            denoised = denoised[..., None]
        if alpha is not None:
            denoised = np.concatenate([denoised, alpha], axis=-1)
        options: dict[str, Any] = {key: info[key] for key in ("dpi", "icc_profile", "exif") if info.get(key)}
        if kind == "PNG":
            options["pnginfo"] = PngImagePlugin.PngInfo()
            for key, value in text.items():
                options["pnginfo"].add_text(key, value)  # as iTXt where it is not Latin-1
        options |= {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
        Image.fromarray(denoised).save(target, format=named, **options)

    colour = mode in ("RGB", "RGBA")
    notes = ("written as JPEG again, quality 95, which loses a little",) if kind == "JPEG" else ()
    return Picture(values, -1 if colour else None, colour, named, write, notes=notes)
