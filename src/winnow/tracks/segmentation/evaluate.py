"""Command `evaluate-segmentor`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.errors import WinnowError
from winnow.data.files import read_signed
from winnow.data.images import encode_png
from winnow.data.provenance import measure_cost, total_cost, weight_files
from winnow.data.segmentation_set import (
    TABLE,
    held_out,
    percent,
    read_classes,
    read_images,
    read_items,
    read_masks,
)
from winnow.evaluation.cell_results import Measurement, ModelCellSettings, cell_record, write_cell

RECORD = "training.json"
SHOWN = 8  # test images whose predictions are kept for the figure


@command
def evaluate_segmentor(
    segments: Path,
    models: list[Path],
    output: Output,
    settings: ModelCellSettings,
) -> None:
    """Measure the segmentors of one cell on the test images: mIoU, mAcc, and IoU by class."""
    import pandas as pd

    from winnow.evaluation.segmentation import areas, measure, outcomes
    from winnow.models import segmentor

    classes = read_classes(segments)
    names = held_out(read_items(segments))["name"].tolist()
    variants = _variants(models)
    with measure_cost() as cost:
        images = read_images(segments, names)
        truth = read_masks(segments, names, len(classes))
        found, tables, files = Measurement({}, {}, {}, {}), [], {}
        for variant, folder in variants.items():
            trained = segmentor.load(folder)
            _require_classes(trained.classes, classes, folder)
            labels = segmentor.labels(trained, images)
            counted = areas(labels, truth, len(classes))
            part = measure(variant, counted, classes, settings.resamples, settings.seed)
            found.metrics.update(part.metrics)
            found.intervals.update(part.intervals)
            found.n.update(part.n)
            found.draws.update(part.draws)
            tables.append(outcomes(variant, counted, names, classes))
            for name, mask in zip(names[:SHOWN], labels, strict=False):
                files[f"predictions/{variant}/{name}.png"] = encode_png(mask)
    inputs = {"segments": segments / TABLE}
    total, samples = cost, 0
    for variant, folder in variants.items():
        inputs |= weight_files(f"model/{variant}", folder)
        spent = read_signed(folder / "cost.json")
        total, samples = total_cost(total, spent), samples + spent["samples"]
    result = cell_record(
        settings,
        found,
        inputs,
        task="semantic_segmentation",
        model=settings.model_name,
        training={name: read_signed(folder / RECORD) for name, folder in variants.items()},
    )
    told = pd.concat(tables, ignore_index=True)
    write_cell(output, result, told, total, samples, draws=found.draws, files=files)
    means = {name: value for name, value in found.metrics.items() if name[-4:] == "miou"}
    shown = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
    print(f"{output}: {shown}; {cost['wall_s']:.0f} s")


def _variants(models: list[Path]) -> dict[str, Path]:
    """The folders of segmentors by mode and share of the labels, as the metrics name them."""
    found = {}
    for folder in models:
        record = read_signed(folder / RECORD)
        try:
            given = record["parameters"]
            found[f"{given['mode']}/{percent(given['fraction'])}"] = folder
        except (KeyError, TypeError) as error:
            raise WinnowError(
                f"{folder / RECORD}: needs parameters with mode and fraction; train again"
            ) from error
    if not found:
        raise WinnowError("--models: names no segmentor")
    return dict(sorted(found.items()))


def _require_classes(actual: list[str], expected: list[str], folder: Path) -> None:
    if actual != expected:
        raise WinnowError(
            f"{folder}: labels {', '.join(actual)}, the test images have {', '.join(expected)}; "
            "train the segmentor again"
        )
