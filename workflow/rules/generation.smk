# Track `generation`: fine-tune a text-to-image model on a subset, draw, and measure what it drew.

IMPORTED = {name: b.images for name, b in P.generation.baselines.items() if b.images}
# What the tables call the fine-tuned model.
DRAWER = local_name(P.models["t2i"].id or "stand-in t2i")


def generator(wildcards):
    """The model of a cell: fine-tuned, a baseline's, or for the control `pretrained` t2i itself."""
    baseline = P.generation.baselines.get(wildcards.scorer)
    if wildcards.scorer == PRETRAINED or control(wildcards):
        return model("t2i")
    if baseline:
        return model(baseline.model)
    return "artifacts/models/generation/{captions}/{scorer}/{ratio}/{seed}".format(
        **wildcards
    )


def drawer(wildcards):
    """What the tables call the model of a cell."""
    baseline = P.generation.baselines.get(wildcards.scorer)
    if baseline is None:
        return DRAWER
    role = baseline.model
    return (
        local_name(P.models[role].id or f"stand-in {role}")
        if role
        else Path(baseline.images).name
    )


def control(wildcards):
    """The ControlNet of the baseline that draws with it, over t2i, from the images' masks."""
    baseline = P.generation.baselines.get(wildcards.scorer)
    return model("controlnet") if baseline and baseline.model == "controlnet" else []


rule train_generator:
    input:
        pool="artifacts/pool",
        captions="artifacts/captions/{captions}.parquet",
        subset="artifacts/subsets/{captions}/{scorer}/{ratio}.parquet",
        model=model("t2i"),
    output:
        directory("artifacts/models/generation/{captions}/{scorer}/{ratio}/{seed}"),
    log:
        "logs/train_generator/{captions}/{scorer}/{ratio}/{seed}.log",
    cache: "omit-software"
    priority: 10  # the longest jobs first, so that none is left for one core at the end
    threads: 1
    params:
        seed="{seed}",
        options=settings(P.generation.training),
    message:
        "training a generator on {wildcards.ratio} of {wildcards.captions} by {wildcards.scorer},"
        " seed {wildcards.seed}"
    shell:
        command_text("train-generator")


rule generate:
    input:
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
        model=generator,
        controlnet=control,
    output:
        directory("artifacts/generated/{captions}/{scorer}/{ratio}/{seed}"),
    log:
        "logs/generate/{captions}/{scorer}/{ratio}/{seed}.log",
    wildcard_constraints:
        # what somebody generated is taken in by `import_images`
        scorer="(?!(?:{})/)[a-z][a-z0-9_]*".format("|".join(IMPORTED)),
    cache: "omit-software"
    threads: 1
    params:
        # what is released is one job's, so that the cache cannot tell stand-ins apart
        model=drawer,
        masks=masks,
        options=settings(P.generation.sampling),
    message:
        "drawing with {wildcards.scorer} at {wildcards.ratio} of {wildcards.captions},"
        " seed {wildcards.seed}"
    shell:
        command_text("generate", masks="{params.masks:q}")


def imported_content(wildcards):
    """The digest of a baseline's folder, which there need not be until its images are asked for:
    the pool, whose prompts are listed for them, is made before."""
    folder = Path(IMPORTED[wildcards.scorer])
    if not folder.is_dir():
        place = ("generation", "baselines", wildcards.scorer, "images")
        sys.exit(
            f"{GIVEN.where(place)}: {'.'.join(place)}: {folder}: no such folder;"
            " put the images there, as `winnow list-prompts` names them, or remove the baseline"
        )
    return content_digest([folder])


rule import_images:
    input:
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
    output:
        directory("artifacts/generated/{captions}/{scorer}/{ratio}/{seed}"),
    log:
        "logs/import_images/{captions}/{scorer}/{ratio}/{seed}.log",
    wildcard_constraints:
        scorer="|".join(IMPORTED) or "(?!)",
    cache: "omit-software"
    threads: 1
    params:
        folder=lambda wildcards: IMPORTED[wildcards.scorer],
        content=imported_content,
        images=P.generation.sampling.images,
    message:
        "taking in the images of {wildcards.scorer}"
    shell:
        command_text("import-images")


rule evaluate_generation:
    input:
        generated="artifacts/generated/{captions}/{scorer}/{ratio}/{seed}",
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
        clip=model("evaluator_general"),
        remoteclip=model("evaluator_clip"),
    output:
        directory("artifacts/cells/generation/{captions}/{scorer}/{ratio}/{seed}"),
    log:
        "logs/evaluate_generation/{captions}/{scorer}/{ratio}/{seed}.log",
    cache: "omit-software"
    threads: 1
    params:
        options=lambda wildcards: measuring(
            MEASURED, "generation", **wildcards, model_name=drawer(wildcards)
        ),
    message:
        "measuring what {wildcards.scorer} drew at {wildcards.ratio}, seed {wildcards.seed}"
    shell:
        command_text("evaluate-generation")
