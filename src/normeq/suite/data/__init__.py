"""Data sets: what there is (`registry`), how to get (`fetch`), check (`verify`) and list (`listing`) them."""

from normeq.suite.data.listing import files, image_file
from normeq.suite.data.registry import pin

__all__ = ["files", "image_file", "pin"]
