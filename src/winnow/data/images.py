"""Encoded images in, checked RGB out."""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}  # what a shard may hold
MIN_SIDE = 8  # pixels; anything smaller shows nothing
MAX_PIXELS = 89_478_485  # against decompression bombs; where Pillow begins to warn
# Pillow's other decoders are not tried: some run programs (EPS), none is needed.
READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000")


class BadImageError(ValueError):
    """An image that cannot be used; the message is the quarantine reason."""


def open_rgb(content: bytes) -> Image.Image:
    """Decode an encoded image to 8-bit RGB.

    16-bit grey is scaled by its own range, CMYK converted, alpha laid on black; only the first page
    of a TIFF is read. Raises BadImageError with the reason.
    """
    if not content:
        raise BadImageError("empty file")
    try:
        image = Image.open(io.BytesIO(content), formats=READABLE)
        if image.width * image.height > MAX_PIXELS:  # known before anything is decoded
            raise BadImageError(f"more than {MAX_PIXELS} pixels")
        image.load()
    except BadImageError:
        raise
    except UnidentifiedImageError as error:
        raise BadImageError("not an image") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadImageError(f"more than {MAX_PIXELS} pixels") from error
    except Exception as error:  # decoders raise many kinds for damaged files
        raise BadImageError(f"damaged: {error}") from error
    if min(image.size) < MIN_SIDE:
        raise BadImageError(f"{image.width}x{image.height} pixels, smaller than {MIN_SIDE}")
    return _to_rgb(image)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image, dtype=np.float64)
        if not np.isfinite(values).all():
            raise BadImageError("pixels that are not finite")
        low, high = values.min(), values.max()
        scaled = (values - low) / (high - low or 1.0) * 255
        return Image.fromarray(scaled.round().astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer).convert("RGB")
    return image.convert("RGB")


def normalise(content: bytes) -> tuple[bytes, str, int, int]:
    """Make an encoded image fit for a shard: (bytes, extension, width, height).

    PNG, JPEG and WebP in 8-bit RGB or grey pass unchanged; everything else (TIFF, CMYK, 16 bit,
    alpha, palettes) is decoded and encoded as PNG. Raises BadImageError with the reason.
    """
    rgb = open_rgb(content)
    probe = Image.open(io.BytesIO(content), formats=READABLE)
    plain = probe.mode in ("RGB", "L") and "transparency" not in probe.info
    if probe.format in FORMATS and plain:
        return content, FORMATS[probe.format], rgb.width, rgb.height
    return encode_png(np.asarray(rgb)), "png", rgb.width, rgb.height


def encode_png(pixels: np.ndarray) -> bytes:
    """Encode uint8 pixels, [H, W, 3] or [H, W], as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
