"""How good captions are by the truth: metrics that are shares of assertions, or of captions.

Each assertion (or caption) is one outcome whose group is its image, so that a metric is a ratio of
sums and its interval the bootstrap over images. `hallucination_rate` is the share of captions with
at least one invented object: CHAIR_s of Rohrbach et al. 2018, here of an open vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from winnow.assertions.check import INVENTED, MISSING, RIGHT, WRONG, check
from winnow.assertions.layout_view import SALIENT, LayoutView
from winnow.data.errors import WinnowError
from winnow.data.tables import FACTS, OUTCOMES, PAIR, TRUTH, empty
from winnow.terrarium.noise import CLEAN
from winnow.terrarium.schema import Layout

LOWER_IS_BETTER = frozenset({"hallucination_rate"})

# Metric -> which assertions it is of, and the verdicts that count; the first verdict is a success.
_SHARES: dict[str, tuple[str, frozenset[str]]] = {
    "scene_accuracy": ("scene", frozenset({RIGHT, WRONG, INVENTED})),
    "object_precision": ("object", frozenset({RIGHT, INVENTED})),
    "object_recall": ("object", frozenset({RIGHT, MISSING})),
    "count_accuracy": ("count", frozenset({RIGHT, WRONG})),
    "attribute_accuracy": ("attribute", frozenset({RIGHT, WRONG})),
    "relation_accuracy": ("relation", frozenset({RIGHT, WRONG})),
}


def check_captions(
    captions: pd.DataFrame, layouts: pd.DataFrame, path: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """TRUTH (one kind a caption) and FACTS of the captions whose image has a layout.

    `path` is named in errors: WinnowError for a layout that cannot be read, and where captions and
    layouts share no image.
    """
    known = dict(zip(layouts["uid"], layouts["layout"], strict=True))
    seen: dict[str, LayoutView] = {}
    truth, facts = [], []
    columns = zip(captions["uid"], captions["caption_id"], captions["text"], strict=True)
    for uid, number, text in columns:
        if uid not in known:
            continue
        if uid not in seen:
            seen[uid] = LayoutView(Layout.from_json(known[uid], uid, path))
        kind, found = check(text, seen[uid])
        truth.append((uid, number, kind))
        facts += [(uid, number, *fact) for fact in found]
    if len(captions) and not truth:
        raise WinnowError(f"{path}: has the layout of none of the captions' images")
    return pd.DataFrame(truth, columns=list(TRUTH)), pd.DataFrame(facts, columns=list(FACTS))


def quality_outcomes(truth: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Table OUTCOMES of judged captions, TRUTH and FACTS; a metric without assertions has no rows.

    `object_recall` is of things and named land: of those that are there, which are mentioned.
    """
    tables = [*_assertion_tables(facts), clean_outcomes(truth)]
    invented = facts.loc[(facts["kind"] == "object") & (facts["verdict"] == INVENTED), PAIR]
    keys = pd.MultiIndex.from_frame(truth[PAIR])
    with_invention = keys.isin(pd.MultiIndex.from_frame(invented))
    tables.append(_table("hallucination_rate", truth, pd.Series(with_invention, truth.index)))
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else empty(OUTCOMES)


def clean_outcomes(truth: pd.DataFrame) -> pd.DataFrame:
    """Table OUTCOMES of `clean_rate`, all that the kinds of captions (TRUTH) tell."""
    return _table("clean_rate", truth, truth["kind"] == CLEAN)


def _assertion_tables(facts: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for metric, (kind, verdicts) in _SHARES.items():
        rows = facts[(facts["kind"] == kind) & facts["verdict"].isin(verdicts)]
        if metric == "object_recall":
            rows = rows[rows["subject"].isin(SALIENT)]
        yield _table(metric, rows, rows["verdict"] == RIGHT)


def _table(metric: str, rows: pd.DataFrame, success: pd.Series) -> pd.DataFrame:
    """OUTCOMES of one metric; the query is the caption, and the assertion where rows are such."""
    query = rows["uid"] + "#" + rows["caption_id"].astype(str)
    if "subject" in rows:
        query = query + "#" + rows["subject"] + "#" + rows["value"]
    return pd.DataFrame(
        {"metric": metric, "query": query, "group": rows["uid"], "value": success.astype(float)}
    )
