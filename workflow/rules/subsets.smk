# The pairs that a scorer and a keep ratio keep.


def share(scorer, ratio):
    """The option that says how much to keep: a scorer with a threshold keeps what passes it."""
    if scorer.threshold is not None:
        return f"--threshold={scorer.threshold}"
    return f"--ratio={ratio}"


rule select:
    input:
        scores="artifacts/scores/{captions}/{scorer}.parquet",
        pool="artifacts/pool",
    output:
        "artifacts/subsets/{captions}/{scorer}/{ratio}.parquet",
    log:
        "logs/select/{captions}/{scorer}/{ratio}.log",
    cache: "omit-software"
    threads: 1
    params:
        share=lambda wildcards: share(P.scorers[wildcards.scorer], wildcards.ratio),
        options=options(P.curation),
        code=code_digest("data", "params", "curation"),
    message:
        "keeping {wildcards.ratio} of {wildcards.captions} by {wildcards.scorer}"
    shell:
        "winnow select --scores {input.scores} --pool {input.pool} --output {output}"
        " {params.share} --threads {threads} {params.options} > {log} 2>&1"
