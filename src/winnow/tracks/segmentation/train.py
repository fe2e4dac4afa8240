"""Commands `train-segmentor`, `train-reference-segmentor` and `train-controlnet`."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from winnow.command.description import Output, command
from winnow.data.errors import WinnowError
from winnow.data.provenance import weight_files
from winnow.data.segmentation_set import (
    IGNORED,
    TABLE,
    labelled,
    read_classes,
    read_images,
    read_items,
    read_masks,
)
from winnow.data.splits import split_rows
from winnow.data.tables import SAMPLES, read_table
from winnow.params.fields import Fraction
from winnow.training.model_record import CONTROLNET, SEGMENTOR, new_model_folder
from winnow.training.settings import DiffusionTraining, SegmentorTraining
from winnow.training.subsets import reference_split

if TYPE_CHECKING:
    from winnow.training.segmentation import Examples

REFERENCE_SEED = 17  # of the reference segmentor


class NetworkSettings(SegmentorTraining):
    """How a network learns to segment."""

    network: str = Field("unet", description="`unet`, `segformer`, or a configuration's file")


class SegmentorSettings(NetworkSettings):
    """How a segmentor is trained, and on which share of the labels."""

    fraction: Fraction = Field(
        description="Share of the labels that it learns from; 0: from generated images alone"
    )
    confidence: Fraction = Field(0.5, description="A pixel with a pseudo label of less is ignored")
    heads: bool = Field(
        False, description="Start from the heads of `start`, too, if its classes are the same"
    )


@command
def train_segmentor(
    segments: Path,
    output: Output,
    generated: Path | None,
    drawn: Path | None,
    teacher: Path | None,
    start: Path | None,
    seed: int,
    settings: SegmentorSettings,
) -> None:
    """Train a segmentor on a share of the labels: on them alone, beside images that were drawn from
    their masks, or beside images drawn from captions, which a teacher of the same share labels; or
    on images drawn from all masks alone. Its backbone is new, or that of a model's folder, `start`.
    """
    from winnow.models import segmentor as models
    from winnow.training.segmentation import fit, union

    if (drawn is None) != (teacher is None):
        raise WinnowError("--drawn and --teacher: one needs the other")
    if generated is not None and drawn is not None:
        raise WinnowError("--generated or --drawn: a segmentor learns beside one of them")
    if not settings.fraction and generated is None:
        raise WinnowError("--fraction: 0 leaves nothing to learn from without --generated")
    classes, items = read_classes(segments), read_items(segments)
    names = labelled(items, settings.fraction)["name"].tolist()
    mode, inputs = "real", {"segments": segments / TABLE}
    if generated is not None:
        mode, inputs["generated"] = "mask", generated
    elif drawn is not None and teacher is not None:
        mode, inputs["drawn"] = "text", drawn
        inputs |= weight_files("teacher", teacher)
    if start is not None:
        inputs |= weight_files("start", start)
    unused = set() if mode == "text" else {"confidence"}
    parameters = {**settings.model_dump(exclude=unused), "seed": seed, "mode": mode}
    with new_model_folder(output, parameters, inputs, SEGMENTOR, settings.samples_seen) as (
        folder,
        given,
    ):
        given["labelled"] = len(names)
        parts = [_examples(segments, names, len(classes))] if names else []
        if generated is not None:
            masks = names or labelled(items, 1.0)["name"].tolist()
            parts.append(_drawn_from_masks(generated, masks, len(classes)))
        elif drawn is not None and teacher is not None:
            parts.append(_pseudo_labelled(drawn, teacher, settings.confidence))
            given["ignored"] = float((parts[-1].masks == IGNORED).mean())
        model = models.build(settings.network, classes, seed, start, settings.heads)
        losses = fit(model, union(parts), settings, seed)
        models.save(model, folder)
        given |= {"loss": losses[-1], "images": sum(len(part.images) for part in parts)}


@command
def train_reference_segmentor(
    pool: Path, segments: Path, output: Output, start: Path | None, settings: NetworkSettings
) -> None:
    """Train the segmentor that measures how well drawn images follow their masks, on the pool's
    reference split, whose masks are open; it is no row. It starts from the folder `start`, heads
    included if its classes are the same, or from random weights."""
    from winnow.models import segmentor as models
    from winnow.training.segmentation import fit, pool_examples

    samples = split_rows(read_table(pool / "samples.parquet", SAMPLES), "reference", pool)
    classes, items = read_classes(segments), read_items(segments)
    side = read_images(segments, items["name"].iloc[:1].tolist()).shape[1]
    inputs = {"samples": pool / "samples.parquet", "segments": segments / TABLE}
    inputs |= weight_files("start", start) if start else {}
    parameters = {**settings.model_dump(), "images": len(samples)}
    with new_model_folder(output, parameters, inputs, SEGMENTOR, settings.samples_seen) as (
        folder,
        given,
    ):
        model = models.build(settings.network, classes, REFERENCE_SEED, start, heads=True)
        losses = fit(model, pool_examples(pool, samples, side), settings, REFERENCE_SEED)
        models.save(model, folder)
        given["loss"] = losses[-1]


@command
def train_controlnet(
    pool: Path,
    human: Path,
    model: Path,
    start: Path,
    output: Output,
    seed: int,
    settings: DiffusionTraining,
) -> None:
    """Train a ControlNet further on the generator `model`, which stays as it is, with masks and
    human captions of the pool's reference split; `start` is one of the generator that `model` was
    fine-tuned from."""
    from winnow.models import diffusion
    from winnow.training.diffusion import fit
    from winnow.training.generator_standins import masked_latents

    samples, captions = reference_split(pool, human)
    parameters = {**settings.model_dump(), "seed": seed, "images": len(samples)}
    inputs = {"samples": pool / "samples.parquet", "human": human, **weight_files("model", model)}
    inputs |= weight_files("start", start)
    with new_model_folder(output, parameters, inputs, CONTROLNET, settings.samples_seen) as (
        folder,
        given,
    ):
        generator = diffusion.with_controlnet(diffusion.load(model), start)
        losses = fit(generator, masked_latents(generator, pool, samples, captions), settings, seed)
        diffusion.save_controlnet(generator.controlnet, folder, half=True)
        given["loss"] = losses[-1]


def _examples(folder: Path, names: list[str], classes: int) -> "Examples":
    from winnow.training.segmentation import Examples

    return Examples(read_images(folder, names), read_masks(folder, names, classes))


def _drawn_from_masks(folder: Path, names: list[str], classes: int) -> "Examples":
    """The generated images whose masks are those of the images `names`."""
    there = set(read_items(folder)["name"])
    if missing := [name for name in names if name not in there]:
        raise WinnowError(
            f"{folder / TABLE}: no image was drawn from the mask of {missing[0]} ({len(missing)} "
            "are missing); draw again"
        )
    return _examples(folder, names, classes)


def _pseudo_labelled(folder: Path, teacher: Path, confidence: float) -> "Examples":
    """All images of a folder with the labels that the segmentor `teacher` gives them."""
    from winnow.models import segmentor as models
    from winnow.training.segmentation import Examples, pseudo_labels

    images = read_images(folder, read_items(folder)["name"].tolist())
    return Examples(images, pseudo_labels(models.load(teacher), images, confidence))
