"""The section `contrastive`."""

from pydantic import Field

from winnow.params.fields import PositiveInt
from winnow.tracks.settings import TrackSection
from winnow.training.settings import Optimiser


class Contrastive(Optimiser, TrackSection):
    """Fine-tuning of the general model on each subset."""

    samples_seen: PositiveInt = Field(
        description="Pairs seen in training, the same at every keep ratio"
    )
