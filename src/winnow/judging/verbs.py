"""Command `rate`."""

from pathlib import Path
from typing import Literal

from winnow.captioning.verbs import Asking
from winnow.command.description import Given, Output, command
from winnow.data.errors import WinnowError
from winnow.data.files import write_signed
from winnow.data.provenance import measured
from winnow.data.tables import (
    CAPTIONS,
    LAYOUTS,
    QUARANTINE,
    RATED,
    SAMPLES,
    empty,
    read_table,
    write_table,
)


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
    settings: Asking,
) -> None:
    """Rate captions and answers to open questions about images of the reference split.

    The judge `truth` needs --layouts, --human and --questions, `openai` a --server.
    """
    from winnow.captioning.describe import check_quarantine
    from winnow.captioning.questions import load_questions
    from winnow.captioning.responses import Responses
    from winnow.judging.by_model import rate_by_model
    from winnow.judging.candidates import Known, read_candidates
    from winnow.judging.rubric import load_rubric

    described = load_rubric(rubric)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    rows = read_candidates(candidates, samples)
    unrated = empty(QUARANTINE)
    cost: dict[str, float] = {}
    with measured(cost):
        if judge == "truth":
            if layouts is None or human is None or questions is None:
                raise WinnowError("--judge truth: needs --layouts, --human and --questions")
            known = Known(
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
