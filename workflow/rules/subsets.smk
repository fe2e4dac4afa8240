# The pairs that a scorer and a keep ratio keep.


CANDIDATES = sorted({*P.generation.ratios, 1.0})  # possible keep ratios of a scene


def share(wildcards, input):
    """Option that sets how much to keep: a ratio, a threshold, or chosen ratios per scene."""
    scorer = P.scorers[wildcards.scorer]
    if scorer.bar is not None:
        return f"--threshold={scorer.bar}"
    return f"--choice {input.choice}" if scorer.choose else f"--ratio={wildcards.ratio}"


def choice_of(wildcards):
    """Table of ratios per scene, for a scorer that chooses them."""
    chooses = P.scorers[wildcards.scorer].choose
    return "artifacts/subsets/{captions}/{scorer}/choice.parquet" if chooses else []


def curation(wildcards):
    """Where the ratio applies (pool or scene): the scorer's setting, or the general one."""
    own = P.scorers[wildcards.scorer].within
    return {**P.curation.model_dump(), **({"within": own} if own else {})}


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
        options=settings({"ratios": CANDIDATES}),
        code=code_digest("choose-ratios"),
    message:
        "choosing the keep ratio of each scene of {wildcards.captions} by {wildcards.scorer}"
    shell:
        "winnow choose-ratios --scores {input.scores:q} --pool {input.pool:q} --output {output}"
        " --threads {threads} {params.options} > {log} 2>&1"


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
        share=share,
        options=lambda wildcards: options(curation(wildcards)),
        code=code_digest("select"),
    message:
        "keeping {wildcards.ratio} of {wildcards.captions} by {wildcards.scorer}"
    shell:
        "winnow select --scores {input.scores:q} --pool {input.pool:q} --output {output}"
        " {params.share} --threads {threads} {params.options} > {log} 2>&1"
