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
        code=code_digest("train-generator"),
    message:
        "training a generator on {wildcards.ratio} of {wildcards.captions} by {wildcards.scorer},"
        " seed {wildcards.seed}"
    shell:
        "winnow train-generator --pool {input.pool:q} --captions {input.captions:q}"
        " --subset {input.subset:q} --model {input.model:q} --output {output}"
        " --seed {params.seed} --threads {threads} {params.options} > {log} 2>&1"


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
        control=lambda wildcards, input: (
            f"--controlnet {shlex.quote(input.controlnet)} --masks {input.pool}/masks"
            if input.controlnet
            else ""
        ),
        options=settings(P.generation.sampling),
        code=code_digest("generate"),
    message:
        "drawing with {wildcards.scorer} at {wildcards.ratio} of {wildcards.captions},"
        " seed {wildcards.seed}"
    shell:
        "winnow generate --pool {input.pool:q} --human {input.human:q} --model {input.model:q}"
        " {params.control} --output {output} --threads {threads} {params.options} > {log} 2>&1"


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
        folder=lambda wildcards: shlex.quote(IMPORTED[wildcards.scorer]),
        content=imported_content,
        images=P.generation.sampling.images,
        code=code_digest("import-images"),
    message:
        "taking in the images of {wildcards.scorer}"
    shell:
        "winnow import-images --pool {input.pool:q} --human {input.human:q} --folder {params.folder}"
        " --output {output} --images {params.images} --threads {threads} > {log} 2>&1"


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
        cell="--captions {captions} --scorer {scorer} --ratio {ratio} --cell-seed {seed}",
        names=lambda wildcards: words(dataset=DATASET, model_name=drawer(wildcards)),
        options=settings(MEASURED),
        code=code_digest("evaluate-generation"),
    message:
        "measuring what {wildcards.scorer} drew at {wildcards.ratio}, seed {wildcards.seed}"
    shell:
        "winnow evaluate-generation --generated {input.generated:q} --pool {input.pool:q}"
        " --human {input.human:q} --clip {input.clip:q} --remoteclip {input.remoteclip:q}"
        " --output {output} {params.cell} {params.names} --threads {threads} {params.options}"
        " > {log} 2>&1"
