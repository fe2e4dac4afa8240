"""Commands `list-prompts`, `generate` and `import-images`."""

from pathlib import Path
from typing import Any

from winnow.command.description import Given, Output, command
from winnow.data.csv_file import csv_rows
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, write_signed, write_text
from winnow.data.provenance import measure_cost, provenance
from winnow.data.tables import CAPTIONS, SAMPLES, read_table
from winnow.generation.images import COST, RECORD, write_images
from winnow.generation.settings import Sampling


@command
def list_prompts(pool: Path, human: Path, output: Output, images: int) -> None:
    """Write what another generator is to draw: a listing (.csv or .jsonl) for `import-images`."""
    import json

    from winnow.generation.external_images import KEYS, listing

    rows = listing(_prompts(pool, human, images))
    if output.suffix == ".jsonl":
        write_text(output, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        return
    write_text(output, csv_rows([KEYS, *([row[key] for key in KEYS] for row in rows)]))


@command
def generate(
    pool: Path,
    human: Path,
    model: Path,
    output: Output,
    controlnet: Path | None,
    masks: Path | None,
    settings: Sampling,
) -> None:
    """Draw an image for each prompt, with a ControlNet from the land-cover masks of the images."""
    from winnow.generation import image_generation
    from winnow.models import diffusion
    from winnow.training.images import land_cover

    if (controlnet is None) != (masks is None):
        raise WinnowError("--controlnet and --masks: one needs the other")
    prompts = _prompts(pool, human, settings.images)
    texts = prompts["prompt"].tolist()
    with atomic_path(output) as folder:
        folder.mkdir()
        with measure_cost() as cost:
            generator = diffusion.load(model)
            control = None
            if controlnet is not None and masks is not None:
                labels = land_cover(masks, prompts["uid"], generator.size)
                generator, control = image_generation.with_mask_control(
                    generator, controlnet, labels, masks
                )
            write_images(
                folder,
                prompts,
                image_generation.generate_images(generator, texts, settings, control),
            )
        inputs = {"human": human, "samples": pool / "samples.parquet"}
        inputs |= {"masks": masks} if masks else {}
        recorded = (generator, model, controlnet, settings, inputs, cost, len(texts))
        image_generation.write_records(folder, *recorded)
    print(f"{output}: {len(texts)} images, {len(texts) / cost['wall_s']:.1f} a second")


@command
def import_images(pool: Path, human: Path, folder: Given, output: Output, images: int) -> None:
    """Take in images that somebody generated, once their folder holds all that was asked for."""
    from winnow.generation.external_images import matched_files, read_images

    prompts = _prompts(pool, human, images)
    names = matched_files(folder, prompts)
    with atomic_path(output) as made:
        made.mkdir()
        with measure_cost() as cost:
            write_images(made, prompts, read_images(folder, names))
        inputs = {"human": human, "samples": pool / "samples.parquet", "images": folder}
        record = {
            "generator": "folder",
            "training": {},
            **provenance({"images": images}, inputs),
        }
        write_signed(made / RECORD, record)
        write_signed(made / COST, {**cost, "samples": len(names), "training": {}})


def _prompts(pool: Path, human: Path, images: int) -> Any:
    from winnow.generation.prompts import prompts_of

    if images < 1:
        raise WinnowError(f"--images: {images}; at least one is needed")
    samples = read_table(pool / "samples.parquet", SAMPLES)
    return prompts_of(pool, samples, read_table(human, CAPTIONS), images)
