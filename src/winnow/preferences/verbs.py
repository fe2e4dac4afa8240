"""Commands `generate-candidates`, `rate` and `preference-pairs`."""

from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from winnow.captioning.verbs import EngineSettings, OneEngine
from winnow.command.description import Given, Output, command
from winnow.data.errors import WinnowError
from winnow.data.files import write_signed
from winnow.data.provenance import measure_cost
from winnow.data.tables import (
    CANDIDATES,
    CAPTIONS,
    LAYOUTS,
    PREFERENCES,
    QUARANTINE,
    RATED,
    SAMPLES,
    empty,
    read_table,
    write_table,
)
from winnow.models.settings import MllmRole
from winnow.params.fields import Name, Seed
from winnow.preferences.settings import Answerer, Captioner, Pairing, Quiz

PEOPLE = "people"


class ProposeSettings(OneEngine, Quiz):
    """Who is asked what, and how; `seed` draws the questions and the answers."""

    seed: Seed = Field(0, description="Draws the questions, and what is answered")
    captioners: dict[Name, Captioner] = Field(
        default_factory=dict, description="Who describes the images"
    )
    answerers: dict[Name, Answerer] = Field(
        default_factory=dict, description="Who answers questions about them"
    )


@command
def generate_candidates(
    pool: Path,
    images: Path,
    human: Path,
    layouts: Path,
    perspectives: Given,
    questions: Given,
    output: Output,
    quarantine: Output,
    model: Path | None,
    clip: Path | None,
    role: Literal[MllmRole, "people"],
    threads: int,
    settings: ProposeSettings,
) -> None:
    """Have the captioners and answerers of one role describe the reference split."""
    from winnow.captioning.describe import check_quarantine
    from winnow.captioning.perspectives import load_perspectives
    from winnow.captioning.questions import load_questions
    from winnow.captioning.responses import Responses
    from winnow.preferences import model_candidates
    from winnow.preferences.questions import Counts, image_questions

    samples = model_candidates.kept_samples(pool, images)
    views, categories = load_perspectives(perspectives), load_questions(questions)
    known = read_table(layouts, LAYOUTS)
    counts = Counts(settings.closed, settings.open, settings.remote_sensing)
    quiz = image_questions(
        samples,
        known,
        views,
        categories,
        counts,
        settings.seed,
        open_anyway=settings.judge != "truth",
    )
    found, unanswered, asked = empty(CANDIDATES), empty(QUARANTINE), 0
    asking = settings.asking()
    with measure_cost() as cost:
        if role == PEOPLE:
            captions = read_table(human, CAPTIONS)
            found = _of_people(
                pool, samples, captions, clip, quiz, known, categories, threads, settings
            )
        else:
            proposers = _proposers(role, samples, quiz, views, settings)
            asked = sum(len(proposer.questions) for proposer in proposers)
            if asked:
                backend = asking.backend(model)
                found, unanswered = model_candidates.generate_candidates(
                    pool, samples, proposers, backend, Responses(), asking.attempts, settings.seed
                )
    write_table(quarantine, unanswered, QUARANTINE)
    print(f"{len(samples)} images: {len(found)} texts, {len(unanswered)} in quarantine")
    check_quarantine(unanswered, asked, asking.quarantine_limit, quarantine, "requests")
    write_table(output, found, CANDIDATES)
    write_signed(output.with_suffix(".cost.json"), {**cost, "samples": len(samples)})


def _of_people(
    pool: Path,
    samples: pd.DataFrame,
    human: pd.DataFrame,
    clip: Path | None,
    quiz: list[Any],
    layouts: pd.DataFrame,
    categories: dict[str, Any],
    threads: int,
    settings: ProposeSettings,
) -> pd.DataFrame:
    from winnow.preferences.human_candidates import captioner_candidates, source_answers

    captioners = {
        name: c
        for name, c in settings.captioners.items()
        if c.by in ("human", "neighbour", "noise")
    }
    features = None
    if clip is not None and any(c.by == "neighbour" for c in captioners.values()):
        from winnow.curation.deduplicate import image_features
        from winnow.models.clip import load

        seen = load(clip)
        features = image_features(pool, samples, seen, seen.encode_images, threads)
    said = [captioner_candidates(samples, human, captioners, features, settings.seed)]
    said += [
        source_answers(quiz, layouts, categories, name, settings.seed)
        for name, a in settings.answerers.items()
        if a.by == "source"
    ]
    return pd.concat(said, ignore_index=True)


def _proposers(
    role: str,
    samples: pd.DataFrame,
    quiz: list[Any],
    asked: Any,
    settings: ProposeSettings,
) -> list[Any]:
    from winnow.preferences.model_candidates import Proposer
    from winnow.preferences.questions import caption_questions

    captions = [
        Proposer(name, c.temperature, caption_questions(samples["uid"], name, c, asked))
        for name, c in settings.captioners.items()
        if c.by == role
    ]
    return captions + [
        Proposer(name, a.temperature, quiz)
        for name, a in settings.answerers.items()
        if a.by == role
    ]


@command
def rate(
    pool: Path,
    candidates: list[Path],
    rubric: Given,
    output: Output,
    quarantine: Output,
    layouts: Path | None,
    human: Path | None,
    questions: Given | None,
    judge: Literal["truth", "openai"],
    settings: EngineSettings,
) -> None:
    """Rate captions and answers to open questions about images of the reference split.

    The judge `truth` needs --layouts, --human and --questions, `openai` a --server.
    """
    from winnow.captioning.describe import check_quarantine
    from winnow.captioning.questions import load_questions
    from winnow.captioning.responses import Responses
    from winnow.preferences.model_rater import rate_by_model
    from winnow.preferences.rubric import load_rubric
    from winnow.preferences.truth_rater import TruthRater, read_candidates

    described = load_rubric(rubric)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    rows = read_candidates(candidates, samples)
    unrated = empty(QUARANTINE)
    with measure_cost() as cost:
        if judge == "truth":
            if layouts is None or human is None or questions is None:
                raise WinnowError("--judge truth: needs --layouts, --human and --questions")
            known = TruthRater(
                read_table(layouts, LAYOUTS),
                read_table(human, CAPTIONS),
                load_questions(questions),
                layouts,
            )
            rated = known.rate(rows)
        elif settings.server is None:
            raise WinnowError("--judge openai: needs --server, the url and model of the judge")
        else:
            rated, unrated = rate_by_model(
                rows, pool, samples, described, settings.backend(None), Responses(), settings
            )
    write_table(quarantine, unrated, QUARANTINE)
    print(f"{len(rows)} candidates: {len(rated)} rated, {len(unrated)} in quarantine")
    check_quarantine(unrated, len(rows), settings.quarantine_limit, quarantine, "candidates")
    write_table(output, rated, RATED)
    write_signed(output.with_suffix(".cost.json"), {**cost, "samples": len(rows)})


@command
def preference_pairs(
    rated: Path,
    candidates: list[Path],
    human: Path,
    pool: Path,
    images: Path,
    perspectives: Given,
    text_pairs: Given | None,
    output: Output,
    settings: Pairing,
) -> None:
    """Make preference pairs: of ratings, of known answers, and about text alone."""
    from winnow.captioning.perspectives import load_perspectives
    from winnow.preferences.model_candidates import kept_samples
    from winnow.preferences.pairs import summary
    from winnow.preferences.text_pairs import preference_set, read_pairs

    samples = kept_samples(pool, images)
    said = [read_table(path, CANDIDATES) for path in candidates]
    if not said:
        raise WinnowError("--candidates: name at least one table")
    table = preference_set(
        samples,
        read_table(rated, RATED),
        pd.concat(said, ignore_index=True),
        read_pairs(text_pairs) if text_pairs else None,
        read_table(human, CAPTIONS),
        load_perspectives(perspectives).integration,
        settings.held_out,
        settings.seed,
    )
    write_table(output, table, PREFERENCES)
    print("\n".join(summary(table, samples["uid"])))
