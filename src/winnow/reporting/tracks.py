"""The headline metrics of each track, and what its methods are compared with."""

from typing import NamedTuple

from winnow.reporting.place import Unit


class Headline(NamedTuple):
    """A metric that a track's methods are known by."""

    metric: str
    label: str
    unit: Unit = "percent"
    higher_is_better: bool = True


class Track(NamedTuple):
    """A track: its headline metrics, of which the first ranks, and what all are compared with:
    `none`, or another scorer, of the same caption set; or one caption set.

    Only where `apart` are the methods of different caption sets no competitors.
    """

    name: str
    title: str
    headlines: tuple[Headline, ...]
    base: str = "none"
    base_captions: str | None = None
    apart: bool = False


TRACKS = (
    Track(
        "contrastive",
        "Retrieval and zero-shot classification",
        (Headline("mean_recall", "mR"), Headline("acc1", "zero-shot @1")),
    ),
    Track(
        "detection",
        "Finding the known noise",
        (Headline("average_precision", "noise AP"), Headline("auroc", "noise AUROC")),
        base="random",  # `none` keeps all and finds nothing
        apart=True,  # their noise is not the same
    ),
    Track(
        "captioning",
        "Caption sets",
        (
            Headline("evaluator_score", "evaluator score", "number"),
            Headline("object_recall", "object recall"),
            Headline("hallucination_rate", "hallucination", higher_is_better=False),
        ),
        base_captions="human",
    ),
    Track(
        "generation",
        "Text to image",
        (
            Headline("fid", "FID", "number", higher_is_better=False),
            Headline("remoteclip_score", "RemoteCLIP score", "number"),
        ),
    ),
    Track(
        "segmentation",
        "Segmentation with generated images",
        (Headline("miou", "mIoU"), Headline("macc", "mAcc")),
    ),
)
UNMEASURED = {"vlm": "nothing fine-tunes a vision-language model yet"}
