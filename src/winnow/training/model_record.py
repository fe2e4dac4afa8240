"""What stays with a trained model: a record that machines read, its cost, and a model card."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from winnow.data.files import atomic_path, write_signed, write_text
from winnow.data.provenance import measure_cost, provenance


class ModelKind(NamedTuple):
    """What a card says of all models of one kind; `library` and `task` are the hub's names."""

    what: str
    library: str
    task: str
    measured: str


CONTRASTIVE = ModelKind(
    "A CLIP model, fine-tuned on one subset of image-text pairs",
    "open_clip",
    "zero-shot-image-classification",
    "retrieval on the test split, and zero-shot classification: docs/protocol.md",
)
MLLM = ModelKind(
    "A multimodal language model, fine-tuned on one subset of image-text pairs",
    "transformers",
    "image-text-to-text",
    "as the start of a score model: docs/score-model.md",
)
SCORE_MODEL = ModelKind(
    "A score model after one stage: how well a text describes an image",
    "transformers",
    "image-text-to-text",
    "accuracy on held-out preferences, and detection of noise: docs/score-model.md",
)
GENERATOR = ModelKind(
    "A text-to-image model, fine-tuned on one subset of image-text pairs",
    "diffusers",
    "text-to-image",
    "FID, KID, CLIP score and scene accuracy: docs/generation.md",
)
SEGMENTOR = ModelKind(
    "A segmentor of land cover, trained on real labels and on what its row adds to them",
    "mmsegmentation",
    "image-segmentation",
    "mIoU and mAcc on real images: docs/segmentation.md",
)


@contextmanager
def new_model_folder(
    output: Path,
    parameters: dict[str, Any],
    inputs: dict[str, Path],
    kind: ModelKind | None = None,
    samples: int = 0,
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder of a model that the block trains and saves into it, whole or not at all.

    Yields the folder, and a mapping that the block fills with what its training gave: `loss`, or
    `losses` by step. Both it and `parameters`, which the block may add to, are in the record, with
    the precision that `auto` came to: of a model of some `kind` the files of `write_trained`, and
    the cost of `samples`; of a stand-in `foundry.json`.
    """
    given: dict[str, Any] = {}
    with atomic_path(output) as folder:
        folder.mkdir()
        with measure_cost() as cost:
            yield folder, given
        if "precision" in parameters:
            from winnow.models.precision import chosen
            from winnow.models.weights import device

            given.setdefault("precision", chosen(parameters["precision"], device()))
        if kind is None:
            write_record(folder / "foundry.json", parameters, inputs, **given)
        else:
            write_signed(folder / "cost.json", {**cost, "samples": samples})
            write_trained(folder, kind, parameters, inputs, **given)
    told = [f"{parameters[name]} {name}" for name in ("pairs", "images") if name in parameters]
    told += [f"{name} {value:.3f}" for name, value in given.items() if isinstance(value, float)]
    seconds = f"{cost['wall_s']:.0f} s"
    print(f"{output}: {', '.join([*told, seconds])}")


def write_record(
    path: Path, parameters: dict[str, Any], inputs: dict[str, Path], **training: Any
) -> dict[str, Any]:
    """Write the JSON that stays with a model: what its training gave, and what it came from."""
    record = {**training, **provenance(parameters, inputs)}
    write_signed(path, record)
    return record


def write_trained(
    folder: Path,
    kind: ModelKind,
    parameters: dict[str, Any],
    inputs: dict[str, Path],
    **training: Any,
) -> None:
    """Write `training.json` and the model card, `README.md`, into a trained model's folder."""
    record = write_record(folder / "training.json", parameters, inputs, **training)
    write_text(folder / "README.md", model_card(kind, record))


def model_card(kind: ModelKind, record: dict[str, Any]) -> str:
    """The card of a trained model, in the hub's form (YAML, then Markdown), from its record."""
    losses = record["losses"] if "losses" in record else [record["loss"]]
    return "\n".join(
        [
            "---",
            f"library_name: {kind.library}",
            f"pipeline_tag: {kind.task}",
            "tags: [remote-sensing, data-curation, winnow]",
            "---",
            "",
            f"# {kind.what}",
            "",
            "A result of an experiment that measures what a choice of training data does, not a",
            f"model for use. It is measured by {kind.measured}.",
            "The folder's path names the experiment; its measurements lie in `artifacts/cells`.",
            "",
            "## Training",
            "",
            f"Last loss: {losses[-1]:.4f}",
            "",
            *_table("parameter", "value", record["parameters"]),
            "",
            "## What it came from",
            "",
            *_table("input", "digest", record["inputs"]),
            "",
            *_table("software", "version", record["versions"]),
            "",
            f"Code: {record['code']}",
            "",
            "The licences of the model that it started from and of the data apply.",
            "",
        ]
    )


def _table(name: str, value: str, rows: dict[str, Any]) -> list[str]:
    cells = [f"| {key} | {_escaped(rows[key])} |" for key in sorted(rows)]
    return [f"| {name} | {value} |", "|---|---|", *cells]


def _escaped(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", r"\|")
