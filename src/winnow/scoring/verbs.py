"""Commands `score` and `combine-scores`."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from winnow.command.code import code_digest, user_code
from winnow.command.description import Output, command
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files, optional_signed, write_signed
from winnow.data.provenance import measure_cost, total_cost
from winnow.data.tables import (
    CAPTIONS,
    PAIR,
    SCORES,
    SUBSET,
    join_scores,
    kept_rows,
    read_about,
    read_table,
    strangers,
    write_table,
)
from winnow.scoring.settings import ScorerCode, Scoring


class ScoreSettings(ScorerCode, Scoring):
    """One scorer, and the engine."""

    checkpoint: dict[str, str] = Field(
        default_factory=dict,
        description="What is said of the model: its role, loader, id, revision",
    )


@command
def score(
    pool: Path,
    captions: Path,
    output: Output,
    model: Path | None,
    truth: Path | None,
    scorer: str,
    threads: int,
    settings: ScoreSettings,
) -> None:
    """Score every pair of the pool with one scorer."""
    from winnow.scoring.engine import pool_pairs, score_pool
    from winnow.scoring.scorers import Context, make, place

    pairs = pool_pairs(pool, read_table(captions, CAPTIONS))
    about = _about(scorer, settings, model)
    with measure_cost() as cost:
        if settings.scores is not None:
            given = read_table(settings.scores, SCORES)
            values = join_scores(pairs, given, settings.scores)
            if (told := strangers(pairs, given)[1]) != "":
                print(f"{settings.scores}: {told}; they are not used", flush=True)
            write_table(output, pairs[PAIR].assign(score=values), SCORES, about)
        elif settings.subset is not None:
            kept = read_table(settings.subset, SUBSET)
            if kept.empty:
                raise WinnowError(f"{settings.subset}: keeps no pair; name those to keep")
            values = np.zeros(len(pairs))
            values[kept_rows(pairs, kept, settings.subset)] = 1
            write_table(output, pairs[PAIR].assign(score=values), SCORES, about)
        else:
            context = Context(model, truth, settings.seed, settings.precision)
            use = settings.use or scorer
            engine = make(use, context, {**settings.options, **settings.files})
            if engine.precision is not None:
                for checkpoint in about["checkpoints"]:
                    checkpoint["precision"] = engine.precision
            inputs = [pool / "samples.parquet", captions, *(p for p in (model, truth) if p)]
            code = code_digest("score") + user_code(place(use))
            key = f"{code} {digest_files(inputs)} {settings!r} {scorer} {engine.precision}"
            score_pool(
                engine,
                pool,
                pairs,
                output,
                key=key,
                batch_size=settings.batch_size,
                workers=threads,
                ahead=_ahead(),
                about=about,
            )
    write_signed(output.with_suffix(".cost.json"), {**cost, "samples": len(pairs)})


@command
def combine_scores(scores: list[Path], output: Output) -> None:
    """Join the scores of several scorers into one: the mean of their z-scores over the pairs. Its
    cost is that of theirs, too."""
    from winnow.scoring.combine import combine_scores as combined

    with measure_cost() as cost:
        table = combined(scores)
        told = [one for path in scores for one in read_about(path).get("checkpoints", [])]
        different = [one for i, one in enumerate(told) if one not in told[:i]]
        about = {"scorer": output.stem, "scored": True, "checkpoints": different}
        write_table(output, table, SCORES, about)
    for path in scores:
        cost = total_cost(cost, optional_signed(path.with_suffix(".cost.json")))
    write_signed(output.with_suffix(".cost.json"), {**cost, "samples": len(table)})


def _about(scorer: str, settings: ScoreSettings, model: Path | None) -> dict[str, Any]:
    """What the table says of itself: whose scores these are, whether they tell pairs apart, and the
    checkpoints that they come from. Of a file of this machine the name alone is told."""
    keeps_all = settings.subset is not None or (settings.use or scorer) == "none"
    checkpoints = []
    if model is not None:
        told = {
            k: Path(v).name if Path(v).is_absolute() else v for k, v in settings.checkpoint.items()
        }
        checkpoints = [{**told, "digest": digest_files([model])}]
    return {"scorer": scorer, "scored": not keeps_all, "checkpoints": checkpoints}


def _ahead() -> int:
    """Decode ahead of an accelerator; on a CPU the forward pass needs the cores itself."""
    torch = sys.modules.get("torch")
    return 2 if torch is not None and torch.cuda.is_available() else 0
