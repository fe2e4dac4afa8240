"""Encoded images in, checked RGB out."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from winnow.data.errors import BadImageError
from winnow.data.raster import Raster, about, is_deep_png, read_deep_png, read_raster, upright
from winnow.data.rendering import Conversion, Rendering, render

FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}  # what a shard may hold
MIN_SIDE = 8  # pixels; anything smaller shows nothing
MAX_PIXELS = 89_478_485  # against decompression bombs; where Pillow begins to warn
# Pillow's other decoders are not tried: some run programs (EPS), none is needed.
READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000")
ORIENTATION = 0x0112  # EXIF's tag
EXIF = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}  # where Pillow finds it
DEFAULT = Rendering()


class Normal(NamedTuple):
    """An image fit for a shard; `conversion` says how it was made, None if it is as it came."""

    content: bytes
    extension: str
    width: int
    height: int
    conversion: Conversion | None


def open_rgb(content: bytes, rendering: Rendering = DEFAULT) -> Image.Image:
    """Decode an encoded image to 8-bit RGB, upright.

    Of a raster, three bands are drawn as `rendering` says. CMYK is converted, alpha of PNG and WebP
    laid on black; only the first page of a TIFF is read, and none of its bands is alpha. Raises
    BadImageError with the reason.
    """
    return _decoded(content, rendering)[0]


def normalise(content: bytes, rendering: Rendering = DEFAULT) -> Normal:
    """Make an encoded image fit for a shard.

    PNG, JPEG and WebP in 8-bit RGB or grey pass unchanged if they are stored upright; everything
    else (TIFF, CMYK, 16 bits, alpha, palettes) is decoded and encoded as PNG. Raises BadImageError
    with the reason.
    """
    rgb, done = _decoded(content, rendering)
    plain = done.format in FORMATS and (done.stored, done.bands) in (("RGB", "1,2,3"), ("L", "1"))
    if plain and done.orientation == 1:
        return Normal(content, FORMATS[done.format], rgb.width, rgb.height, None)
    return Normal(encode_png(np.asarray(rgb)), "png", rgb.width, rgb.height, done)


def encode_png(pixels: np.ndarray) -> bytes:
    """Encode uint8 pixels, [H, W, 3] or [H, W], as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _decoded(content: bytes, rendering: Rendering) -> tuple[Image.Image, Conversion]:
    if not content:
        raise BadImageError("empty file")
    raster = read_raster(content, MAX_PIXELS)
    if raster is None:
        image, undone = _opened(content)
        if not is_deep_png(content):
            _check_side(*image.size)
            return _eight_bit(image, undone, rendering)
        raster = read_deep_png(content, _orientation(image))
    _check_side(raster.values.shape[2], raster.values.shape[1])
    pixels, done = render(raster, rendering)
    del raster  # large beside the picture
    return Image.fromarray(pixels), done


def _opened(content: bytes) -> tuple[Image.Image, int]:
    """An image that Pillow decoded, and the orientation that it undid: of TIFFs, while it loads."""
    try:
        image = Image.open(io.BytesIO(content), formats=READABLE)
        if image.width * image.height > MAX_PIXELS:  # known before anything is decoded
            raise BadImageError(f"more than {MAX_PIXELS} pixels")
        before = _orientation(image) if image.format == "TIFF" else 1
        image.load()
        return image, before
    except (BadImageError, MemoryError):  # of the machine, for so few pixels: not the image's fault
        raise
    except UnidentifiedImageError as error:
        kind = about(content)
        reason = f"{kind}: damaged or not supported" if kind else "not an image"
        raise BadImageError(reason) from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadImageError(f"more than {MAX_PIXELS} pixels") from error
    except Exception as error:  # decoders raise many kinds for damaged files
        raise BadImageError(f"damaged: {error}") from error


def _orientation(image: Image.Image) -> int:
    if image.format != "TIFF" and not EXIF & image.info.keys():
        return 1  # at no cost, as for all images of a pool
    try:
        found = image.getexif().get(ORIENTATION)
    except Exception:  # a damaged EXIF block says nothing, as in browsers
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _eight_bit(
    image: Image.Image, undone: int, rendering: Rendering
) -> tuple[Image.Image, Conversion]:
    stored, form = image.mode, str(image.format)
    if stored in ("L", "RGB") and "transparency" in image.info:
        stored += "A"  # one colour is transparent
    turn = _orientation(image)
    if rendering.bands is not None:
        if image.mode not in ("L", "LA", "RGB", "RGBA"):
            image = image.convert("RGB")
        bands = np.moveaxis(np.atleast_3d(np.asarray(image)), -1, 0)
        pixels, done = render(Raster(form, bands), rendering)
        image, taken = Image.fromarray(pixels), done.bands
    else:
        image, taken = _to_rgb(image), "1" if stored in ("1", "L", "LA") else "1,2,3"
    if turn != 1:
        image = Image.fromarray(np.ascontiguousarray(upright(np.asarray(image), turn)))
    return image, Conversion(form, stored, taken, orientation=max(undone, turn))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer).convert("RGB")
    return image.convert("RGB")


def _check_side(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise BadImageError(f"{width}x{height} pixels, smaller than {MIN_SIDE}")
