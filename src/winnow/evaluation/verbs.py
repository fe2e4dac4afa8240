"""Verbs of evaluation: of models, of generated images, of segmentors, and of texts and
those who judge them."""

from winnow.evaluation import generation_verbs, model_verbs, segmentation_verbs, text_verbs

__all__ = [
    "generation_verbs",
    "model_verbs",
    "segmentation_verbs",
    "text_verbs",
]  # they register their verbs when they are imported
