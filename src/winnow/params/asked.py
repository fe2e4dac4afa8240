"""What the records of a run's cells must say: the parameters that the run asks for, by track."""

from typing import Any

from winnow.data.provenance import without_places
from winnow.params import sections

# track -> `parameters`, `training` or `drawing` -> name -> value
Asked = dict[str, dict[str, dict[str, Any]]]


def asked(
    statistics: sections.Statistics,
    contrastive: sections.Contrastive,
    generation: sections.TextToImage,
    segmentation: sections.Segmentation,
) -> Asked:
    """Of each track the parameters of its evaluations, and of what was trained and drawn for them.

    What differs from cell to cell is left out: the stages of score models, and how segmentors'
    images were drawn. So is how the judge of preferences is asked.
    """
    resampled = statistics.model_dump(mode="json")
    return {
        "contrastive": {
            "parameters": resampled,
            "training": contrastive.model_dump(mode="json"),
        },
        "detection": {"parameters": resampled},
        "captioning": {"parameters": resampled},
        "preference": {"parameters": {"resamples": statistics.resamples}},
        "generation": {
            "parameters": generation.metrics.model_dump(mode="json") | {"statistics": resampled},
            "training": generation.training.model_dump(mode="json"),
            "drawing": generation.sampling.model_dump(mode="json"),
        },
        "segmentation": {
            "parameters": resampled,
            "training": {
                **segmentation.training.model_dump(mode="json"),
                "network": without_places(segmentation.network),
                **({"confidence": segmentation.text.confidence} if segmentation.text else {}),
            },
        },
    }
