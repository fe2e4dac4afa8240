"""Reserved names: scales, controls, and cells that no scorer stands behind."""

from typing import Literal

Scale = Literal["smoke", "mini", "paper"]
KNOWING = ("clean", "oracle")  # controls that read the sealed truth
CONTROLS = ("none", "random", *KNOWING)
LENDING = ("raw", "human")  # caption sets whose controls are trained with more seeds
JUDGE = "judge"  # the cell of what rates the preferences
PRETRAINED = "pretrained"  # the cell of the model before fine-tuning
REAL = "real"  # the cell of the segmentor that learns from real images alone
