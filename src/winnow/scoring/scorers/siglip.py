"""Scorer `siglip`: `clip` with a general model that was trained with SigLIP's loss."""

from winnow.scoring.scorers.clip import ClipScore

SCORER = ClipScore
