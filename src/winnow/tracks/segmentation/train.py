"""Command `train-segmentor`."""

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
from winnow.params.fields import Fraction, Ratio
from winnow.training.model_record import SEGMENTOR, new_model_folder
from winnow.training.settings import SegmentorTraining

if TYPE_CHECKING:
    from winnow.training.segmentation import Examples


class SegmentorSettings(SegmentorTraining):
    """How a segmentor is trained, and on which share of the labels."""

    network: str = Field("unet", description="`unet`, `segformer`, or a configuration's file")
    fraction: Ratio = Field(description="Share of the labels that it learns from")
    confidence: Fraction = Field(0.5, description="A pixel with a pseudo label of less is ignored")


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
    their masks, or beside images drawn from captions, which a teacher of the same share labels.
    Its backbone is new, or that of a model's folder, `start`."""
    from winnow.models import segmentor as models
    from winnow.training.segmentation import fit, union

    if (drawn is None) != (teacher is None):
        raise WinnowError("--drawn and --teacher: one needs the other")
    if generated is not None and drawn is not None:
        raise WinnowError("--generated or --drawn: a segmentor learns beside one of them")
    classes = read_classes(segments)
    names = labelled(read_items(segments), settings.fraction)["name"].tolist()
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
        parts = [_examples(segments, names, len(classes))]
        if generated is not None:
            parts.append(_drawn_from_masks(generated, names, len(classes)))
        elif drawn is not None and teacher is not None:
            parts.append(_pseudo_labelled(drawn, teacher, settings.confidence))
            given["ignored"] = float((parts[1].masks == IGNORED).mean())
        model = models.build(settings.network, classes, seed, start)
        losses = fit(model, union(parts), settings, seed)
        models.save(model, folder)
        given |= {"loss": losses[-1], "images": sum(len(part.images) for part in parts)}


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
