"""Commands of captioning."""

from pathlib import Path
from typing import Any

from pydantic import Field

from winnow.captioning.settings import Annotations, Integration, Loop, TextGeneration
from winnow.command.description import Given, Output, command
from winnow.data.errors import WinnowError
from winnow.data.files import write_signed
from winnow.data.provenance import measure_cost
from winnow.data.tables import (
    ANNOTATIONS,
    CAPTIONS,
    LAYOUTS,
    QUARANTINE,
    SAMPLES,
    TRACE,
    empty,
    read_table,
    write_table,
)
from winnow.models.settings import Server
from winnow.params.fields import Section


class EngineSettings(TextGeneration):
    """How a model is asked, and the server it is at unless `--model` names a folder."""

    server: Server | None = Field(
        None, description='In place of --model: {"url": "http://host:8000/v1", "model": "name"}'
    )

    def backend(self, model: Path | None) -> Any:
        """The engine's backend for the folder `model` or the server, whichever is given."""
        from winnow.captioning.engine import backend_for

        given = [one for one in (model, self.server) if one is not None]
        if len(given) != 1:
            raise WinnowError("--model, --server: give one of them, a folder or a server")
        return backend_for(given[0], self)


@command
def annotate(pool: Path, layouts: Path, output: Output, settings: Annotations) -> None:
    """Gather the boxes and masks that come with the pool's images."""
    from winnow.captioning.annotations import annotations, describe

    samples = read_table(pool / "samples.parquet", SAMPLES)
    rows, faults = annotations(pool, samples, read_table(layouts, LAYOUTS), settings)
    write_table(output, rows, ANNOTATIONS)
    print(describe(rows, faults))


@command
def rule_captions(pool: Path, annotations: Path, output: Output) -> None:
    """Make the caption set `rule` from scene labels, boxes and masks."""
    from winnow.captioning import rules

    samples = read_table(pool / "samples.parquet", SAMPLES)
    captions = rules.rule_captions(samples, read_table(annotations, ANNOTATIONS))
    write_table(output, captions, CAPTIONS)
    counts = captions["perspective"].value_counts()
    print("\n".join(f"{name}: {count} captions" for name, count in counts.items()) or "no caption")


@command
def describe(
    pool: Path,
    perspectives: Given,
    output: Output,
    quarantine: Output,
    model: Path | None,
    rule: Path | None,
    perspective: str,
    settings: EngineSettings,
) -> None:
    """Have a multimodal model describe each image of the pool from one perspective."""
    from winnow.captioning.describe import check_quarantine, describe_images, pool_samples
    from winnow.captioning.perspectives import load_perspectives
    from winnow.captioning.responses import Responses

    asked = load_perspectives(perspectives).find(perspective)
    rules = read_table(rule, CAPTIONS) if rule else None
    samples = pool_samples(pool)
    count = len(samples)
    with measure_cost() as cost:
        captions, unanswered = describe_images(
            pool,
            samples,
            asked,
            settings.backend(model),
            Responses(),
            settings,
            name=perspective,
            rule=rules,
        )
    write_table(quarantine, unanswered, QUARANTINE)
    print(
        f"{count} images: {len(captions)} captions, {len(unanswered)} in quarantine, "
        f"{count - len(captions) - len(unanswered)} left out because they have nothing to say"
    )
    check_quarantine(unanswered, count, settings.quarantine_limit, quarantine)
    write_table(output, captions, CAPTIONS)
    write_signed(output.with_suffix(".cost.json"), {**cost, "samples": count})


@command
def concatenate(parts: list[Path], output: Output) -> None:
    """Put caption sets together as one, in the order given."""
    from winnow.captioning import concatenation

    captions = concatenation.concatenate(parts)
    write_table(output, captions, CAPTIONS)
    print(f"{len(captions)} captions of {captions['uid'].nunique()} images")


class IntegrateSettings(Integration, EngineSettings):
    """How descriptions are merged, and the language model if it is one that merges them."""


@command
def integrate(
    parts: list[Path],
    output: Output,
    quarantine: Output,
    model: Path | None,
    perspectives: Given | None,
    settings: IntegrateSettings,
) -> None:
    """Merge the descriptions of each image into one caption of what they agree on."""
    from winnow.captioning import concatenation
    from winnow.captioning import integrate as merge
    from winnow.captioning.describe import check_quarantine

    descriptions = concatenation.concatenate(parts)
    count = descriptions["uid"].nunique()
    unanswered = empty(QUARANTINE)
    with measure_cost() as cost:
        if settings.mode == "vote":
            captions = merge.integrate_by_vote(descriptions, settings.votes)
        else:
            from winnow.captioning.perspectives import load_perspectives
            from winnow.captioning.responses import Responses

            if perspectives is None:
                raise WinnowError("--perspectives: mode llm needs the file with the prompt")
            asked = load_perspectives(perspectives).integration
            backend = settings.backend(model)
            captions, unanswered = merge.integrate_by_model(
                descriptions, settings.votes, asked, backend, Responses(), settings
            )
    write_table(quarantine, unanswered, QUARANTINE)
    print(f"{count} images: {len(captions)} captions, {len(unanswered)} in quarantine")
    check_quarantine(unanswered, count, settings.quarantine_limit, quarantine)
    write_table(output, captions, CAPTIONS)
    write_signed(output.with_suffix(".cost.json"), {**cost, "samples": count})


class OneEngine(Section):
    """How a model is asked by several who each have a temperature, and a seed of their own."""

    generation: TextGeneration = Field(
        default_factory=lambda: TextGeneration.model_validate({}),
        description="How the model is asked, but for temperature and seed",
    )
    server: Server | None = Field(None, description="In place of --model, as in describe")

    def asking(self) -> EngineSettings:
        """How the model is asked by any of them."""
        return EngineSettings(**self.generation.model_dump(), server=self.server)


class LoopSettings(OneEngine, Loop):
    """The rounds of the dual loop, and how the model is asked."""


@command
def redescribe(
    pool: Path,
    perspectives: Given,
    captions: list[Path],
    scores: list[Path],
    output: Output,
    quarantine: Output,
    model: Path | None,
    rule: Path | None,
    round: int,
    settings: LoopSettings,
) -> None:
    """Describe, in a round of the dual loop, the images that scored below the bar before it."""
    from winnow.captioning import loop
    from winnow.captioning.describe import check_quarantine, describe_images, pool_samples
    from winnow.captioning.perspectives import load_perspectives
    from winnow.captioning.responses import Responses

    entry = loop.round_after(len(captions), round, settings)
    asking = settings.asking()
    asked = load_perspectives(perspectives).find(entry.perspective)
    samples = pool_samples(pool)
    uids = samples["uid"].tolist()
    if captions:
        attempts = loop.read_attempts(captions, scores, settings)
        uids = loop.next_images(uids, attempts, len(captions), settings)
        print(loop.describe(attempts, settings, len(captions)))
    found, unanswered = empty(CAPTIONS), empty(QUARANTINE)
    with measure_cost() as cost:
        if uids:
            found, unanswered = describe_images(
                pool,
                samples[samples["uid"].isin(uids)],
                asked,
                asking.backend(model),
                Responses(),
                asking,
                name=entry.perspective,
                rule=read_table(rule, CAPTIONS) if rule else None,
                temperature=entry.temperature,
                seed=entry.seed,
            )
    write_table(quarantine, unanswered, QUARANTINE)
    print(f"{len(uids)} images to describe: {len(found)} captions, {len(unanswered)} in quarantine")
    check_quarantine(unanswered, len(uids), asking.quarantine_limit, quarantine)
    write_table(output, found.assign(generator="loop"), CAPTIONS)
    write_signed(output.with_suffix(".cost.json"), {**cost, "samples": len(uids)})


@command
def conclude_loop(
    captions: list[Path],
    scores: list[Path],
    output: Output,
    trace: Output,
    settings: Loop,
) -> None:
    """Keep the best description of each image that the rounds of the dual loop tried."""
    from winnow.captioning import loop

    attempts = loop.read_attempts(captions, scores, settings)
    best, tried = loop.conclude(attempts, settings)
    write_table(output, best, CAPTIONS)
    write_table(trace, tried, TRACE)
    print(loop.describe(attempts, settings, len(captions)))
