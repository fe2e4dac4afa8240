"""Masks: images with one label value a pixel, and what can be wrong with them."""

import io
from collections.abc import Collection

import numpy as np
from PIL import Image

from winnow.data.images import MAX_PIXELS, READABLE, BadImageError


def read_mask(content: bytes) -> np.ndarray:
    """Label values, int64 [H, W], of an encoded mask. Raises BadImageError with the reason."""
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


def check_mask(
    mask: np.ndarray, size: tuple[int, int], known: Collection[int], where: str, remedy: str
) -> None:
    """Refuse label values [H, W] of another size (width, height) than their image, or unknown ones.

    `where` is what names the values, `remedy` what to do about others. Raises BadImageError with
    the reason.
    """
    high, wide = mask.shape
    if (wide, high) != size:
        raise BadImageError(f"mask of {wide}x{high} pixels, its image has {size[0]}x{size[1]}")
    if unknown := sorted(set(np.unique(mask).tolist()) - set(known)):
        values = ", ".join(map(str, unknown[:4])) + (", ..." if len(unknown) > 4 else "")
        raise BadImageError(f"{where} does not name the values {values} ({remedy})")
