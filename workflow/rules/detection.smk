# Track `detection`: how well each scorer detects the known noise. Reads the sealed truth.


rule evaluate_detection:
    input:
        scores="artifacts/scores/{captions}/{scorer}.parquet",
        cost="artifacts/scores/{captions}/{scorer}.cost.json",
        truth="artifacts/truth/{captions}.parquet",
    output:
        directory("artifacts/cells/detection/{captions}/{scorer}/1.0/0"),
    log:
        "logs/evaluate_detection/{captions}/{scorer}.log",
    cache: "omit-software"
    priority: 10  # training waits for it, and it gives the first table
    threads: 1
    params:
        cell="--captions {captions} --scorer {scorer}",
        options=settings(P.statistics),
        code=code_digest("evaluate-detection"),
    message:
        "measuring what {wildcards.scorer} detects"
    shell:
        "winnow evaluate-detection --scores {input.scores:q} --truth {input.truth:q}"
        " --output {output} {params.cell}"
        " --threads {threads} {params.options} > {log} 2>&1"
