# Models by role: released stand-ins, stand-ins of another pool, published checkpoints; the foundry.
from winnow.models.crs_config import CLIP, CONFIG


def model(role):
    """The folder of a role's model, or of a score model that a recipe trains here."""
    if role not in P.models:
        recipe = P.score_model.recipes[role]
        return score_model(recipe, recipe.stages, P.score_model.seeds[0])
    if P.models[role].loader != "standin":
        return f"artifacts/models/{role}"
    if role == "llm":
        role = "mllm"  # the stand-in also reads text alone
    # Other pools have no masks to train their own segmentor, so they use the released one.
    own = not TERRARIUM and role != "segmentor"
    return f"artifacts/foundry/{role}" if own else RELEASED / role


if TERRARIUM:  # the foundry has its own world, which shares no image with a pool
    FOUNDRY = {
        "pool": "artifacts/foundry/pool",
        "human": "artifacts/foundry/human.parquet",
        "layouts": "artifacts/foundry/layouts.parquet",
    }
else:
    FOUNDRY = dict(rules.pool.output.items())


rule pull_standins:
    input:
        RELEASED.with_suffix(".dvc"),
    output:
        [directory(RELEASED / role) for role in STANDINS],
    log:
        "logs/pull_standins.log",
    threads: 1
    params:
        repository=verbatim(str(REPOSITORY)),
    message:
        "pulling the released stand-ins"
    shell:
        command_text("pull-standins")


def local_content(wildcards):
    """Digest of the files of a role's model, if they are local and not on a hub."""
    chosen = P.models[wildcards.role]
    names = [
        name.removeprefix("local-dir:")
        for name in (chosen.id, chosen.pretrained)
        if name
    ]
    if chosen.loader == "crs_diff":
        names += [str(Path(chosen.id).with_name(name)) for name in (CONFIG, CLIP)]
    found = [name for name in names if Path(name).exists()]
    return content_digest(found) if found else ""


rule fetch_model:
    output:
        directory("artifacts/models/{role}"),
    log:
        "logs/fetch_model/{role}.log",
    cache: "omit-software"
    threads: 1
    params:
        options=lambda wildcards: options(P.models[wildcards.role]),
        content=local_content,
    message:
        "fetching {wildcards.role}: {params.options}"
    shell:
        command_text("fetch-model")


rule foundry_pool:
    output:
        pool=directory("artifacts/foundry/pool"),
        human="artifacts/foundry/human.parquet",
        layouts="artifacts/foundry/layouts.parquet",
    log:
        "logs/foundry_pool.log",
    cache: "omit-software"
    threads: 2
    params:
        options=settings({"source": FOUNDRY_SOURCE, **P.pool.model_dump()}),
    message:
        "drawing the foundry's world"
    shell:
        command_text("pool")


rule train_standin:
    input:
        pool=FOUNDRY["pool"],
        human=FOUNDRY["human"],
    output:
        directory("artifacts/foundry/{role}"),
    log:
        "logs/train_standin/{role}.log",
    wildcard_constraints:
        role="|".join(CONTRASTIVE),
    cache: "omit-software"
    threads: 1
    params:
        role="{role}",
        options=lambda wildcards: options(
            {
                **P.foundry.optimiser.model_dump(),
                "samples_seen": P.foundry.samples_seen[wildcards.role],
            }
        ),
    message:
        "training the stand-in {wildcards.role}"
    shell:
        command_text("train-standin")


rule evaluate_standin:
    input:
        pool=FOUNDRY["pool"],
        human=FOUNDRY["human"],
        zeroshot=rules.zeroshot.output,
        model="artifacts/foundry/{role}",
    output:
        "artifacts/foundry/{role}.md",
    log:
        "logs/evaluate_standin/{role}.log",
    wildcard_constraints:
        role="|".join(CONTRASTIVE),
    cache: "omit-software"
    threads: 1
    params:
        role="{role}",
    message:
        "writing the model card of {wildcards.role}"
    shell:
        command_text("evaluate-standin")


rule train_mllm:
    input:
        **FOUNDRY,
    output:
        directory("artifacts/foundry/{role}"),
    log:
        "logs/train_mllm/{role}.log",
    wildcard_constraints:
        role="|".join(MULTIMODAL),
    cache: "omit-software"
    threads: 1
    params:
        **files(
            perspectives=P.captioning.perspectives,
            questions=P.preferences.questions,
        ),
        role="{role}",
        options=settings(P.foundry.mllm),
    message:
        "training the stand-in {wildcards.role}"
    shell:
        command_text("train-mllm")


rule evaluate_mllm:
    input:
        pool=FOUNDRY["pool"],
        layouts=FOUNDRY["layouts"],
        model=rules.train_mllm.output,
    output:
        "artifacts/foundry/{role}.md",
    log:
        "logs/evaluate_mllm/{role}.log",
    wildcard_constraints:
        role="|".join(MULTIMODAL),
    cache: "omit-software"
    threads: 1
    params:
        **files(perspectives=P.captioning.perspectives),
        role="{role}",
    message:
        "writing the model card of {wildcards.role}"
    shell:
        command_text("evaluate-mllm")


rule train_autoencoder:
    input:
        pool=FOUNDRY["pool"],
        human=FOUNDRY["human"],
        # The model of the perceptual loss. `clip` trains faster, but needs images with scenes.
        clip=f"artifacts/foundry/{'clip' if TERRARIUM else 'domain_clip'}",
    output:
        directory("artifacts/foundry/autoencoder"),
    log:
        "logs/train_autoencoder.log",
    cache: "omit-software"
    threads: 2  # all generators wait for it
    params:
        options=settings(P.foundry.generators.autoencoder),
    message:
        "training the autoencoder of the generator stand-ins"
    shell:
        command_text("train-autoencoder")


def generator_start(wildcards):
    """Inputs for training a generator stand-in."""
    starts = {"t2i": "autoencoder", "geo_rssd": "t2i", "controlnet": "t2i"}
    return f"artifacts/foundry/{starts.get(wildcards.role, 'geo_rssd')}"


def generator_options(wildcards):
    """Training settings of a generator stand-in."""
    given = P.foundry.generators
    seen = given.samples_seen[wildcards.role]
    return options({**given.diffusion.model_dump(), "samples_seen": seen})


rule train_generator_standin:
    input:
        **FOUNDRY,
        start=generator_start,
    output:
        directory("artifacts/foundry/{role}"),
    log:
        "logs/train_generator_standin/{role}.log",
    wildcard_constraints:
        role="|".join(GENERATORS),
    cache: "omit-software"
    threads: lambda wildcards: 2 if wildcards.role == "t2i" else 1  # four other stand-ins wait for it
    params:
        role="{role}",
        options=generator_options,
    message:
        "training the stand-in {wildcards.role}"
    shell:
        command_text("train-generator-standin")


def drawing_parts(wildcards):
    """Inputs for generating a stand-in's images: a ControlNet needs t2i and masks."""
    controlled = wildcards.role == "controlnet"
    return {
        "model": f"artifacts/foundry/{'t2i' if controlled else wildcards.role}",
        "controlnet": "artifacts/foundry/controlnet" if controlled else [],
    }


def masks(wildcards, input):
    """What a ControlNet, if there is one, is to follow: a folder in the pool's, which is the input."""
    return f"{input.pool}/masks" if input.controlnet else []


rule draw_standin:
    input:
        unpack(drawing_parts),
        pool=FOUNDRY["pool"],
        human=FOUNDRY["human"],
    output:
        directory("artifacts/foundry/drawn/{role}"),
    log:
        "logs/draw_standin/{role}.log",
    wildcard_constraints:
        role="|".join(GENERATORS),
    cache: "omit-software"
    threads: 1
    params:
        masks=masks,
        options=settings(P.generation.sampling),
    message:
        "drawing with the stand-in {wildcards.role}"
    shell:
        command_text("generate", masks="{params.masks:q}")


rule evaluate_generator:
    input:
        pool=FOUNDRY["pool"],
        human=FOUNDRY["human"],
        generated="artifacts/foundry/drawn/{role}",
        clip="artifacts/foundry/evaluator_general",
        remoteclip="artifacts/foundry/evaluator_clip",
        model="artifacts/foundry/{role}",
        autoencoder=rules.train_autoencoder.output,
    output:
        "artifacts/foundry/{role}.md",
    log:
        "logs/evaluate_generator/{role}.log",
    wildcard_constraints:
        role="|".join(GENERATORS),
    cache: "omit-software"
    threads: 1
    params:
        role="{role}",
        options=settings(MEASURED),
    message:
        "writing the model card of {wildcards.role}"
    shell:
        command_text("evaluate-generator")


rule train_segmentor_standin:
    input:
        pool=FOUNDRY["pool"],
    output:
        directory("artifacts/foundry/segmentor"),
    log:
        "logs/train_segmentor_standin.log",
    cache: "omit-software"
    threads: 1
    params:
        options=settings(P.foundry.segmentor),
    message:
        "training the stand-in segmentor"
    shell:
        command_text("train-segmentor-standin")


rule evaluate_segmentor_standin:
    input:
        pool=FOUNDRY["pool"],
        model=rules.train_segmentor_standin.output,
    output:
        "artifacts/foundry/segmentor.md",
    log:
        "logs/evaluate_segmentor_standin.log",
    cache: "omit-software"
    threads: 1
    message:
        "writing the model card of segmentor"
    shell:
        command_text("evaluate-segmentor-standin")


rule foundry:
    input:
        # two of them train on land-cover masks, which other pools may not have
        expand(
            "artifacts/foundry/{role}.md",
            role=[
                r
                for r in STANDINS
                if TERRARIUM or r not in ("controlnet", "segmentor")
            ],
        ),
