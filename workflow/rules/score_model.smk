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
        preferences=rules.preference_pairs.output,
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
        options=lambda wildcards: options(
            {
                "normalisation": wildcards.normalisation,
                **P.score_model.stages[
                    wildcards.chain.rpartition("-")[2]
                ].model_dump(),
            }
        ),
    message:
        "training a score model from {wildcards.start}: {wildcards.chain}, seed {wildcards.seed}"
    shell:
        command_text("train-score-model")


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
    message:
        "fine-tuning a further start of score models: {wildcards.tuned}"
    shell:
        command_text("tune-mllm")


rule recipes:
    output:
        "artifacts/score_model/recipes.json",
    log:
        "logs/recipes.log",
    cache: "omit-software"
    threads: 1
    params:
        options=settings(P.score_model),
    message:
        "writing down the recipes of the score models"
    shell:
        command_text("recipes")
