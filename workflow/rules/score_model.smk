# The score model: training stages on preferences, initial models, evaluation.


def score_model(recipe, stages, seed):
    """Folder of a score model after some stages of a recipe; recipes share common first stages."""
    chain = "-".join(stages)
    return f"artifacts/score_model/models/{recipe.start}/{recipe.normalisation}/{chain}/{seed}"


def model_before(wildcards):
    """Input model of a stage: that of the stage before, or the initial model of the recipe."""
    before, _, _ = wildcards.chain.rpartition("-")
    if before:
        folder = "artifacts/score_model/models/{start}/{normalisation}/{before}/{seed}"
        return folder.format(before=before, **wildcards)
    if wildcards.start in P.score_model.tuned:
        return f"artifacts/score_model/tuned/{wildcards.start}"
    return model(wildcards.start)


def tuning_subset(wildcards):
    """The pairs that an initial model under `tuned` is fine-tuned on."""
    tuned = P.score_model.tuned[wildcards.tuned]
    return f"artifacts/subsets/raw/{tuned.scorer}/{tuned.ratio}.parquet"


rule train_score_model:
    input:
        pool="artifacts/pool",
        preferences=rules.prefer.output,
        model=model_before,
    output:
        directory("artifacts/score_model/models/{start}/{normalisation}/{chain}/{seed}"),
    log:
        "logs/train_score_model/{start}/{normalisation}/{chain}/{seed}.log",
    wildcard_constraints:
        start="[a-z][a-z0-9_]*",
        normalisation="[a-z]+",
        chain="[a-z][a-z0-9_-]*",
    cache: "omit-software"
    priority: 20  # each stage waits for the one before, and scoring waits for the last
    threads: 1  # a second thread gains little, and the job would wait for it
    params:
        start="{start}",  # one job pulls all released stand-ins, so the input does not distinguish them
        seed="{seed}",
        normalisation="{normalisation}",
        options=lambda wildcards: options(
            P.score_model.stages[wildcards.chain.rpartition("-")[2]]
        ),
        code=code_digest("train-score-model"),
    message:
        "training a score model from {wildcards.start}: {wildcards.chain}, seed {wildcards.seed}"
    shell:
        "winnow train-score-model --pool {input.pool:q} --preferences {input.preferences:q}"
        " --model {input.model:q} --output {output} --seed {params.seed} --threads {threads}"
        " --normalisation={params.normalisation} {params.options} > {log} 2>&1"


rule tune_mllm:
    input:
        pool="artifacts/pool",
        captions="artifacts/captions/raw.parquet",
        subset=tuning_subset,
        model=lambda wildcards: model(P.score_model.tuned[wildcards.tuned].model),
    output:
        directory("artifacts/score_model/tuned/{tuned}"),
    log:
        "logs/tune_mllm/{tuned}.log",
    wildcard_constraints:
        tuned="|".join(P.score_model.tuned) or "(?!)",
    cache: "omit-software"
    priority: 30  # other score models start from it
    threads: 1
    params:
        options=settings(P.score_model.tuning),
        code=code_digest("tune-mllm"),
    message:
        "fine-tuning a further start of score models: {wildcards.tuned}"
    shell:
        "winnow tune-mllm --pool {input.pool:q} --captions {input.captions:q}"
        " --subset {input.subset:q} --model {input.model:q} --output {output}"
        " --threads {threads} {params.options} > {log} 2>&1"


rule recipes:
    output:
        "artifacts/score_model/recipes.json",
    log:
        "logs/recipes.log",
    cache: "omit-software"
    threads: 1
    params:
        options=settings(P.score_model),
        code=code_digest("recipes"),
    message:
        "writing down the recipes of the score models"
    shell:
        "winnow recipes --output {output} --threads {threads} {params.options} > {log} 2>&1"


def recipe_model(wildcards):
    """Folder of a recipe's score model with the seed of the cell."""
    recipe = P.score_model.recipes[wildcards.recipe]
    return score_model(recipe, recipe.stages, wildcards.seed)


rule evaluate_score_model:
    input:
        pool="artifacts/pool",
        preferences=rules.prefer.output,
        model=recipe_model,
    output:
        directory("artifacts/cells/preference/reference/{recipe}/1.0/{seed}"),
    log:
        "logs/evaluate_score_model/{recipe}/{seed}.log",
    wildcard_constraints:
        recipe="|".join(P.score_model.recipes) or "(?!)",
    cache: "omit-software"
    threads: 1
    params:
        cell="--recipe {recipe} --cell-seed {seed}",
        names=named(dataset=DATASET),
        options=settings(P.statistics),
        code=code_digest("evaluate-score-model"),
    message:
        "measuring the pair accuracy of {wildcards.recipe}, seed {wildcards.seed}"
    shell:
        "winnow evaluate-score-model --pool {input.pool:q} --preferences {input.preferences:q}"
        " --model {input.model:q} --output {output} {params.cell} {params.names}"
        " --threads {threads} {params.options} > {log} 2>&1"
