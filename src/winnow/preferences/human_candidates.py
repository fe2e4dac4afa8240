"""What no model wrote: people's captions, of this image or a similar one, or with known noise; and
the answers that come with questions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from winnow.captioning.questions import Category
from winnow.data.errors import WinnowError
from winnow.data.tables import CANDIDATES
from winnow.preferences.questions import CAPTION_PROMPTS, Question, question_rng
from winnow.preferences.settings import Captioner
from winnow.terrarium.noise import KINDS, corrupt
from winnow.terrarium.perspectives import answers
from winnow.terrarium.schema import Layout

BLOCK = 512  # images compared at once with all others


def captioner_candidates(
    samples: pd.DataFrame,
    human: pd.DataFrame,
    captioners: Mapping[str, Captioner],
    features: np.ndarray | None,
    seed: int,
) -> pd.DataFrame:
    """CANDIDATES of those `captioners` that no model is, about the images of `samples`.

    Each image is described once under every wording of the prompt, if it has as many human
    captions. `features` [N, D] are those of the images, L2-normalised; a `neighbour` needs them. An
    image without a human caption gets none, and lends none.
    """
    captions = captions_of(human)
    has = samples["uid"].isin(captions.keys()).to_numpy()
    samples, features = samples[has], None if features is None else features[has]
    rows: list[tuple[str, str, str, str, None, str, str]] = []
    for turn, prompt in enumerate(CAPTION_PROMPTS):
        described = np.array([len(captions[uid]) > turn for uid in samples["uid"]], dtype=bool)
        for name, captioner in captioners.items():
            if captioner.by == "neighbour":
                if features is None:
                    raise WinnowError(
                        f"--clip: captioner {name!r} needs a model that finds neighbours"
                    )
                ranks = [rank + turn for rank in captioner.ranks]
                said = _neighbours(samples, captions, name, features, ranks, seed)
            elif captioner.by == "noise":
                said = _noisy(samples, captions, turn, seed + turn)
            else:
                said = [(uid, "", _person(captions, uid, turn, seed)) for uid in samples["uid"]]
            known = set(samples["uid"][described])
            rows += [
                (u, "caption", kind, prompt, None, t, name) for u, kind, t in said if u in known
            ]
    return pd.DataFrame(rows, columns=[column.rstrip("?") for column in CANDIDATES])


def _person(captions: Mapping[str, list[str]], uid: str, turn: int, seed: int) -> str:
    """The caption of an image whose turn it is: each comes once, in a random order."""
    texts = captions[uid]
    return texts[int(question_rng(seed, uid, "person").permutation(len(texts))[turn % len(texts)])]


def source_answers(
    quiz: Sequence[Question],
    layouts: pd.DataFrame,
    categories: Mapping[str, Category],
    name: str,
    seed: int,
) -> pd.DataFrame:
    """CANDIDATES of the annotator, who answers the open questions of `quiz` from the layouts.

    ScoreRS, too, has the answer that comes with a question judged beside those of its models.
    """
    known = dict(zip(layouts["uid"], layouts["layout"], strict=True))
    told: dict[str, dict[str, str]] = {}
    rows = []
    for asked in quiz:
        if asked.kind == "closed" or asked.uid not in known:
            continue
        if asked.uid not in told:
            layout = Layout.from_json(known[asked.uid], asked.uid)
            told[asked.uid] = answers(
                layout, int(question_rng(seed, asked.uid, name).integers(2**32))
            )
        viewpoint = asked.category
        if asked.kind == "remote_sensing":
            viewpoint = categories[asked.category].viewpoint
        if text := told[asked.uid].get(viewpoint):
            rows.append((asked.uid, asked.kind, asked.category, asked.prompt, None, text, name))
    return pd.DataFrame(rows, columns=[column.rstrip("?") for column in CANDIDATES])


def captions_of(human: pd.DataFrame) -> dict[str, list[str]]:
    """The texts of each image, in the order of their `caption_id`."""
    texts = human.sort_values("caption_id", kind="stable").groupby("uid")["text"].agg(list)
    return {str(uid): found for uid, found in texts.items()}


def _one(captions: Mapping[str, list[str]], of: str, uid: str, purpose: str, seed: int) -> str:
    """One of the captions of image `of`, drawn for image `uid`."""
    texts = captions[of]
    return texts[int(question_rng(seed, uid, purpose).integers(len(texts)))]


def _neighbours(
    samples: pd.DataFrame,
    captions: Mapping[str, list[str]],
    name: str,
    features: np.ndarray,
    ranks: Sequence[int],
    seed: int,
) -> list[tuple[str, str, str]]:
    """A caption of each of the neighbours; an image has none of a rank that no other image has."""
    uids = samples["uid"].tolist()
    ranks = [rank for rank in ranks if rank < len(uids)]
    near = nearest(features, ranks)
    return [
        (uid, "", _one(captions, uids[near[row, place]], uid, f"{name} {rank}", seed))
        for row, uid in enumerate(uids)
        for place, rank in enumerate(ranks)
    ]


def nearest(features: np.ndarray, ranks: Sequence[int]) -> np.ndarray:
    """The rows of `features` [N, D] that are of these ranks in cosine to each, itself apart [N, R].

    Rank 1 is the most similar one; every rank is less than N.
    """
    found = np.empty((len(features), len(ranks)), dtype=np.int64)
    for start in range(0, len(features), BLOCK):
        cosines = features[start : start + BLOCK] @ features.T
        rows = np.arange(len(cosines))
        cosines[rows, rows + start] = np.inf  # itself is first
        order = np.argsort(-cosines, axis=1, kind="stable")
        found[start : start + BLOCK] = order[:, list(ranks)]
    return found


def _noisy(
    samples: pd.DataFrame, captions: Mapping[str, list[str]], turn: int, seed: int
) -> list[tuple[str, str, str]]:
    """Each with noise of a kind drawn evenly, which is its category."""
    uids = samples["uid"].tolist()
    texts, kinds = corrupt(
        [_person(captions, uid, turn, seed - turn) for uid in uids],
        [scene if isinstance(scene, str) else None for scene in samples["scene"]],
        uids,
        dict.fromkeys(KINDS, 1 / len(KINDS)),
        seed,
        references=[captions[uid] for uid in uids],
    )
    return list(zip(uids, kinds, texts, strict=True))
