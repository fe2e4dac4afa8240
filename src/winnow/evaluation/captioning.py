"""Evaluate one caption set: by the truth where it is known, by the evaluator, and as texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.tables import FACTS, PAIR, SCORES, TRUTH, join_scores, read_table, require_unique
from winnow.data.temporary_folders import scratch_folder
from winnow.evaluation import caption_quality, text_statistics
from winnow.evaluation.cell_results import Measurement
from winnow.evaluation.settings import Statistics
from winnow.evaluation.statistics import bootstrap, estimates

LOWER_IS_BETTER = caption_quality.LOWER_IS_BETTER | text_statistics.LOWER_IS_BETTER


def evaluator_scores(pool: Path, pairs: pd.DataFrame, model: Path, workers: int) -> np.ndarray:
    """Cosine of image and caption by the evaluator, in float32, for each row of `pairs`."""
    from winnow.scoring.engine import score_pool
    from winnow.scoring.scorer import Context
    from winnow.scoring.scorers.clip import ClipScore

    with scratch_folder() as folder:
        path = folder / "evaluator.parquet"
        scorer = ClipScore(Context(model, precision="float32"))
        score_pool(scorer, pool, pairs, path, key="", workers=workers)
        return join_scores(pairs, read_table(path, SCORES), path)


def judged_outcomes(pairs: pd.DataFrame, truth: Path, facts: Path | None) -> list[pd.DataFrame]:
    """OUTCOMES by the truth of those of `pairs` that were judged; without FACTS no assertions."""
    kinds = read_table(truth, TRUTH)
    require_unique(kinds, PAIR, truth)
    kinds = kinds.merge(pairs[PAIR], on=PAIR)
    if kinds.empty and len(pairs):
        raise WinnowError(f"{truth}: holds none of the captions (run `winnow check-captions`)")
    if facts is None:
        return [caption_quality.clean_outcomes(kinds)]
    assertions = read_table(facts, FACTS).merge(kinds[PAIR], on=PAIR)
    return [caption_quality.quality_outcomes(kinds, assertions)]


def evaluate(
    pairs: pd.DataFrame,
    scores: np.ndarray,
    judged: list[pd.DataFrame],
    settings: Statistics,
) -> tuple[Measurement, pd.DataFrame]:
    """All that is measured of `pairs` (uid, caption_id, text), with intervals of what is a mean
    over images; and table OUTCOMES. See the modules for each metric."""
    tables = [*judged, text_statistics.caption_outcomes(pairs, scores)]
    outcomes: pd.DataFrame = pd.concat(tables, ignore_index=True)
    metrics, n = text_statistics.set_statistics(pairs, settings.seed)
    if outcomes.empty:
        return Measurement(metrics, {}, n, {}), outcomes
    counts = outcomes["metric"].value_counts().to_dict()
    n |= {str(name): int(count) for name, count in counts.items()}
    intervals = bootstrap(outcomes, settings.resamples, settings.seed)
    return Measurement(estimates(outcomes) | metrics, intervals, n, {}), outcomes
