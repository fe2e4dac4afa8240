"""Tables of candidates: which may be rated, and their ratings by what is known of their images."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from winnow.assertions.layout_view import LayoutView
from winnow.captioning.questions import Category
from winnow.data.errors import WinnowError
from winnow.data.tables import CANDIDATES, RATED, read_table
from winnow.preferences.rating import NOISE, rate_by_noise, rate_by_truth
from winnow.preferences.rubric import Rating
from winnow.terrarium.noise import CLEAN
from winnow.terrarium.perspectives import answers
from winnow.terrarium.schema import Layout

RATABLE = ("caption", "open", "remote_sensing")  # the right answer to a closed question is known
WORDINGS = 3  # of the annotator's answer to a question, each a reference


def read_candidates(paths: Sequence[Path], samples: pd.DataFrame) -> pd.DataFrame:
    """The candidates (CANDIDATES) of several tables that are to be rated, in their order.

    Raises WinnowError for an image that is not of the split `reference`: what is said of the others
    must stay unjudged, for it is what scorers are tested on.
    """
    open_ones = samples.loc[samples["split"] == "reference", "uid"]
    tables = []
    for path in paths:
        table = read_table(path, CANDIDATES)
        outside = ~table["uid"].isin(open_ones)
        if outside.any():
            uid = table.loc[outside, "uid"].iloc[0]
            raise WinnowError(
                f"{path}: uid {uid} in row {int(outside.to_numpy().argmax())} is no image of the "
                "split `reference`, and no other may be judged; propose candidates for this pool"
            )
        tables.append(table[table["kind"].isin(RATABLE)])
    if not tables:
        raise WinnowError("--candidates: give one table or more")
    return pd.concat(tables, ignore_index=True)


class TruthRater:
    """What is known of the images: layouts, human captions, and how questions are answered."""

    def __init__(
        self,
        layouts: pd.DataFrame,
        human: pd.DataFrame,
        categories: Mapping[str, Category],
        path: Path,
    ):
        """From LAYOUTS and CAPTIONS; `path`, of the layouts, is named in errors."""
        self.layouts = dict(zip(layouts["uid"], layouts["layout"], strict=True))
        self.human: dict[str, list[str]] = {}
        for uid, text in zip(human["uid"], human["text"], strict=True):
            self.human.setdefault(uid, []).append(text)
        self.categories, self.path = categories, path
        self.views: dict[str, LayoutView] = {}
        self.answers: dict[str, list[dict[str, str]]] = {}

    def rate(self, candidates: pd.DataFrame) -> pd.DataFrame:
        """RATED, a row a candidate. WinnowError for one of whose image too little is known."""
        columns = ("uid", "kind", "category", "text", "proposer")
        rows = zip(*(candidates[column] for column in columns), strict=True)
        ratings = pd.DataFrame([self._rated(*row) for row in rows], columns=list(Rating._fields))
        joined = pd.concat([candidates.reset_index(drop=True), ratings], axis=1)
        return joined[[name.rstrip("?") for name in RATED]]

    def _rated(self, uid: str, kind: str, category: str, text: str, proposer: str) -> Rating:
        if uid in self.layouts:
            if uid not in self.views:
                layout = Layout.from_json(self.layouts[uid], uid, self.path)
                self.views[uid] = LayoutView(layout)
            return rate_by_truth(text, self.views[uid], self._references(uid, kind, category))
        if kind == "caption" and category in NOISE:
            return rate_by_noise(category)
        if kind == "caption" and text in self.human.get(uid, ()):
            return rate_by_noise(CLEAN)
        raise WinnowError(
            f"{self.path}: has no layout of uid {uid}, so that what {proposer!r} says of it cannot "
            "be rated: without layouts the judge `truth` knows captions by people and by `noise` "
            "alone; have a model judge (preferences.judge: openai), or drop this proposer"
        )

    def _references(self, uid: str, kind: str, category: str) -> Sequence[str]:
        """True texts that reply to what the candidate replies to.

        The annotator's answers from the question's viewpoint; human captions reply to all else.
        """
        viewpoint = ""
        if kind == "open":
            viewpoint = category
        elif kind == "remote_sensing":
            if category not in self.categories:
                raise WinnowError(
                    f"candidates about uid {uid}: the category {category!r} is not in the "
                    "questions file; propose them again with the same file"
                )
            viewpoint = self.categories[category].viewpoint
        if viewpoint and uid not in self.answers:
            seed, layout = zlib.crc32(uid.encode()), self.views[uid].layout
            self.answers[uid] = [answers(layout, seed + number) for number in range(WORDINGS)]
        told = [said.get(viewpoint, "") for said in self.answers.get(uid, ())]
        return [text for text in dict.fromkeys(told) if text] or self.human.get(uid, [])
