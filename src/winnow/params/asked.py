"""What the records of a run's cells must say: the parameters that the run asks for, by track."""

from typing import Any

from winnow.params import sections

Asked = dict[str, dict[str, dict[str, Any]]]  # track -> `parameters` or `training` -> name -> value


def asked(
    statistics: sections.Statistics,
    contrastive: sections.Contrastive,
    generation: sections.TextToImage,
    segmentation: sections.Segmentation,
) -> Asked:
    """Of each track the parameters of its evaluations, and of the trainings behind them.

    What differs from cell to cell is left out, and so is how the judge of preferences is asked.
    """
    drawn, resampled = (
        generation.metrics.model_dump(mode="json"),
        statistics.model_dump(mode="json"),
    )
    return {
        "contrastive": {"parameters": contrastive.model_dump(mode="json")},
        "detection": {"parameters": resampled},
        "captioning": {"parameters": resampled},
        "preference": {"parameters": {"resamples": statistics.resamples}},
        "generation": {
            "parameters": drawn | {"statistics": resampled},
            "training": generation.training.model_dump(mode="json"),
        },
        "segmentation": {
            "parameters": resampled,
            "training": {
                **segmentation.training.model_dump(mode="json"),
                **segmentation.model_dump(mode="json", include={"network", "text"}),
            },
        },
    }
