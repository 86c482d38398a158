"""Data sets: what there is (``registry``), how to get (``fetch``), check (``verify``) and list (``listing``)
them.
"""

from normeq.suite.data.listing import files, find_image, image_file, list_images
from normeq.suite.data.registry import pin

__all__ = ["files", "find_image", "image_file", "list_images", "pin"]
