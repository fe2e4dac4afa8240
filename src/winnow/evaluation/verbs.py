"""Commands `check_captions`, and `evaluate-` standin, mllm, generator and segmentor-standin: model
cards."""

from pathlib import Path

from winnow.captioning.settings import TextGeneration
from winnow.command.description import Given, Output, command
from winnow.data.files import read_signed, write_text
from winnow.data.provenance import weight_files
from winnow.data.tables import (
    CAPTIONS,
    FACTS,
    LAYOUTS,
    SAMPLES,
    TRUTH,
    read_table,
    write_table,
)
from winnow.evaluation.generation import GenerationSettings, evaluate_folder
from winnow.evaluation.settings import Statistics
from winnow.models.settings import GeneratorRole, MllmRole, Role


@command
def check_captions(captions: Path, layouts: Path, output: Output, facts: Output) -> None:
    """Check captions against the truth: the kind of mistake of each, and which assertions hold."""
    from winnow.evaluation.caption_quality import check_captions

    kinds, assertions = check_captions(
        read_table(captions, CAPTIONS), read_table(layouts, LAYOUTS), layouts
    )
    write_table(output, kinds, TRUTH)
    write_table(facts, assertions, FACTS)
    shares = kinds["kind"].value_counts(normalize=True)
    print("\n".join(f"{kind}: {share:.1%}" for kind, share in shares.items()) or "no caption")


@command
def evaluate_standin(
    pool: Path,
    human: Path,
    zeroshot: Path,
    model: Path,
    output: Output,
    role: Role,
) -> None:
    """Write a stand-in's model card: what it is, and how good by the foundry's test split."""
    from winnow.evaluation.contrastive import contrastive_outcomes
    from winnow.evaluation.standin_cards import standin_card
    from winnow.models import clip

    samples = read_table(pool / "samples.parquet", SAMPLES)
    loaded = clip.load(model)
    outcomes = contrastive_outcomes(loaded, pool, samples, read_table(human, CAPTIONS), zeroshot)
    write_text(output, standin_card(role, loaded, read_signed(model / "foundry.json"), outcomes))


@command
def evaluate_mllm(
    pool: Path,
    layouts: Path,
    perspectives: Given,
    model: Path,
    output: Output,
    role: MllmRole,
) -> None:
    """Write the model card of a multimodal stand-in, measured on the pool's test split."""
    from winnow.captioning.annotations import own_rules
    from winnow.captioning.describe import describe_images
    from winnow.captioning.perspectives import load_perspectives
    from winnow.captioning.responses import Responses
    from winnow.captioning.transformers_backend import TransformersBackend
    from winnow.evaluation.caption_quality import check_captions, quality_outcomes
    from winnow.evaluation.closed_questions import closed_question_outcomes
    from winnow.evaluation.standin_cards import mllm_card

    settings = TextGeneration.model_validate({})
    backend = TransformersBackend(model, settings.batch_size)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "test"]
    known = read_table(layouts, LAYOUTS)
    known = known[known["uid"].isin(set(samples["uid"]))]
    rule, asked = own_rules(pool, samples, known), load_perspectives(perspectives)
    outcomes = {}
    for name, perspective in [*asked.perspectives.items(), *asked.relay.items()]:
        captions, _ = describe_images(
            pool, samples, perspective, backend, Responses(), settings, name=name, rule=rule
        )
        if len(known):
            outcomes[name] = quality_outcomes(*check_captions(captions, known, layouts))
    labelled = samples[samples["uid"].isin(set(known["uid"]))]
    quiz = closed_question_outcomes(pool, labelled, known, backend, Responses())
    size = sum(parameter.numel() for parameter in backend.model.parameters())
    record = read_signed(model / "foundry.json")
    write_text(output, mllm_card(role, size, record, outcomes, quiz))


@command
def evaluate_generator(
    generated: Path,
    pool: Path,
    human: Path,
    clip: Path,
    remoteclip: Path,
    model: Path,
    autoencoder: Path,
    output: Output,
    role: GeneratorRole,
    settings: GenerationSettings,
) -> None:
    """Write the model card of a text-to-image stand-in, from images that it drew."""
    from safetensors.numpy import load_file

    from winnow.evaluation.standin_cards import generator_card

    found, _ = evaluate_folder(generated, pool, human, clip, remoteclip, settings)
    files = weight_files("model", model).values()
    parameters = sum(tensor.size for file in files for tensor in load_file(file).values())
    psnr = read_signed(autoencoder / "foundry.json")["psnr_db"]
    training = read_signed(model / "foundry.json")
    card = generator_card(role, parameters, training, psnr, found.metrics, found.intervals)
    write_text(output, card)


@command
def evaluate_segmentor_standin(pool: Path, model: Path, output: Output) -> None:
    """Write the model card of the stand-in `segmentor`, measured on the pool's test split."""
    from winnow.evaluation.segmentation import areas, measure
    from winnow.evaluation.standin_cards import segmentor_card
    from winnow.models import segmentor
    from winnow.training.segmentation import pool_examples

    samples = read_table(pool / "samples.parquet", SAMPLES)
    images, truth = pool_examples(pool, samples[samples["split"] == "test"])
    trained, settings = segmentor.load(model), Statistics.model_validate({})
    counted = areas(segmentor.labels(trained, images), truth, len(trained.classes))
    found = measure("", counted, trained.classes, settings.resamples, settings.seed)
    size = sum(parameter.numel() for parameter in trained.network.parameters())
    card = segmentor_card(size, read_signed(model / "foundry.json"), found.metrics, found.intervals)
    write_text(output, card)
