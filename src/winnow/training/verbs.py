"""Commands `train-` and `tune-`: stand-ins and score models; and `recipes`."""

from pathlib import Path

from pydantic import Field

from winnow.command.description import Given, Output, command
from winnow.data.files import write_signed
from winnow.data.provenance import weight_files
from winnow.data.tables import LAYOUTS, PREFERENCES, SAMPLES, read_table
from winnow.models.settings import GeneratorRole, MllmRole, Role
from winnow.training.model_record import MLLM, SCORE_MODEL, new_model_folder
from winnow.training.settings import (
    AutoencoderTraining,
    BackboneTraining,
    DiffusionTraining,
    MllmTraining,
    MllmTuning,
    Normalisation,
    Optimiser,
    ScoreModel,
    ScoreStage,
)
from winnow.training.subsets import kept_pairs, reference_split


class StandinSettings(Optimiser):
    """One stand-in's training."""

    samples_seen: int = Field(description="Pairs seen")


@command
def train_standin(
    pool: Path,
    human: Path,
    output: Output,
    role: Role,
    settings: StandinSettings,
) -> None:
    """Train a stand-in on a pool's reference split."""
    from winnow.models import clip
    from winnow.training import clip_standins

    samples, captions = reference_split(pool, human)
    parameters = {**settings.model_dump(), "role": role, "images": len(samples)}
    inputs = {"samples": pool / "samples.parquet", "human": human}
    with new_model_folder(output, parameters, inputs) as (folder, given):
        model, losses = clip_standins.train_standin(
            role, pool, samples, captions, folder, settings, settings.samples_seen
        )
        clip.save(model, folder, half=True)
        given["loss"] = losses[-1]


@command
def train_mllm(
    pool: Path,
    human: Path,
    layouts: Path,
    perspectives: Given,
    questions: Given,
    output: Output,
    role: MllmRole,
    settings: MllmTraining,
) -> None:
    """Train a stand-in of a multimodal language model on a pool's reference split."""
    from winnow.captioning.annotations import own_rules
    from winnow.captioning.perspectives import load_perspectives
    from winnow.captioning.questions import load_questions
    from winnow.models import mllm as models
    from winnow.models.precision import chosen
    from winnow.training.instruction_data import perspective_dialogues, question_dialogues
    from winnow.training.mllm import CPU, SEED, train_mllm

    samples, captions = reference_split(pool, human)
    known = read_table(layouts, LAYOUTS)
    known = known[known["uid"].isin(set(samples["uid"]))]
    rules = own_rules(pool, samples, known)
    described = perspective_dialogues(
        samples["uid"].tolist(),
        captions,
        known,
        {str(uid): " ".join(texts) for uid, texts in rules.groupby("uid")["text"]},
        load_perspectives(perspectives),
        SEED[role],
    )
    answered = question_dialogues(samples, captions, known, load_questions(questions), SEED[role])
    said = [[*one, *other] for one, other in zip(described, answered, strict=True)]
    parameters = {**settings.model_dump(), "role": role, "images": len(samples)}
    inputs = {"samples": pool / "samples.parquet", "human": human, "layouts": layouts}
    with new_model_folder(output, parameters, inputs) as (folder, given):
        model, processor, losses = train_mllm(role, pool, samples, said, known, settings)
        models.save(model, processor, folder, half=True)
        given |= {"loss": losses["speak"], "precision": chosen(settings.precision, CPU)}
    print(f"losses {losses}")


@command
def tune_mllm(
    pool: Path,
    captions: Path,
    subset: Path,
    model: Path,
    output: Output,
    settings: MllmTuning,
) -> None:
    """Fine-tune the multimodal stand-in on one subset: a further start of score models."""
    import torch

    from winnow.models import mllm, transformers_folder
    from winnow.preferences.questions import CAPTION_PROMPT
    from winnow.training.mllm import SEED
    from winnow.training.mllm_tuning import tune

    samples = read_table(pool / "samples.parquet", SAMPLES)
    pairs = kept_pairs(subset, captions)
    parameters = {**settings.model_dump(), "pairs": len(pairs)}
    inputs = {"subset": subset, "model": model, "captions": captions}
    with new_model_folder(output, parameters, inputs, MLLM, settings.samples_seen) as (
        folder,
        given,
    ):
        tuned, processor = transformers_folder.load(model, torch.float32)
        seed = SEED["mllm"]
        losses = tune(tuned, processor, pool, samples, pairs, CAPTION_PROMPT, settings, seed)
        mllm.save(tuned, processor, folder, half=True)
        given["loss"] = losses[-1]


class ScoreStageSettings(ScoreStage):
    """One stage, and what its recipe does to the output in the loss."""

    normalisation: Normalisation = Field("none", description="Of the output, in the loss")


@command
def train_score_model(
    pool: Path,
    preferences: Path,
    model: Path,
    output: Output,
    seed: int,
    settings: ScoreStageSettings,
) -> None:
    """Train a score model by one stage, from a multimodal model or from the stage before."""
    from winnow.models import score
    from winnow.training.score_model import caption_prompt, fit, stage

    samples = read_table(pool / "samples.parquet", SAMPLES)
    pairs = read_table(preferences, PREFERENCES)
    chosen = stage(pairs, settings, seed, preferences)
    parameters = {**settings.model_dump(), "seed": seed, "pairs": len(chosen)}
    inputs = {"samples": pool / "samples.parquet", "preferences": preferences}
    inputs |= weight_files("model", model)
    with new_model_folder(output, parameters, inputs, SCORE_MODEL, len(chosen)) as (folder, given):
        tuned = score.start_from(model, seed)
        tuned.prompt = caption_prompt(pairs) or tuned.prompt
        losses = fit(tuned, pool, samples, chosen, settings, settings.normalisation, seed)
        score.save(tuned, folder, half=True)
        given["losses"] = losses


@command
def recipes(output: Output, settings: ScoreModel) -> None:
    """Write down how the score models of a run are trained."""
    write_signed(output, settings.model_dump(mode="json"))


@command
def train_autoencoder(
    pool: Path,
    human: Path,
    clip: Path,
    output: Output,
    settings: AutoencoderTraining,
) -> None:
    """Train the autoencoder of the generator stand-ins; the rest of the folder is untrained."""
    from winnow.models import diffusion
    from winnow.training import generator_standins

    samples, captions = reference_split(pool, human)
    parameters = {**settings.model_dump(), "images": len(samples)}
    inputs = {"samples": pool / "samples.parquet", "human": human, **weight_files("clip", clip)}
    with new_model_folder(output, parameters, inputs) as (folder, given):
        generator, losses, psnr = generator_standins.train_autoencoder(
            pool, samples, captions, clip, settings, settings.images_seen
        )
        diffusion.save(generator, folder, half=True)
        given |= {"loss": losses[-1], "psnr_db": psnr}


@command
def train_generator_standin(
    pool: Path,
    human: Path,
    layouts: Path,
    start: Path,
    output: Output,
    role: GeneratorRole,
    settings: DiffusionTraining,
) -> None:
    """Train a text-to-image stand-in: `t2i` from the autoencoder, others from a generator."""
    from winnow.models import diffusion
    from winnow.training import generator_standins

    samples, captions = reference_split(pool, human)
    truth = read_table(layouts, LAYOUTS)
    settings = generator_standins.settings_of(role, settings)
    parameters = {**settings.model_dump(), "role": role, "images": len(samples)}
    inputs = {"samples": pool / "samples.parquet", "human": human, "layouts": layouts}
    inputs |= weight_files("model", start)
    with new_model_folder(output, parameters, inputs) as (folder, given):
        generator, losses = generator_standins.train_generator_standin(
            role, start, pool, samples, captions, truth, settings
        )
        if role == "controlnet":
            diffusion.save_controlnet(generator.controlnet, folder, half=True)
        else:
            diffusion.save(generator, folder, half=True)
        given["loss"] = losses[-1]


@command
def train_segmentor_standin(pool: Path, output: Output, settings: BackboneTraining) -> None:
    """Train the stand-in whose backbone segmentors start from, on a pool's reference split."""
    from winnow.models import segmentor as models
    from winnow.training import segmentation

    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "reference"].head(settings.images)
    parameters = {**settings.model_dump(), "role": "segmentor", "images": len(samples)}
    with new_model_folder(output, parameters, {"samples": pool / "samples.parquet"}) as (
        folder,
        given,
    ):
        model, losses = segmentation.train_standin(pool, samples, settings)
        models.save(model, folder)
        given["loss"] = losses[-1]
