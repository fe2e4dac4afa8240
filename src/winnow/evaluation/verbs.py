"""Verbs of evaluation: of models, and of texts and those who judge them."""

from winnow.evaluation import model_verbs, text_verbs

__all__ = ["model_verbs", "text_verbs"]  # they register their verbs when they are imported
