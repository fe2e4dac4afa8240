"""Metrics of the track `segmentation`. Its cells have them by the mode of the generated images and
the share of the real labels in per cent: `mask/100/miou`."""

from collections.abc import Collection, Iterator

from winnow.params.names import REAL
from winnow.tracks.track import Metric


def _metrics() -> Iterator[Metric]:
    for key, label in (("miou", "mIoU"), ("macc", "mAcc")):
        yield Metric(key, label, column=key == "miou", recorded=False)
    for mode in (REAL, "mask"):
        for key, label in (("miou", "mIoU"), ("macc", "mAcc")):
            yield Metric(f"{mode}/100/{key}", label, headline=False, column=False)


METRICS = tuple(_metrics())


def at_most_labels(scorer: str, measured: Collection[str]) -> str:
    """What stands before a metric at the largest share of the labels, of images with exact labels;
    `measured` are the metrics of all methods."""
    names = [name.split("/") for name in measured if name.endswith("/miou")]
    shares = {mode: [n[1] for n in names if n[0] == mode] for mode in ("mask", REAL)}
    largest = max(shares["mask"] or shares[REAL] or ["100"], key=float)
    return f"{REAL if scorer == REAL else 'mask'}/{largest}/"
