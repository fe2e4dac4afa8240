"""Command `evaluate-captions`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell, Metrics
from winnow.data.provenance import measured, provenance
from winnow.data.tables import CAPTIONS, PAIR, read_table, require_unique
from winnow.evaluation.cell import write_cell
from winnow.params import sections


@verb(
    "pool",
    "captions",
    "model",
    "output",
    optional=("truth", "facts"),
    values={"captions_name": str, "dataset": str},
    settings=sections.Statistics,
)
def evaluate_captions(
    pool: Path,
    captions: Path,
    model: Path,
    output: Path,
    truth: Path | None,
    facts: Path | None,
    captions_name: str,
    dataset: str,
    threads: int,
    settings: sections.Statistics,
) -> None:
    """Evaluate the pool's captions of one set: by the truth where it is known, and as texts."""
    import torch

    from winnow.evaluation import captioning
    from winnow.models import clip
    from winnow.scoring.engine import pool_pairs

    if facts is not None and truth is None:
        raise WinnowError("--facts: needs --truth, which names every judged caption")
    torch.set_num_threads(threads)
    cost: dict[str, float] = {}
    with measured(cost):
        table = read_table(captions, CAPTIONS)
        require_unique(table, PAIR, captions)
        pairs = pool_pairs(pool, table)
        judged = captioning.judged_outcomes(pairs, truth, facts) if truth else []
        scores = captioning.evaluator_scores(pool, pairs, model, threads)
        found = captioning.evaluate(pairs, scores, judged, settings)
    inputs = {
        "captions": captions,
        "samples": pool / "samples.parquet",
        "model": model / clip.WEIGHTS,
        **({"truth": truth} if truth else {}),
        **({"facts": facts} if facts else {}),
    }
    result = Metrics(
        cell=Cell(track="captioning", captions=captions_name, scorer="none", ratio=1.0, seed=0),
        dataset=dataset,
        model=", ".join(sorted(table["generator"].unique())),
        pretrained="evaluator_clip",
        task="captioning",
        metrics=found.metrics,
        intervals=found.intervals,
        n=found.n,
        higher_is_better={m: m not in captioning.LOWER_IS_BETTER for m in found.metrics},
        unit="mixed",
        provenance=provenance(settings.model_dump(), inputs),
    )
    write_cell(output, result, found.outcomes, cost, len(pairs))
