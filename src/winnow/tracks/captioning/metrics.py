"""Metrics of the track `captioning`."""

from winnow.tracks.track import Metric

METRICS = (
    Metric("evaluator_score", "evaluator score", "number"),
    Metric("object_recall", "object recall", column=False),
    Metric("hallucination_rate", "hallucination", higher_is_better=False, column=False),
)
