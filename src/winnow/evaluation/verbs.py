"""Verbs of evaluation: of stand-ins, and of captions by the truth."""

from winnow.evaluation import generation_verbs, model_verbs, segmentation_verbs, text_verbs

__all__ = [
    "generation_verbs",
    "model_verbs",
    "segmentation_verbs",
    "text_verbs",
]  # they register their verbs when they are imported
