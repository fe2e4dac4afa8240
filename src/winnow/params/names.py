"""Reserved names: scales, controls, and cells that no scorer stands behind."""

from typing import Literal

Scale = Literal["smoke", "mini", "paper"]
CONTROLS = ("none", "random", "oracle")
JUDGE = "judge"  # the cell of what rates the preferences
PRETRAINED = "pretrained"  # the cell of the model before fine-tuning
REAL = "real"  # the cell of the segmentor that learns from real images alone
