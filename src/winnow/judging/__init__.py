"""Judging texts about images: by the truth where it is known, or by a model with a rubric."""
