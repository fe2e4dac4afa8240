# Track `generation`: fine-tune a text-to-image model on a subset, generate images, evaluate them.

IMPORTED = {name: b.images for name, b in P.generation.baselines.items() if b.images}
# Name of the fine-tuned model in tables.
DRAWER = local_name(P.models["t2i"].id or "stand-in t2i")


def generator(wildcards):
    """Model of a cell: fine-tuned, a baseline's, or t2i itself for the control `pretrained`."""
    baseline = P.generation.baselines.get(wildcards.scorer)
    if wildcards.scorer == PRETRAINED or control(wildcards):
        return model("t2i")
    if baseline:
        return model(baseline.model)
    return "artifacts/models/generation/{captions}/{scorer}/{ratio}/{seed}".format(
        **wildcards
    )


def drawer(wildcards):
    """Name of the model of a cell in tables."""
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
    """ControlNet of the baseline that uses it: it conditions t2i on the masks of the images."""
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
    priority: 10  # longest jobs first, so that none runs alone at the end
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
        # `import_images` imports images of other generators
        scorer="(?!(?:{})/)[a-z][a-z0-9_]*".format("|".join(IMPORTED)),
    cache: "omit-software"
    threads: 1
    params:
        # one job pulls all released stand-ins, so their input does not distinguish them in the cache
        model=drawer,
        masks=masks,
        options=settings(P.generation.sampling),
    message:
        "drawing with {wildcards.scorer} at {wildcards.ratio} of {wildcards.captions},"
        " seed {wildcards.seed}"
    shell:
        command_text("generate", masks="{params.masks:q}")


def imported_content(wildcards):
    """Digest of a baseline's image folder. The folder may be missing until its images are needed:
    the user makes them from the prompts, which need the pool."""
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


CHOSEN = choosing(P.generation.scorers)


rule generation:
    input:
        cell_folders("generation"),
        [
            folder.replace("cells/generation", "generated")
            for folder in cell_folders("generation")
        ],
        pool="artifacts/pool",
        sweep=SWEEP,
        choice=f"artifacts/subsets/raw/{CHOSEN}/choice.parquet" if CHOSEN else [],
        leakage=LEAKAGE,
    output:
        shown("results/generation.csv", "Tracks", "Text to image, table"),
        "results/generation.md",
        "results/generation_scenes.csv",
        "results/generation_choice.csv",
        "results/plots/generation.csv",
        shown("results/figures/generation.jpg", "Tracks", "Text to image"),
        page=page("generation"),
    log:
        "logs/generation.log",
    threads: 1
    params:
        options=settings(
            {
                **RUN,
                **STATISTICS,
                "scorer": swept(P.generation.scorers),
                "chosen": CHOSEN,
                "baselines": {
                    name: baseline.model
                    for name, baseline in P.generation.baselines.items()
                },
            }
        ),
    message:
        "rendering what the generators draw into results/generation.md"
    shell:
        render("generation", generated="artifacts/generated")
