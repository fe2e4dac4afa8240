"""Verb `train-segmentor`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from winnow.command import verb
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, write_json
from winnow.data.provenance import measured, weight_files
from winnow.data.segments import (
    IGNORED,
    TABLE,
    labelled,
    percent,
    read_classes,
    read_images,
    read_items,
    read_masks,
)
from winnow.params import sections
from winnow.training.record import SEGMENTOR, write_trained

if TYPE_CHECKING:
    from winnow.training.segmentation import Examples


class SegmentorSettings(sections.SegmentorTraining):
    """How segmentors are trained, and on which shares of the labels."""

    network: str = "unet"
    checkpoint: str | None = None
    fractions: list[sections.Ratio]
    text: sections.PseudoLabels | None = None


@dataclass(frozen=True)
class Sources:
    """Where images come from: labelled ones, drawn from masks, drawn from captions alone; and the
    segmentors of labelled images alone, which label the last."""

    segments: Path
    generated: Path | None
    drawn: Path | None
    real: Path | None

    def jobs(self, settings: SegmentorSettings) -> list[tuple[str, float]]:
        """The mode and the share of the labels of each segmentor to train."""
        text = settings.text.fractions if settings.text else []
        if self.generated is None and self.drawn is None:
            return [("real", share) for share in sorted({*settings.fractions, *text})]
        masks = settings.fractions if self.generated else []
        return [("mask", share) for share in masks] + [
            ("text", share) for share in (text if self.drawn else [])
        ]


@verb(
    "segments",
    "output",
    optional=("generated", "drawn", "real"),
    values={"seed": int},
    settings=SegmentorSettings,
)
def train_segmentor(
    segments: Path,
    output: Path,
    generated: Path | None,
    drawn: Path | None,
    real: Path | None,
    seed: int,
    threads: int,
    settings: SegmentorSettings,
) -> None:
    """Train a segmentor for each share of the labels: from them alone, or with generated images."""
    import torch

    if (drawn is None) != (real is None):
        raise WinnowError("--drawn and --real: one needs the other")
    torch.set_num_threads(threads)
    sources = Sources(segments, generated, drawn, real)
    jobs = sources.jobs(settings)
    if not jobs:
        raise WinnowError("nothing to train: --drawn needs --text, with its fractions")
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        folder.mkdir()
        with measured(cost):
            for mode, share in jobs:
                made = folder / mode / percent(share)
                made.mkdir(parents=True)
                _train(made, sources, mode, share, seed, settings)
        write_json(folder / "cost.json", {**cost, "samples": settings.samples_seen * len(jobs)})
    print(f"{output}: {len(jobs)} segmentors, {cost['wall_s']:.0f} s")


def _train(
    folder: Path, sources: Sources, mode: str, share: float, seed: int, settings: SegmentorSettings
) -> None:
    """Train one segmentor and write it with its record."""
    from winnow.models import segmentor as models
    from winnow.training.segmentation import fit, union

    classes = read_classes(sources.segments)
    names = labelled(read_items(sources.segments), share)["name"].tolist()
    parts = [_examples(sources.segments, names, len(classes))]
    inputs = {"segments": sources.segments / TABLE}
    said: dict[str, Any] = {"labelled": len(names)}
    if mode == "mask" and sources.generated is not None:
        parts.append(_drawn_from_masks(sources.generated, names, len(classes)))
        inputs["generated"] = sources.generated
    elif mode == "text" and sources.drawn is not None and sources.real is not None:
        assert settings.text is not None  # or there is no such job
        teacher = sources.real / "real" / percent(share)
        parts.append(_pseudo_labelled(sources.drawn, teacher, settings.text.confidence))
        inputs |= {"drawn": sources.drawn, **weight_files("real", teacher)}
        said["ignored"] = float((parts[1].masks == IGNORED).mean())
    model = models.build(settings.network, classes, seed, settings.checkpoint)
    losses = fit(model, union(parts), settings, seed)
    models.save(model, folder)
    said["images"] = sum(len(part.images) for part in parts)
    parameters = {**settings.model_dump(), "seed": seed, "mode": mode, "fraction": share}
    write_trained(folder, SEGMENTOR, parameters, inputs, loss=losses[-1], **said)


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
