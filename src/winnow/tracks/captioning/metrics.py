"""Metrics of the track `captioning`: shares of what the truth says, and statistics of the texts."""

from winnow.tracks.track import Metric, page_metric

METRICS = (
    Metric("evaluator_score", "evaluator score", "number"),
    page_metric("scene_accuracy", "scene"),
    page_metric("object_precision", "object precision"),
    Metric("object_recall", "object recall", column=False),
    page_metric("count_accuracy", "count"),
    page_metric("attribute_accuracy", "attribute"),
    page_metric("relation_accuracy", "relation"),
    Metric("hallucination_rate", "hallucination", higher_is_better=False, column=False),
    page_metric("clean_rate", "clean"),
    page_metric("images", "images", "number"),
    page_metric("captions", "captions", "number"),
    page_metric("captions_per_image", "per image", "number"),
    page_metric("length", "words", "number"),
    page_metric("vocabulary", "vocabulary", "number"),
    page_metric("distinct_1", "distinct-1", "number"),
    page_metric("distinct_2", "distinct-2", "number"),
    page_metric("self_bleu", "self-BLEU", "number", higher_is_better=False),
)
