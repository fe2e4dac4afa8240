"""Whether a judge tells right from wrong where that is known by construction.

ScoreRS has people check its judge (Table 7). Here a person's caption stands against the same with
one mistake of a known kind put in, and the right answer to a closed question against the wrong ones
that models gave. The judge rates each text by itself, and agrees where the right one is rated
higher; equal ratings count half.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from winnow.captioning.describe import check_quarantine
from winnow.captioning.questions import load_questions
from winnow.captioning.responses import Responses
from winnow.captioning.verbs import EngineSettings
from winnow.data.tables import CANDIDATES, OUTCOMES, empty
from winnow.evaluation.preference import preferred
from winnow.preferences.model_rater import rate_by_model
from winnow.preferences.pairs import closed_pairs
from winnow.preferences.questions import CAPTION_PROMPT
from winnow.preferences.rubric import Rating, load_rubric
from winnow.preferences.truth_rater import TruthRater
from winnow.terrarium.noise import KINDS, corrupt

RIGHT = "right"  # the proposer of a text that is right by construction
WRONG = "wrong"
_NAMES = [name.rstrip("?") for name in CANDIDATES]
IMAGES = 300  # judged at most: with eight kinds of mistake 2,700 texts, which a server can rate


def right_and_wrong_captions(
    samples: pd.DataFrame, human: pd.DataFrame, layouts: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """Table CANDIDATES: of each image one caption by a person, and its corruption of each kind.

    `samples` are the images to choose at most IMAGES from: the first by uid, which is a digest. The
    category is the kind of mistake. A kind that does not apply to a caption is left out.
    """
    chosen = samples.sort_values("uid").head(IMAGES)
    known = {uid: rows["text"].tolist() for uid, rows in human.groupby("uid", sort=False)}
    rule = dict(zip(layouts["uid"], layouts["rule_caption"], strict=True))
    chosen = chosen[chosen["uid"].isin(set(known))]
    uids = chosen["uid"].tolist()
    scenes = [scene if isinstance(scene, str) else None for scene in chosen["scene"]]
    true = [[*known[uid], *([rule[uid]] if uid in rule else [])] for uid in uids]
    picks = [int(np.random.default_rng([seed, int(uid[:13], 16)]).integers(99)) for uid in uids]
    texts = [known[uid][pick % len(known[uid])] for uid, pick in zip(uids, picks, strict=True)]
    rows = [(uid, "", text, RIGHT) for uid, text in zip(uids, texts, strict=True)]
    for kind in KINDS:
        changed, made = corrupt(texts, scenes, uids, {kind: 1.0}, seed, references=true)
        rows += [
            (uid, kind, text, WRONG)
            for uid, text, became in zip(uids, changed, made, strict=True)
            if became == kind  # else the kind did not apply and another took its place
        ]
    frame = pd.DataFrame(rows, columns=["uid", "category", "text", "proposer"])
    return frame.assign(kind="caption", prompt=CAPTION_PROMPT, reference=None)[_NAMES]


def right_and_wrong_answers(proposed: pd.DataFrame) -> pd.DataFrame:
    """Table CANDIDATES: the right answer to each closed question that some model answered wrongly,
    and those wrong answers, of at most IMAGES images. `proposed` (CANDIDATES) has the answers.

    They are put as answers to open questions, because those to closed ones are not rated.
    """
    pairs = closed_pairs(proposed)
    images = set(sorted({str(pair.uid) for pair in pairs})[:IMAGES])
    rows: dict[tuple[Any, ...], None] = {}  # each once, in order
    for pair in pairs:
        if pair.uid in images:
            for text, proposer in ((pair.chosen, RIGHT), (pair.rejected, WRONG)):
                rows[pair.uid, "open", pair.category, pair.prompt, None, text, proposer] = None
    return pd.DataFrame(list(rows), columns=_NAMES)


def truth_ratings(
    asked: pd.DataFrame, human: pd.DataFrame, layouts: pd.DataFrame, questions: Path, path: Path
) -> pd.DataFrame:
    """Table RATED of the captions about images that have a layout in `layouts`, read from `path`.

    Of the others the judge `truth` knows only which mistake was put in, and would agree always.
    """
    known = asked[asked["uid"].isin(layouts["uid"])]
    return TruthRater(layouts, human, load_questions(questions), path).rate(known)


def model_ratings(
    asked: pd.DataFrame, pool: Path, samples: pd.DataFrame, rubric: Path, settings: EngineSettings
) -> pd.DataFrame:
    """Table RATED by the model that the settings name; what got no rating is left out.

    WinnowError above the limit of quarantine.
    """
    backend = settings.backend(None)
    rated, unrated = rate_by_model(
        asked, pool, samples, load_rubric(rubric), backend, Responses(), settings
    )
    check_quarantine(unrated, len(asked), settings.quarantine_limit, rubric, "candidates")
    return rated


def agreement_outcomes(rated: pd.DataFrame) -> pd.DataFrame:
    """Table OUTCOMES of texts as above, rated (RATED).

    A caption counts in `agreement/caption` and in `agreement/{kind of mistake}`, an answer in
    `agreement/instruction`. Texts whose counterpart was not rated are left out.
    """
    keys = ["uid", "kind", "prompt"]
    rated = rated.assign(value=rated[list(Rating._fields)].mean(axis=1))
    right = rated[rated["proposer"] == RIGHT]
    both = rated[rated["proposer"] == WRONG].merge(
        right[[*keys, "value"]], on=keys, suffixes=("", "_right")
    )
    tables = list(_agreement_tables(both)) if len(both) else [empty(OUTCOMES)]
    joined = pd.concat(tables, ignore_index=True)
    return joined.sort_values(["metric", "query"], kind="stable", ignore_index=True)


def _agreement_tables(both: pd.DataFrame) -> Iterator[pd.DataFrame]:
    number = both.groupby(["uid", "kind"], sort=False).cumcount().astype(str)
    caption = both["kind"] == "caption"
    columns: dict[str, Any] = {
        "metric": np.where(caption, "agreement/caption", "agreement/instruction"),
        "query": both["uid"] + "#" + both["kind"] + "#" + number,
        "group": both["uid"],
        "value": preferred(both["value_right"].to_numpy(), both["value"].to_numpy()),
    }
    rows = pd.DataFrame(columns)
    yield rows
    yield rows[caption].assign(metric="agreement/" + both["category"][caption])
