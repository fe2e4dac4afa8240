# The pairs that a scorer and a keep ratio keep.


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
        ratio="{ratio}",
        options=options(P.curation),
        code=code_digest("data", "params", "curation"),
    message:
        "keeping {wildcards.ratio} of {wildcards.captions} by {wildcards.scorer}"
    shell:
        "winnow select --scores {input.scores} --pool {input.pool} --output {output}"
        " --ratio={params.ratio} --threads {threads} {params.options} > {log} 2>&1"
