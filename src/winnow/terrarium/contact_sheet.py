"""A contact sheet of the world: `python -m winnow.terrarium.contact_sheet docs/terrarium.png`."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from winnow.terrarium.layout import draw_layout
from winnow.terrarium.render import render
from winnow.terrarium.schema import Style
from winnow.terrarium.words import SCENES

_MARGIN, _LABEL = 6, 15


def contact_sheet(columns: int = 8, rows: int = 6, zoom: int = 2, seed: int = 0) -> Image.Image:
    """Tiles of 64 px, magnified, each labelled with its scene; scenes take turns."""
    tile = 64 * zoom
    step_x, step_y = tile + _MARGIN, tile + _MARGIN + _LABEL
    sheet = Image.new("RGB", (columns * step_x + _MARGIN, rows * step_y + _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(11)
    for k in range(columns * rows):
        scene = SCENES[k % len(SCENES)]
        layout = draw_layout(seed + k, Style(scenes=(scene,)))
        image = Image.fromarray(render(layout, seed + k)[0])
        x, y = _MARGIN + k % columns * step_x, _MARGIN + k // columns * step_y
        sheet.paste(image.resize((tile, tile), Image.Resampling.BICUBIC), (x, y + _LABEL))
        draw.text((x, y), scene, fill=(40, 40, 40), font=font)
    return sheet


def main() -> None:
    """Write the sheet to the path given on the command line."""
    parser = argparse.ArgumentParser(description=contact_sheet.__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    sheet = contact_sheet(seed=arguments.seed)
    sheet.quantize(256, dither=Image.Dither.NONE).save(arguments.path, optimize=True)


if __name__ == "__main__":
    main()
