"""Verbs `train-` standin, mllm and score-model, and `tune-mllm`."""

from pathlib import Path

from pydantic import Field

from winnow.command import verb
from winnow.data.files import atomic_path, write_signed
from winnow.data.provenance import measured, weight_files
from winnow.data.splits import rows_of
from winnow.data.tables import (
    CAPTIONS,
    LAYOUTS,
    PREFERENCES,
    SAMPLES,
    read_table,
)
from winnow.params import sections
from winnow.training import generation_verbs, segmentation_verbs  # noqa: F401 (their verbs)
from winnow.training.record import (
    MLLM,
    SCORE_MODEL,
    write_record,
    write_trained,
)
from winnow.training.subsets import kept_pairs


class StandinSettings(sections.Optimiser):
    """One stand-in's training."""

    samples_seen: int = Field(description="Pairs seen")


@verb("pool", "human", "output", values={"role": sections.Role}, settings=StandinSettings)
def train_standin(
    pool: Path,
    human: Path,
    output: Path,
    role: sections.Role,
    threads: int,
    settings: StandinSettings,
) -> None:
    """Train a stand-in on a pool's reference split."""
    import torch

    from winnow.models import clip
    from winnow.training import foundry

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = rows_of(samples, "reference", pool)
    captions = read_table(human, CAPTIONS)
    captions = captions[captions["uid"].isin(set(samples["uid"]))]
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        folder.mkdir()
        with measured(cost):
            model, losses = foundry.train_standin(
                role, pool, samples, captions, folder, settings, settings.samples_seen
            )
            clip.save(model, folder, half=True)
        parameters = {**settings.model_dump(), "role": role, "images": len(samples)}
        inputs = {"samples": pool / "samples.parquet", "human": human}
        write_record(folder / "foundry.json", parameters, inputs, loss=losses[-1])
    print(f"{output}: loss {losses[-1]:.3f}, {cost['wall_s']:.0f} s")


@verb(
    "pool",
    "human",
    "layouts",
    "perspectives",
    "questions",
    "output",
    values={"role": sections.MllmRole},
    settings=sections.MllmTraining,
)
def train_mllm(
    pool: Path,
    human: Path,
    layouts: Path,
    perspectives: Path,
    questions: Path,
    output: Path,
    role: sections.MllmRole,
    threads: int,
    settings: sections.MllmTraining,
) -> None:
    """Train a stand-in of a multimodal language model on a pool's reference split."""
    import torch

    from winnow.captioning.annotations import own_rules
    from winnow.captioning.perspectives import load_perspectives
    from winnow.captioning.questions import load_questions
    from winnow.models import mllm as models
    from winnow.training.conversations import exchanges, quiz
    from winnow.training.mllm import SEED, train_mllm

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = rows_of(samples, "reference", pool)
    known = read_table(layouts, LAYOUTS)
    known = known[known["uid"].isin(set(samples["uid"]))]
    rules = own_rules(pool, samples, known)
    captions = read_table(human, CAPTIONS)
    described = exchanges(
        samples["uid"].tolist(),
        captions,
        known,
        {str(uid): " ".join(texts) for uid, texts in rules.groupby("uid")["text"]},
        load_perspectives(perspectives),
        SEED[role],
    )
    answered = quiz(samples, captions, known, load_questions(questions), SEED[role])
    said = [[*one, *other] for one, other in zip(described, answered, strict=True)]
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        with measured(cost):
            model, processor, losses = train_mllm(role, pool, samples, said, known, settings)
        models.save(model, processor, folder, half=True)
        parameters = {**settings.model_dump(), "role": role, "images": len(samples)}
        inputs = {"samples": pool / "samples.parquet", "human": human, "layouts": layouts}
        write_record(folder / "foundry.json", parameters, inputs, loss=losses["speak"])
    print(f"{output}: losses {losses}, {cost['wall_s']:.0f} s")


@verb("pool", "captions", "subset", "model", "output", settings=sections.MllmTuning)
def tune_mllm(
    pool: Path,
    captions: Path,
    subset: Path,
    model: Path,
    output: Path,
    threads: int,
    settings: sections.MllmTuning,
) -> None:
    """Fine-tune the multimodal stand-in on one subset: a further start of score models."""
    import torch

    from winnow.models import hub, mllm
    from winnow.preferences.draw import CAPTION_PROMPT
    from winnow.training.mllm import SEED
    from winnow.training.tuning import tune

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    pairs = kept_pairs(subset, captions)
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        with measured(cost):
            tuned, processor = hub.load(model, torch.float32)
            seed = SEED["mllm"]
            losses = tune(tuned, processor, pool, samples, pairs, CAPTION_PROMPT, settings, seed)
        mllm.save(tuned, processor, folder, half=True)
        parameters = {**settings.model_dump(), "pairs": len(pairs)}
        inputs = {"subset": subset, "model": model, "captions": captions}
        write_trained(folder, MLLM, parameters, inputs, loss=losses[-1])
    print(f"{output}: loss {losses[-1]:.3f}, {cost['wall_s']:.0f} s")


class ScoreStageSettings(sections.ScoreStage):
    """One stage, and what its recipe does to the output in the loss."""

    normalisation: sections.Normalisation = Field("none", description="Of the output, in the loss")


@verb(
    "pool",
    "preferences",
    "model",
    "output",
    values={"seed": int},
    settings=ScoreStageSettings,
)
def train_score_model(
    pool: Path,
    preferences: Path,
    model: Path,
    output: Path,
    seed: int,
    threads: int,
    settings: ScoreStageSettings,
) -> None:
    """Train a score model by one stage, from a multimodal model or from the stage before."""
    import torch

    from winnow.models import score
    from winnow.training.score_model import caption_prompt, fit, stage

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    pairs = read_table(preferences, PREFERENCES)
    chosen = stage(pairs, settings, seed, preferences)
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        folder.mkdir()
        with measured(cost):
            tuned = score.start_from(model, seed)
            tuned.prompt = caption_prompt(pairs) or tuned.prompt
            losses = fit(tuned, pool, samples, chosen, settings, settings.normalisation, seed)
        score.save(tuned, folder, half=True)
        write_signed(folder / "cost.json", {**cost, "samples": len(chosen)})
        parameters = {**settings.model_dump(), "seed": seed, "pairs": len(chosen)}
        inputs = {"samples": pool / "samples.parquet", "preferences": preferences}
        inputs |= weight_files("model", model)
        write_trained(folder, SCORE_MODEL, parameters, inputs, losses=losses)
    print(f"{output}: {len(chosen)} pairs, {len(losses)} steps, {cost['wall_s']:.0f} s")
