"""The section `contrastive`."""

from pydantic import Field

from winnow.params.sections import Optimiser, PositiveInt, TrackSection


class Contrastive(Optimiser, TrackSection):
    """Fine-tuning of the general model on each subset."""

    samples_seen: PositiveInt = Field(
        description="Pairs seen in training, the same at every keep ratio"
    )
