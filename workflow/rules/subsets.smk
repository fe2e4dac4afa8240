# The pairs that a scorer and a keep ratio keep.


SCENE_RATIOS = sorted({*P.generation.ratios, 1.0})  # possible keep ratios of a scene


def choice_of(wildcards):
    """Table of ratios per scene, for a scorer that chooses them."""
    chooses = P.scorers[wildcards.scorer].choose
    return "artifacts/subsets/{captions}/{scorer}/choice.parquet" if chooses else []


def curation(wildcards):
    """Where the ratio applies (pool or scene), and how much to keep: a ratio or a threshold, or
    neither where the ratio is chosen by scene."""
    scorer = P.scorers[wildcards.scorer]
    own = {"within": scorer.within} if scorer.within else {}
    if scorer.bar is not None:
        own["threshold"] = scorer.bar
    elif not scorer.choose:
        own["ratio"] = float(wildcards.ratio)
    return {**P.curation.model_dump(), **own}


rule choose_ratios:
    input:
        scores="artifacts/scores/{captions}/{scorer}.parquet",
        pool="artifacts/pool",
    output:
        "artifacts/subsets/{captions}/{scorer}/choice.parquet",
    log:
        "logs/choose_ratios/{captions}/{scorer}.log",
    cache: "omit-software"
    threads: 1
    params:
        options=settings({"ratios": SCENE_RATIOS}),
    message:
        "choosing the keep ratio of each scene of {wildcards.captions} by {wildcards.scorer}"
    shell:
        command_text("choose-ratios")


rule select:
    input:
        scores="artifacts/scores/{captions}/{scorer}.parquet",
        pool="artifacts/pool",
        choice=choice_of,
    output:
        "artifacts/subsets/{captions}/{scorer}/{ratio}.parquet",
    log:
        "logs/select/{captions}/{scorer}/{ratio}.log",
    cache: "omit-software"
    priority: 30  # takes a second, and trainings wait for it
    threads: 1
    params:
        options=lambda wildcards: options(curation(wildcards)),
    message:
        "keeping {wildcards.ratio} of {wildcards.captions} by {wildcards.scorer}"
    shell:
        command_text("select")
