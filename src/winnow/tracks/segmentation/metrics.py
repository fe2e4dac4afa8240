"""Metrics of the track `segmentation`. Its cells have them by the mode of the generated images and
the share of the real labels in per cent: `mask/100/miou`; at 0 per cent generated images are
alone."""

from collections.abc import Collection, Iterator

from winnow.params.names import REAL
from winnow.tracks.track import Metric

AGREEMENT = "agreement"  # with masks: agreement/drawn, agreement/real, agreement/autoencoder


def _metrics() -> Iterator[Metric]:
    for key, label in (("miou", "mIoU"), ("macc", "mAcc")):
        yield Metric(key, label, column=key == "miou", recorded=False)
    for place in (f"{REAL}/100", "mask/100", "mask/0"):
        for key, label in (("miou", "mIoU"), ("macc", "mAcc")):
            yield Metric(f"{place}/{key}", label, headline=False, column=False)


METRICS = tuple(_metrics())


def headline_percent(percents: Collection[str]) -> str:
    """The share of the labels, in per cent, at which generated images are compared: none, or where
    that was not measured the largest."""
    return "0" if "0" in percents else max(percents, key=float, default="100")


def at_headline(scorer: str, measured: Collection[str]) -> str:
    """What stands before a metric: generated images alone, drawn from masks; real images alone at
    the largest share of the labels. `measured` are the metrics of all methods."""
    names = [name.split("/") for name in measured if name.endswith("/miou")]
    shares = {mode: [n[1] for n in names if n[0] == mode] for mode in ("mask", REAL)}
    if scorer == REAL or not shares["mask"]:
        percent = max(shares[REAL], key=float, default="100")
        return f"{REAL if scorer == REAL else 'mask'}/{percent}/"
    return f"mask/{headline_percent(shares['mask'])}/"
