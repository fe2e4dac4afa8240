"""Images of any bands and depth: what is drawn, what is recorded, what is refused and why."""

import io
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import fakes
import imagecodecs
import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pydantic import TypeAdapter, ValidationError
from test_pool import build, from_source, record, samples

from winnow.data import rendering
from winnow.data.images import BadImageError, encode_png, normalise, open_rgb
from winnow.data.masks import read_mask
from winnow.data.raster import read_raster
from winnow.data.rendering import Rendering
from winnow.data.shards import iter_shard, shard_path
from winnow.data.tables import CONVERSIONS, read_table
from winnow.sources.pool import describe
from winnow.sources.registry import Source

RNG = np.random.default_rng(3)
COLOURS = fakes.pixels(1, 32)
NEAR_INFRARED = fakes.pixels(2, 32)[..., :1]
TWELVE_BITS = (COLOURS.astype(np.uint16) * 8) + 900  # 900 to 2940: black if taken for 16 bits
MASK = fakes.pixels(8)[..., 0] % 5


def tiff(values: np.ndarray, nodata: str | None = None, tags: Any = (), **options: Any) -> bytes:
    """A TIFF of values [H, W], [H, W, bands] or, if planar, [bands, H, W]."""
    buffer = io.BytesIO()
    extra = [*tags] + ([(42113, "s", 0, nodata, True)] if nodata is not None else [])
    kind = {"photometric": "minisblack", "metadata": None, **options}
    if values.ndim == 3 and kind.get("photometric") == "minisblack":
        kind.setdefault("planarconfig", "contig")
    tifffile.imwrite(buffer, values, extratags=extra, **kind)
    return buffer.getvalue()


def png(values: np.ndarray) -> bytes:
    """A PNG of any depth."""
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(values)))


def jpeg2000(values: np.ndarray, **options: Any) -> bytes:
    """A lossless JPEG 2000."""
    return bytes(
        imagecodecs.jpeg2k_encode(
            np.ascontiguousarray(values), planar=False, reversible=True, **options
        )
    )


def drawn(content: bytes, **rendering: Any) -> np.ndarray:
    """The picture that a shard would hold."""
    made = normalise(content, Rendering(**rendering))
    picture = np.asarray(open_rgb(made.content))
    assert picture.shape == (made.height, made.width, 3)
    assert (picture == np.asarray(open_rgb(content, Rendering(**rendering)))).all()
    return picture


def conversion(content: bytes, **rendering: Any) -> Any:
    """How an image was converted."""
    return normalise(content, Rendering(**rendering)).conversion


@pytest.mark.parametrize("extra", [None, (0,), (1,), (2,)])
@pytest.mark.parametrize("photometric", ["rgb", "minisblack"])
@pytest.mark.parametrize("compression", [None, "deflate", "lzw", "zstd", "packbits"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16)}, {"planarconfig": "separate"}])
def test_near_infrared_is_no_alpha(
    extra: Any, photometric: str, compression: Any, layout: dict[str, Any]
) -> None:
    values = np.concatenate([COLOURS, NEAR_INFRARED], axis=-1)
    if photometric == "minisblack" and extra is not None:
        extra = extra * 3
    if "planarconfig" in layout:
        values = np.moveaxis(values, -1, 0)
    content = tiff(
        values, photometric=photometric, extrasamples=extra, compression=compression, **layout
    )
    assert (drawn(content) == COLOURS).all()
    assert conversion(content).stored == "4 bands of uint8"


def test_near_infrared_in_jpeg_2000_is_no_alpha() -> None:
    values = np.concatenate([COLOURS, NEAR_INFRARED], axis=-1)
    for kind in ("jp2", "j2k"):
        assert (drawn(jpeg2000(values, codecformat=kind)) == COLOURS).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 13])
@pytest.mark.parametrize("planar", [False, True])
def test_any_number_of_bands(count: int, planar: bool) -> None:
    values = RNG.integers(0, 256, (16, 24, count), dtype=np.uint8)
    stored = np.moveaxis(values, -1, 0) if planar else values
    if count == 1:
        content = tiff(values[..., 0])
    else:
        content = tiff(stored, planarconfig="separate" if planar else "contig")
    expected = values[..., :3] if count >= 3 else np.repeat(values[..., :1], 3, axis=-1)
    assert (drawn(content) == expected).all()


def test_twelve_bits_in_sixteen_are_not_black() -> None:
    pictures = [drawn(make(TWELVE_BITS)) for make in (tiff, png, jpeg2000)]
    pictures += [drawn(tiff(TWELVE_BITS, photometric="rgb", byteorder=order)) for order in "<>"]
    pictures += [drawn(tiff(TWELVE_BITS.astype(kind))) for kind in ("i4", "u4", "i8", "f4", "f8")]
    for picture in pictures:
        assert (picture == pictures[0]).all()
    assert pictures[0].min() == 0 and pictures[0].max() == 255
    assert np.corrcoef(pictures[0].ravel(), COLOURS.ravel())[0, 1] > 0.99
    low, high = np.percentile(TWELVE_BITS, (2, 98))
    done = conversion(png(TWELVE_BITS))
    assert (done.stretch, done.low, done.high, done.nodata) == ("percentile", low, high, 0)
    assert (done.format, done.stored, done.bands) == ("PNG", "3 bands of uint16", "1,2,3")


def test_grey_of_sixteen_bits_is_drawn_alike_in_all_formats() -> None:
    grey = TWELVE_BITS[..., 0]
    first = drawn(tiff(grey))
    assert all((drawn(make(grey)) == first).all() for make in (png, jpeg2000))
    assert (first[..., 0] == first[..., 2]).all() and first.min() == 0 and first.max() == 255


def test_one_stretch_for_all_bands_keeps_the_colours() -> None:
    values = np.stack([np.linspace(a, b, 1024).reshape(32, 32) for a, b in
                       ((0, 1000), (0, 500), (0, 250))], axis=-1).astype(np.uint16)  # fmt: skip
    picture = drawn(tiff(values)).astype(float)
    middle = picture[10:20]
    assert np.abs(middle[..., 0] / 2 - middle[..., 1]).max() <= 2
    assert np.abs(middle[..., 1] / 2 - middle[..., 2]).max() <= 2


@pytest.mark.parametrize("make", [tiff, png, jpeg2000])
def test_a_declared_stretch(make: Any) -> None:
    values = np.full((16, 16, 3), 500, np.uint16)
    values[0, 0], values[0, 1], values[0, 2] = 0, 1000, 4000
    picture = drawn(make(values), stretch=(0.0, 1000.0))
    assert picture[0, :3, 0].tolist() == [0, 255, 255] and (picture[1:] == 128).all()
    done = conversion(make(values), stretch=(0.0, 1000.0))
    assert (done.stretch, done.low, done.high) == ("declared", 0, 1000)


def test_named_bands() -> None:
    values = RNG.integers(0, 256, (16, 16, 5), dtype=np.uint8)
    assert (drawn(tiff(values), bands=(4, 3, 2)) == values[..., [3, 2, 1]]).all()
    assert (drawn(tiff(values), bands=(5, 5, 5)) == values[..., [4, 4, 4]]).all()
    assert conversion(tiff(values), bands=(4, 3, 2)).bands == "4,3,2"
    four = values[..., :4]
    for content in (fakes.encode(four), fakes.encode(four, "WEBP", lossless=True, exact=True)):
        assert (drawn(content, bands=(4, 3, 2)) == four[..., [3, 2, 1]]).all()
    assert (drawn(fakes.picture(1), bands=(3, 2, 1)) == fakes.pixels(1)[..., ::-1]).all()
    wide = four.astype(np.uint16) * 200
    picture = drawn(png(wide), bands=(4, 3, 2))
    assert (picture == drawn(tiff(wide), bands=(4, 3, 2))).all()
    assert normalise(fakes.picture(1), Rendering(bands=(1, 2, 3))).content == fakes.picture(1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tiff(TWELVE_BITS), "3 bands of uint16"),
        (fakes.picture(1), "3 bands of uint8"),
        (fakes.encode(MASK), "1 band of uint8"),
        (fakes.encode(Image.fromarray(COLOURS).convert("CMYK"), "JPEG"), "3 bands of uint8"),
    ],
)
def test_a_named_band_that_is_missing(content: bytes, said: str) -> None:
    with pytest.raises(BadImageError, match=f"band 8 is missing: {said}, asked for 8, 1, 1"):
        normalise(content, Rendering(bands=(8, 1, 1)))


def test_bands_of_a_tiff_are_never_alpha_and_those_of_a_png_are() -> None:
    alpha = np.full((16, 16, 1), 65535, np.uint16)
    alpha[:8] = 0
    values = np.concatenate([np.full((16, 16, 3), 1000, np.uint16), alpha], axis=-1)
    values[12:, :, :3] = 2000
    assert (drawn(png(values))[:8] == 0).all() and (drawn(png(values))[12:] == 255).all()
    assert conversion(png(values)).nodata == 0.5
    opaque = drawn(tiff(values, extrasamples=(0, 0, 2)))
    assert (opaque[:12] == 0).all() and (opaque[12:] == 255).all()
    assert conversion(tiff(values, extrasamples=(0, 0, 2))).nodata == 0
    two = np.concatenate([values[..., :1], alpha], axis=-1)
    assert (drawn(png(two)) == drawn(png(values))).all()


FLOATS = RNG.random((32, 32), dtype=np.float32)


@pytest.mark.parametrize(
    ("kind", "fill", "tag"),
    [
        (np.float32, -9999, None),
        (np.float32, -9999, "-9999"),
        (np.float32, np.nan, None),
        (np.float32, np.nan, "nan"),
        (np.float32, np.inf, None),
        (np.float32, -np.inf, None),
        (np.float32, -3.4028234663852886e38, "-3.40282346638529e+38"),
        (np.float32, -3.4e38, None),
        (np.float32, 1e20, None),
        (np.float64, -1.7976931348623157e308, None),
        (np.float64, -99999, "-99999.0"),
        (np.float16, -9999, None),
        (np.int16, -32768, None),
        (np.int16, -9999, "-9999"),
        (np.int32, -2147483648, None),
        (np.int64, -9999, None),
        (np.uint16, 0, "0"),
        (np.uint16, 0, None),
        (np.uint16, 65535, "65535"),
        (np.uint32, 2**32 - 1, None),
    ],
)
@pytest.mark.parametrize("share", [1 / 1024, 0.4])
def test_nodata_does_not_move_the_stretch(kind: Any, fill: float, tag: Any, share: float) -> None:
    values = FLOATS if np.issubdtype(kind, np.floating) else 5000 + FLOATS * 1000
    values = values.astype(kind)
    gone = np.zeros((32, 32), bool)
    gone.ravel()[: max(1, round(share * 1024))] = True
    values[gone] = fill
    picture = drawn(tiff(values, nodata=tag))[..., 0]
    low, high = np.percentile(values[~gone].astype(float), (2, 98))
    expected = np.clip((values[~gone].astype(float) - low) / (high - low), 0, 1) * 255
    assert np.abs(picture[~gone] - expected).max() <= 1
    if tag is not None or fill < 1 or not np.isfinite(fill):
        assert (picture[gone] == 0).all()
    done = conversion(tiff(values, nodata=tag))
    if tag is not None or not np.isfinite(fill):
        assert done.nodata == pytest.approx(gone.mean())
    assert np.isfinite([done.low, done.high]).all()


def test_several_kinds_of_nodata_in_one_image() -> None:
    values = FLOATS.copy()
    values[:4], values[4:6], values[6, :9], values[7, 0] = -9999, -32768, np.nan, 1e38
    low, high = np.percentile(values[8:], (2, 98))
    done = conversion(tiff(values))
    assert done.low == pytest.approx(low, abs=0.02) and done.high == pytest.approx(high, abs=0.02)


def test_few_values_far_apart_are_no_nodata() -> None:
    for levels in ([0, 1000], [0, 1000, 3000], [10, 100, 1000], [0, 65535], [-9999, 5]):
        values = np.resize(levels, (16, 16)).astype(np.int32)
        picture = drawn(tiff(values))[..., 0]
        assert len(np.unique(picture)) == len(levels) and picture.max() == 255


def test_nodata_of_colours_of_eight_bits_stays() -> None:
    assert (drawn(tiff(COLOURS, nodata="7", photometric="rgb")) == COLOURS).all()


@pytest.mark.parametrize("tag", ["", "none", "1e999", "-", "\x7f"])
def test_a_nodata_tag_that_is_no_number(tag: str) -> None:
    assert conversion(tiff(FLOATS, nodata=tag)).nodata == 0


@pytest.mark.parametrize("value", [0, 7, 65535])
@pytest.mark.parametrize("make", [tiff, png, jpeg2000])
def test_constant_images(value: int, make: Any) -> None:
    for shape in ((16, 16), (16, 16, 3)):
        assert (drawn(make(np.full(shape, value, np.uint16))) == 0).all()
    picture = drawn(make(np.full((16, 16), value, np.uint16)), stretch=(0.0, 65535.0))
    assert (picture == round(value / 257)).all()


def test_almost_constant_images_show_what_differs() -> None:
    values = np.full((32, 32), 100.0, np.float32)
    values[3, 3] = 101
    picture = drawn(tiff(values))
    assert (picture[3, 3] == 255).all() and picture.sum() == 3 * 255


@pytest.mark.parametrize("tag", [None, "0"])
def test_images_that_hold_nothing(tag: str | None) -> None:
    values = np.full((16, 16), np.nan if tag is None else 0, np.float32)
    with pytest.raises(BadImageError, match="1 band of float32: no value but nodata or not finite"):
        normalise(tiff(values, nodata=tag))


@pytest.mark.parametrize("bands", [1, 3])
def test_a_stretch_takes_little_more_memory_than_the_image(
    monkeypatch: pytest.MonkeyPatch, bands: int
) -> None:
    monkeypatch.setattr(rendering, "STRIP", 2**14, raising=False)
    values = RNG.random((1024, 1024, bands), dtype=np.float32)
    values[:100] = -9999
    content = tiff(values.squeeze())
    tracemalloc.start()
    raster = read_raster(content, 2**20)
    assert raster is not None
    rendering.render(raster, Rendering())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3.6 * values.nbytes


@given(
    arrays(st.sampled_from([np.uint16, np.int32, np.float16, np.float32, np.float64]),
           st.integers(1, 99), elements={"min_value": 0, "max_value": 60000})
)  # fmt: skip
def test_percentiles_are_those_of_numpy(values: np.ndarray) -> None:
    expected = np.percentile(values.astype(np.float64), rendering.PERCENTILES).tolist()
    assert rendering._percentiles(values) == expected


@pytest.mark.parametrize("strip", [1, 100, 2**20])
def test_strips_draw_what_the_whole_does(monkeypatch: pytest.MonkeyPatch, strip: int) -> None:
    values = RNG.normal(300, 90, (40, 24, 3)).astype(np.float32)
    values[:5, 3:], values[9] = -9999, np.nan
    whole = drawn(tiff(values))
    monkeypatch.setattr(rendering, "STRIP", strip)
    assert (drawn(tiff(values)) == whole).all()


def test_white_is_zero() -> None:
    grey = COLOURS[..., 0]
    assert (drawn(tiff(grey, photometric="miniswhite"))[..., 0] == 255 - grey).all()
    deep = TWELVE_BITS[..., 0]
    white = drawn(tiff(deep, photometric="miniswhite")).astype(int)
    assert np.abs(255 - white - drawn(tiff(deep))).max() <= 1


@pytest.mark.parametrize("kind", ["u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "i1"])
@pytest.mark.parametrize("options", [
    {"compression": "deflate"}, {"compression": "zstd", "tile": (16, 16)},
    {"bigtiff": True, "byteorder": ">"}, {"rowsperstrip": 5, "compression": "lzma"},
])  # fmt: skip
def test_depths(kind: str, options: dict[str, Any]) -> None:
    values = (COLOURS[..., 0].astype(int) // 4).astype(kind)
    picture = drawn(tiff(values, **options))
    assert (picture == drawn(tiff(values.astype("f8")))).all()
    assert picture.min() == 0 and picture.max() == 255


@pytest.mark.parametrize("kind", ["u2", "u4", "f4", "f8"])
def test_predictors(kind: str) -> None:
    values = TWELVE_BITS.astype(kind)
    content = tiff(values, compression="zstd", predictor=True, tile=(16, 16))
    assert (drawn(content) == drawn(png(TWELVE_BITS))).all()


def test_twelve_bits_packed() -> None:
    values = TWELVE_BITS[..., 0]
    assert (drawn(tiff(values, bitspersample=12)) == drawn(tiff(values))).all()


@pytest.mark.parametrize("count", [1, 3, 4])
def test_jpeg_and_webp_inside_tiff(count: int) -> None:
    smooth = np.indices((32, 32, 4)).sum(axis=0)[..., :count].astype(np.uint8) * 3
    photometric = "rgb" if count > 1 else "minisblack"
    for kind in ["jpeg"] * (count < 4) + ["webp"] * (count > 1):
        values = smooth if count > 1 else smooth[..., 0]
        picture = drawn(tiff(values, photometric=photometric, compression=kind, tile=(16, 16)))
        assert np.abs(picture.astype(int) - smooth[..., :3]).max() < 25


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_shown_upright(orientation: int) -> None:
    picture = Image.fromarray(fakes.pixels(3, 24)[:16])
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = np.asarray(open_rgb(fakes.encode(picture, exif=exif)))
    turned = Image.open(io.BytesIO(fakes.encode(picture, exif=exif)))
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(turned)
    assert upright is not None and (expected == np.asarray(upright)).all()
    tag = [(274, "H", 1, orientation, True)]
    contents = {
        "PNG": fakes.encode(picture, exif=exif),
        "WEBP": fakes.encode(picture, "WEBP", lossless=True, exif=exif),
        "TIFF": tiff(np.asarray(picture), photometric="rgb", tags=tag),
    }
    for kind, content in contents.items():
        assert (drawn(content) == expected).all()
        assert conversion(content) is None or conversion(content).orientation == orientation
        assert (conversion(content) is None) == (orientation == 1 and kind != "TIFF")
    pale = fakes.encode(picture.convert("P"), "TIFF", tiffinfo={274: orientation})
    assert conversion(pale).orientation == orientation
    assert drawn(pale).shape == expected.shape
    jpeg = fakes.encode(picture, "JPEG", exif=exif)
    assert drawn(jpeg).shape == expected.shape
    assert (normalise(jpeg).content == jpeg) == (orientation == 1)
    assert (read_mask(tiff(MASK, tags=tag)) == np.asarray(
        drawn(tiff(MASK, tags=tag)))[..., 0]).all()  # fmt: skip


def test_damaged_exif_does_not_lose_an_image() -> None:
    content = fakes.encode(COLOURS, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 9)
    assert normalise(content).content == content


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_plain_images_are_kept_byte_for_byte(kind: str, mode: str) -> None:
    content = fakes.encode(Image.fromarray(COLOURS).convert(mode), kind)
    for stretch in ("percentile", (0.0, 3000.0)):
        made = normalise(content, Rendering(stretch=stretch))  # type: ignore[arg-type]
        assert made.content == content and made.conversion is None


def test_other_colours_are_converted_as_pillow_does() -> None:
    picture = Image.fromarray(COLOURS)
    for mode, kind in (("CMYK", "JPEG"), ("CMYK", "TIFF"), ("P", "TIFF"), ("1", "TIFF"),
                       ("LAB", "TIFF"), ("P", "GIF"), ("RGB", "BMP")):  # fmt: skip
        content = fakes.encode(picture.convert("RGB" if mode == "LAB" else mode), kind)
        expected = Image.open(io.BytesIO(content)).convert("RGB")
        assert (drawn(content) == np.asarray(expected)).all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tiff(FLOATS.astype(np.complex64)), "TIFF with 1 band of complex64: not numbers"),
        (tiff(TWELVE_BITS, compression="jpeg2000"), "3 bands of uint16: compressed with JPEG2000"),
        (tiff(FLOATS, compression="lerc"), "TIFF with 1 band of float32: compressed with LERC"),
        (tiff(TWELVE_BITS)[:3000], "TIFF with 3 bands of uint16: damaged"),
        (tiff(TWELVE_BITS[:4]), "32x4 pixels, smaller than 8"),
        (png(TWELVE_BITS)[:2000], "damaged"),
        (jpeg2000(TWELVE_BITS)[:500], "JPEG 2000: damaged"),
        (b"II*\0" + b"\xff" * 40, "TIFF: damaged"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 40, "JPEG: damaged or not supported"),
        (bytes(imagecodecs.jpeg_encode(TWELVE_BITS, bitspersample=12)), "JPEG: damaged"),
        (b"MMM, a text that begins like a TIFF", "not an image"),
    ],
)
def test_what_is_not_read_has_a_reason(content: bytes, said: str) -> None:
    with pytest.raises(BadImageError) as caught:
        normalise(content)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def bombs() -> dict[str, bytes]:
    """Small files that say they are huge."""
    deep = png(TWELVE_BITS)
    jp2 = bytearray(jpeg2000(TWELVE_BITS))
    place = jp2.find(b"\xff\x4f\xff\x51")
    jp2[place + 8 : place + 16] = struct.pack(">2I", 60000, 60000)
    page = bytearray(tiff(COLOURS[..., 0], compression="jpeg", tile=(32, 32)))
    frame = page.find(b"\xff\xc0")
    page[frame + 5 : frame + 9] = struct.pack(">2H", 60000, 60000)
    return {
        "png": deep[:16] + struct.pack(">2I", 60000, 60000) + deep[24:],
        "jpeg 2000": bytes(jp2),
        "jpeg in tiff": bytes(page),
        "tiff": patched(tiff(TWELVE_BITS), {256: 60000, 257: 60000}),
        "bands": patched(tiff(TWELVE_BITS, bigtiff=False), {256: 9000, 257: 9000, 277: 60000}),
        "tile": patched(tiff(COLOURS, compression="deflate", tile=(32, 32)),
                        {322: 65520, 323: 65520}),
    }  # fmt: skip


def patched(content: bytes, values: dict[int, int]) -> bytes:
    """A little-endian TIFF with other values of some tags."""
    found = bytearray(content)
    (start,) = struct.unpack_from("<I", found, 4)
    (count,) = struct.unpack_from("<H", found, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, _, _ = struct.unpack_from("<HHI", found, place)
        if tag in values:
            struct.pack_into("<HHII", found, place, tag, 4, 1, values[tag])
    return bytes(found)


@pytest.mark.parametrize("compression", [None, "lzw"])
def test_strips_that_are_missing_are_not_drawn_black(compression: str | None) -> None:
    content = tiff(TWELVE_BITS, compression=compression, rowsperstrip=8)
    assert drawn(content).shape == (32, 32, 3)
    with pytest.raises(BadImageError, match=r"damaged \(lists 4 of 32 strips or tiles\)"):
        normalise(patched(content, {278: 1}))


@pytest.mark.parametrize("kind", bombs())
def test_bombs_are_refused_before_they_are_decoded(kind: str) -> None:
    with pytest.raises(BadImageError, match="damaged" if kind == "png" else r"more than|exceeds"):
        normalise(bombs()[kind])


@pytest.mark.parametrize("make", [tiff, png, jpeg2000])
def test_the_limit_on_pixels_holds_for_rasters(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    monkeypatch.setattr("winnow.data.images.MAX_PIXELS", 1023)
    with pytest.raises(BadImageError, match="more than 1023 pixels"):
        open_rgb(make(TWELVE_BITS))


DEPTHS = ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"]


@st.composite
def rasters(draw: Any) -> tuple[bytes, int, int, int]:
    """An encoded raster of any kind, its width, height and count of bands."""
    high, wide = draw(st.integers(8, 40)), draw(st.integers(8, 40))
    form = draw(st.sampled_from(["tiff", "png", "jpeg 2000"]))
    count = draw(st.integers(1, 4 if form == "png" else 6))
    kind = draw(st.sampled_from(DEPTHS if form == "tiff" else ["u1", "u2"]))
    dice = np.random.default_rng(draw(st.integers(0, 99)))
    values = (dice.random((high, wide, count)) * draw(st.sampled_from([0, 1, 100]))).astype(kind)
    if kind.startswith("f"):
        values[dice.random(values.shape) < draw(st.sampled_from([0, 0.5]))] = draw(
            st.sampled_from([np.nan, np.inf, -9999, 0])
        )
    if form != "tiff":
        return (png if form == "png" else jpeg2000)(values.squeeze(-1) if count == 1 else values), \
            wide, high, count  # fmt: skip
    planar = draw(st.booleans()) and count > 1
    stored = np.moveaxis(values, -1, 0) if planar else values if count > 1 else values[..., 0]
    options: dict[str, Any] = {
        "tile": draw(st.sampled_from([None, (16, 16), (32, 16)])),
        "compression": draw(st.sampled_from([None, "lzw", "deflate", "zstd", "packbits"])),
        "byteorder": draw(st.sampled_from("<>")),
        "bigtiff": draw(st.booleans()),
    }
    if count >= 3:
        options["photometric"] = draw(st.sampled_from(["rgb", "minisblack"]))
    if count > 1:
        options["planarconfig"] = "separate" if planar else "contig"
    nodata = draw(st.sampled_from([None, "0", "nan", "-9999", "1e400", "x"]))
    return tiff(stored, nodata, **options), wide, high, count


BANDS = st.none() | st.tuples(*[st.integers(1, 6)] * 3)
STRETCH = st.just("percentile") | st.tuples(st.floats(-9, 0), st.floats(1, 99))


@settings(deadline=None, max_examples=300)
@given(rasters(), BANDS, STRETCH)
def test_every_raster_becomes_a_picture_or_has_a_reason(
    made: tuple[bytes, int, int, int], bands: Any, stretch: Any
) -> None:
    content, wide, high, count = made
    try:
        picture = np.asarray(open_rgb(content, Rendering(bands, stretch)))
    except BadImageError as error:
        assert "no value but nodata" in str(error) or max(bands) > count
        assert f"of {count} band" in f"of {error}" or f" {count} band" in f" {error}"
    else:
        assert picture.shape == (high, wide, 3) and picture.dtype == np.uint8
        assert bands is None or max(bands) <= count


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of damaged tags
@pytest.mark.filterwarnings("error::RuntimeWarning")
@settings(deadline=None, max_examples=500)
@given(rasters(), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=9),
       st.integers(0), st.booleans())  # fmt: skip
def test_damaged_rasters_raise_nothing_else(
    made: tuple[bytes, int, int, int], changes: Any, cut: int, head: bool
) -> None:
    content = bytearray(made[0])
    for place, value in changes:
        content[place % (min(400, len(content)) if head else len(content))] = value
    content = content[: cut % len(content)] if cut % 3 == 0 else content
    for read in (normalise, read_mask):
        try:
            read(bytes(content))  # type: ignore[operator]
        except BadImageError as error:
            assert str(error)


def test_the_pool_records_what_was_done(tmp_path: Path) -> None:
    plain = record(0)
    records = [
        plain,
        record(1, name="a.tif", image=tiff(TWELVE_BITS)),
        record(2, name="b.tif", image=tiff(np.flipud(TWELVE_BITS))),
        record(3, name="c.tif", image=tiff(np.concatenate([COLOURS, NEAR_INFRARED], axis=-1))),
        record(4, name="d.png", image=fakes.encode(Image.fromarray(COLOURS[:9]).convert("CMYK"),
                                                   "JPEG")),
    ]  # fmt: skip
    summary = build(tmp_path, records)
    found = read_table(tmp_path / "pool" / "conversions.parquet", CONVERSIONS)
    table = samples(tmp_path)
    assert list(found["uid"]) == list(table["uid"])[1:]
    assert list(found["stretch"].fillna("")) == ["percentile", "percentile", "", ""]
    assert found["low"][0] == np.percentile(TWELVE_BITS, 2) and pd.isna(found["low"][2])
    assert list(found["bands"]) == ["1,2,3"] * 4
    told = describe(summary)
    assert "4 images became PNG" in told
    assert "2 x TIFF of 3 bands of uint16, stretched (percentile)" in told
    assert "1 x TIFF of 4 bands of uint8" in told and "1 x JPEG of CMYK" in told


def test_a_pool_of_plain_images_has_no_such_table(tmp_path: Path) -> None:
    summary = build(tmp_path, [record(0)])
    assert not (tmp_path / "pool" / "conversions.parquet").exists()
    assert "became" not in describe(summary)


def test_a_source_names_bands_and_stretch(tmp_path: Path) -> None:
    values = RNG.integers(0, 4000, (16, 16, 5), dtype=np.uint16)
    (tmp_path / "a.tif").write_bytes(tiff(values))
    (tmp_path / "metadata.csv").write_text("file_name,text\na.tif,a field\n")
    source = {"kind": "folder", "images": tmp_path, "metadata": tmp_path / "metadata.csv",
              "bands": [4, 3, 2], "stretch": [0, 4000]}  # fmt: skip
    from_source(tmp_path, source)
    [(_, content)] = iter_shard(shard_path(tmp_path / "pool", 0))
    expected = np.rint(values[..., [3, 2, 1]] / 4000 * 255).astype(np.uint8)
    assert (np.asarray(open_rgb(content)) == expected).all()
    found = read_table(tmp_path / "pool" / "conversions.parquet", CONVERSIONS)
    assert found.loc[0, ["bands", "stretch", "low", "high"]].tolist() == [
        "4,3,2", "declared", 0, 4000]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{"bands": [0, 1, 2]}, {"bands": [1, 2]}, {"bands": "4,3,2"}, {"stretch": [5, 5]},
     {"stretch": [9, 1]}, {"stretch": [0, float("inf")]}, {"stretch": "minmax"}],
)  # fmt: skip
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Source).validate_python({"kind": "classes", "images": "x", **wrong})


@pytest.mark.parametrize("kind", ["u1", "u2", "i4", "f4"])
def test_masks_in_tiff(kind: str) -> None:
    for options in ({"compression": "zstd"}, {"tile": (16, 16)}, {"bigtiff": True}):
        assert (read_mask(tiff(MASK.astype(kind), **options)) == MASK).all()
    assert (read_mask(png(MASK.astype(np.uint16))) == MASK).all()
    assert (read_mask(encode_png(MASK)) == MASK).all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tiff(COLOURS, photometric="rgb"), "mask with 3 bands of uint8"),
        (tiff(FLOATS), "mask with 1 band of float32, some of them not whole"),
        (tiff(np.full((9, 9), np.nan)), "some of them no label values"),
        (tiff(MASK)[:90], "damaged"),
    ],
)
def test_masks_that_are_none(content: bytes, said: str) -> None:
    with pytest.raises(BadImageError, match=said):
        read_mask(content)


def test_a_run_without_rasters_does_not_load_their_libraries() -> None:
    code = (
        "import sys; from winnow.data.images import normalise; normalise(open(sys.argv[1],'rb')"
        ".read()); sys.exit(any(m in sys.modules for m in ('tifffile', 'imagecodecs')))"
    )
    assert subprocess.run([sys.executable, "-c", code, "/dev/stdin"], input=fakes.picture(1),
                          check=False).returncode == 0  # fmt: skip
