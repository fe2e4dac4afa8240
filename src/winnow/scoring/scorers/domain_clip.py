"""Scorer `domain_clip`: `clip` with a model of the domain."""

from winnow.scoring.scorers.clip import ClipScore

SCORER = ClipScore
