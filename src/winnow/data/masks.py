"""Masks: images with one label value a pixel, and what can be wrong with them."""

import io
from collections.abc import Collection

import numpy as np
from PIL import Image

from winnow.data.images import MAX_PIXELS, READABLE, BadImageError
from winnow.data.raster import Raster, read_raster


def read_mask(content: bytes) -> np.ndarray:
    """Label values, int64 [H, W], of an encoded mask. Raises BadImageError with the reason."""
    raster = read_raster(content, MAX_PIXELS)
    if raster is not None:
        return _labels(raster)
    try:
        image = Image.open(io.BytesIO(content), formats=READABLE)
        if image.width * image.height > MAX_PIXELS:  # known before anything is decoded
            raise BadImageError(f"more than {MAX_PIXELS} pixels")
        if image.mode not in ("1", "L", "P", "I") and not image.mode.startswith("I;16"):
            raise BadImageError("mask in colors, not one label value a pixel")
        return np.asarray(image).astype(np.int64)
    except BadImageError:
        raise
    except Exception as error:  # decoders raise many kinds for damaged files
        raise BadImageError("mask is not a readable image") from error


def _labels(raster: Raster) -> np.ndarray:
    """The one band of a TIFF and its like, of whole numbers."""
    values = raster.values[0]
    if len(raster.values) != 1:
        raise BadImageError(f"mask with {raster.stored}, not one label value a pixel")
    if (
        values.dtype.kind == "f" and not (np.abs(values.astype(np.float64)) < 2**31).all()
    ):  # NaN, too
        raise BadImageError(f"mask with {raster.stored}, some of them no label values")
    labels = values.astype(np.int64)
    if (labels != values).any():
        raise BadImageError(f"mask with {raster.stored}, some of them not whole")
    return labels


def check_mask(
    mask: np.ndarray, size: tuple[int, int], labels: Collection[int], where: str, remedy: str
) -> None:
    """Refuse label values [H, W] of another size (width, height) than their image, or unknown ones.

    `where` is what names the values, `remedy` what to do about others. Raises BadImageError with
    the reason.
    """
    high, wide = mask.shape
    if (wide, high) != size:
        raise BadImageError(f"mask of {wide}x{high} pixels, its image has {size[0]}x{size[1]}")
    if unknown := sorted(set(np.unique(mask).tolist()) - set(labels)):
        values = ", ".join(map(str, unknown[:4])) + (", ..." if len(unknown) > 4 else "")
        raise BadImageError(f"{where} does not name the values {values} ({remedy})")
