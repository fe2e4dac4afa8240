"""Command `evaluate-segmentor`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.errors import WinnowError
from winnow.data.files import read_signed
from winnow.data.images import encode_png
from winnow.data.metrics import Cell, Metrics
from winnow.data.provenance import measured, provenance, total_cost, weight_files
from winnow.data.segments import (
    TABLE,
    held_out,
    percent,
    read_classes,
    read_images,
    read_items,
    read_masks,
)
from winnow.evaluation.cell import write_cell
from winnow.params import sections

RECORD = "training.json"
SHOWN = 8  # test images whose predictions are kept for the figure


@verb(
    "segments",
    "output",
    lists=("models",),
    values={
        "captions": str,
        "scorer": str,
        "ratio": float,
        "cell_seed": int,
        "dataset": str,
        "model_name": str,
    },
    settings=sections.Statistics,
)
def evaluate_segmentor(
    segments: Path,
    output: Path,
    models: list[Path],
    captions: str,
    scorer: str,
    ratio: float,
    cell_seed: int,
    dataset: str,
    model_name: str,
    threads: int,
    settings: sections.Statistics,
) -> None:
    """Measure the segmentors of one cell on the test images: mIoU, mAcc, and IoU by class."""
    import pandas as pd
    import torch

    from winnow.evaluation.segmentation import areas, draws_table, measure, outcomes
    from winnow.models import segmentor

    torch.set_num_threads(threads)
    classes = read_classes(segments)
    names = held_out(read_items(segments))["name"].tolist()
    variants = _variants(models)
    cost: dict[str, float] = {}
    with measured(cost):
        images = read_images(segments, names)
        truth = read_masks(segments, names, len(classes))
        found, tables, files = [], [], {}
        for variant, folder in variants.items():
            trained = segmentor.load(folder)
            _require_classes(trained.classes, classes, folder)
            labels = segmentor.labels(trained, images)
            counted = areas(labels, truth, len(classes))
            found.append(measure(variant, counted, classes, settings.resamples, settings.seed))
            tables.append(outcomes(variant, counted, names, classes))
            for name, mask in zip(names[:SHOWN], labels, strict=False):
                files[f"predictions/{variant}/{name}.png"] = encode_png(mask)
    cell = Cell(track="segmentation", captions=captions, scorer=scorer, ratio=ratio, seed=cell_seed)
    metrics = {name: value for each in found for name, value in each.metrics.items()}
    inputs = {"segments": segments / TABLE}
    total, samples = cost, 0
    for variant, folder in variants.items():
        inputs |= weight_files(f"model/{variant}", folder)
        spent = read_signed(folder / "cost.json")
        total, samples = total_cost(total, spent), samples + spent["samples"]
    records = {name: read_signed(folder / RECORD) for name, folder in variants.items()}
    result = Metrics(
        cell=cell,
        dataset=dataset,
        model=model_name,
        pretrained=scorer,
        task="semantic_segmentation",
        metrics=metrics,
        intervals={name: pair for each in found for name, pair in each.intervals.items()},
        n=dict.fromkeys(metrics, len(names)),
        higher_is_better=dict.fromkeys(metrics, True),
        provenance=provenance(settings.model_dump(), inputs) | {"training": records},
    )
    write_cell(
        output,
        result,
        pd.concat(tables, ignore_index=True),
        total,
        samples,
        draws=pd.concat([draws_table(each) for each in found], ignore_index=True),
        files=files,
    )
    shown = ", ".join(f"{key} {value:.3f}" for key, value in metrics.items() if key[-4:] == "miou")
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


def _require_classes(found: list[str], expected: list[str], folder: Path) -> None:
    if found != expected:
        raise WinnowError(
            f"{folder}: labels {', '.join(found)}, the test images have {', '.join(expected)}; "
            "train the segmentor again"
        )
