"""Rasters: TIFF, JPEG 2000 and 16-bit PNG, with all their bands and their full depth.

tifffile and imagecodecs read them, which give each band as it is stored. They work on bytes in
memory: no other file, no network and no environment has a say.
"""

import io
import logging
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from winnow.data.errors import BadImageError

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
JPEG2000 = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")  # a file, a bare codestream
PNG = b"\x89PNG\r\n\x1a\n"
OTHERS = {PNG: "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"RIFF": "WebP"}
MAX_BYTES = 2**30  # of decoded pixels, all bands together, and of one tile
# TIFF's codecs whose output is bounded by what the header says, or is looked up beforehand
JPEG, WEBP = 7, 50001
COMPRESSIONS = {1, 5, JPEG, 8, 32773, 32946, 34925, 34926, 50000, WEBP}
# Photometric interpretations that Pillow turns into colours: palette, mask, CMYK, YCbCr, three Lab
COLOURS = {3, 4, 5, 6, 8, 9, 10}


@dataclass(frozen=True)
class Raster:
    """Pixels as they are stored: `values` [bands, H, W], upright.

    `nodata` is the value that a TIFF declares for pixels that hold nothing (GDAL_NODATA). `alpha`:
    the last band is one, as only PNG can say. `inverted`: the lowest value is white.
    """

    format: str
    values: np.ndarray
    nodata: float | None = None
    alpha: bool = False
    inverted: bool = False
    orientation: int = 1  # EXIF's, which was undone

    @property
    def stored(self) -> str:
        """Bands and depth, for people: `4 bands of uint16`."""
        return described(len(self.values), self.values.dtype)


def described(bands: int, depth: object) -> str:
    """Bands and depth, for people: `4 bands of uint16`."""
    return f"{bands} band{'s' if bands != 1 else ''} of {depth}"


def read_raster(content: bytes, most: int) -> Raster | None:
    """The raster of an encoded image with at most `most` pixels.

    None where Pillow is to read the file: it is no TIFF or JPEG 2000, or a TIFF of less than 8 bits
    or in palette, CMYK, YCbCr or Lab colours. Raises BadImageError, which names the bands and the
    depth as far as they are known.
    """
    if content.startswith(TIFF):
        return _tiff(content, most)
    if content.startswith(JPEG2000):
        return _jpeg2000(content, most)
    return None


def is_deep_png(content: bytes) -> bool:
    """Whether this is a PNG of 16 bits; of its colours Pillow gives the upper eight bits alone."""
    return content.startswith(PNG) and content[24:25] == b"\x10"


def read_deep_png(content: bytes, orientation: int) -> Raster:
    """The raster of a PNG of 16 bits that Pillow could read; a transparent colour is alpha.

    Raises BadImageError.
    """
    import imagecodecs

    logging.getLogger("imagecodecs").setLevel(logging.CRITICAL)
    try:
        values = np.atleast_3d(imagecodecs.png_decode(content))
    except Exception as error:
        raise BadImageError(f"PNG of 16 bits: damaged ({_brief(error)})") from error
    alpha = values.shape[-1] in (2, 4)
    return Raster("PNG", _planes(values, orientation), alpha=alpha, orientation=orientation)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo one of EXIF's orientations, 1 to 8, of pixels [H, W, ...]; others leave them alone."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels[::-1] if orientation in (3, 4, 7, 8) else pixels


def _planes(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Upright values [bands, H, W] of pixels [H, W, bands]."""
    return np.moveaxis(upright(pixels, orientation), -1, 0)


def about(content: bytes) -> str | None:
    """What an encoded image is by its first bytes, for people, or None."""
    if content.startswith(TIFF):
        try:
            with _pages(content) as file:
                return _named(_first(file))
        except Exception:  # of many kinds for damaged files
            return "TIFF"
    return next((name for start, name in OTHERS.items() if content.startswith(start)), None)


def _tiff(content: bytes, most: int) -> Raster | None:
    """The first page of a TIFF."""
    what = "TIFF"
    try:
        with _pages(content) as file:
            page = _first(file)
            what = _named(page)
            if _is_pillows(page):
                return None
            _check_page(page, content, most)
            planes = page.asarray(maxworkers=1).reshape(page.shaped)[:, 0]  # [S, H, W, C]
            tag, orientation = page.tags.valueof(42113), page.tags.valueof(274)
            inverted = page.photometric == 0
    except BadImageError as error:
        raise BadImageError(f"{what}: {error}") from error
    except Exception as error:  # of many kinds for damaged files
        raise BadImageError(f"{what}: damaged or not supported ({_brief(error)})") from error
    if len(planes) == 1:  # needs no copy
        values = np.moveaxis(planes[0], -1, 0)
    else:
        values = np.concatenate(np.moveaxis(planes, -1, 1))
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind not in "uif":
        raise BadImageError(f"{what}: not numbers that a picture can show")
    orientation = orientation if orientation in range(1, 9) else 1
    values = _planes(np.moveaxis(values, 0, -1), orientation)
    return Raster("TIFF", values, _number(tag), False, inverted, orientation)


def _pages(content: bytes) -> "TiffFile":
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # the quarantine has the reasons
    return tifffile.TiffFile(io.BytesIO(content))


def _first(file: "TiffFile") -> "TiffPage":
    page = file.pages.first
    assert not hasattr(page, "keyframe") or page.keyframe is page  # not a TiffFrame
    return page  # type: ignore[return-value]


def _named(page: "TiffPage") -> str:
    return f"TIFF with {described(page.samplesperpixel, page.dtype or 'unknown depth')}"


def _is_pillows(page: "TiffPage") -> bool:
    bits = page.bitspersample
    return page.photometric in COLOURS or page.compression == 6 or (type(bits) is int and bits < 8)


def _check_page(page: "TiffPage", content: bytes, most: int) -> None:
    """Refuse what would take much more memory than its header says, before it is decoded."""
    separate, depth, high, wide, together = page.shaped
    if page.dtype is None:
        raise BadImageError(f"{page.bitspersample} bits a sample are not supported")
    if depth != 1:
        raise BadImageError(f"{depth} slices deep")
    if high * wide > most:
        raise BadImageError(f"more than {most} pixels")
    block = page.tilewidth * page.tilelength * page.tiledepth * together if page.is_tiled else 0
    if max(separate * high * wide * together, block) * page.dtype.itemsize > MAX_BYTES:
        raise BadImageError(f"more than {MAX_BYTES} bytes when decoded")
    if page.compression not in COMPRESSIONS:
        name = getattr(page.compression, "name", page.compression)
        raise BadImageError(f"compressed with {name}, which is not supported; use deflate or LZW")
    parts = math.prod(page.chunked)
    if min(len(page.dataoffsets), len(page.databytecounts)) < parts:  # would be drawn as zeros
        raise BadImageError(f"damaged (lists {len(page.dataoffsets)} of {parts} strips or tiles)")
    if page.compression in (JPEG, WEBP):
        for start, size in zip(page.dataoffsets, page.databytecounts, strict=True):
            if size == 0:  # a tile that was left out
                continue
            part = Image.open(io.BytesIO(content[start : start + size]), formats=("JPEG", "WEBP"))
            if part.width * part.height > most:
                raise BadImageError(f"more than {most} pixels in a tile")


def _jpeg2000(content: bytes, most: int) -> Raster:
    import imagecodecs

    try:
        wide, high, bands = _extent(content)
        if wide * high > most:
            raise BadImageError(f"more than {most} pixels")
        if wide * high * bands * 4 > MAX_BYTES:  # OpenJPEG takes 4 bytes a value
            raise BadImageError(f"{bands} bands, more than {MAX_BYTES} bytes when decoded")
        values = imagecodecs.jpeg2k_decode(content)
    except BadImageError as error:
        raise BadImageError(f"JPEG 2000: {error}") from error
    except Exception as error:
        raise BadImageError(f"JPEG 2000: damaged or not supported ({_brief(error)})") from error
    return Raster("JPEG2000", _planes(np.atleast_3d(values), 1))


def _extent(content: bytes) -> tuple[int, int, int]:
    """Width, height and bands that the codestream of a JPEG 2000 gives (ISO 15444-1, A.5.1)."""
    start = next(start for kind, start in _boxes(content) if kind == b"jp2c")
    right, low, left, top = struct.unpack_from(">4I", content, start + 8)
    (bands,) = struct.unpack_from(">H", content, start + 40)
    return right - left, low - top, bands


def _boxes(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Kind and start of each box of a JPEG 2000 file; a bare codestream is one."""
    if content.startswith(JPEG2000[1]):
        yield b"jp2c", 0
    place = 0
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        start = place + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, start)
            start += 8
        yield kind, start
        place += max(size, 8) if size else len(content)


def _number(tag: object) -> float | None:
    """The value of GDAL_NODATA, a number as text."""
    try:
        return float(str(tag).strip(" \0"))
    except ValueError:
        return None


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
