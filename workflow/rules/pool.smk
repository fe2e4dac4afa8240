# From any source to one pool, and the zero-shot sets that go with it.


rule pool:
    input:
        listed=[
            path
            for key in ("annotations", "metadata")
            if (path := getattr(P.source, key, None))
        ],
    output:
        pool=directory("artifacts/pool"),
        human="artifacts/captions/human.parquet",
        layouts="artifacts/truth/layouts.parquet",
    log:
        "logs/pool.log",
    cache: "omit-software"
    threads: 2
    params:
        options=options(
            {"source": P.source.model_dump(mode="json"), **P.pool.model_dump()}
        ),
        code=code_digest("data", "params", "terrarium", "sources"),
    message:
        "making the pool from {params.options}"
    shell:
        "winnow pool --output {output.pool} --captions {output.human}"
        " --layouts {output.layouts} --threads {threads} {params.options} > {log} 2>&1"


rule zeroshot:
    input:
        pool=[] if TERRARIUM else rules.pool.output.pool,
    output:
        directory("artifacts/zeroshot"),
    log:
        "logs/zeroshot.log",
    cache: "omit-software"
    threads: 1
    params:
        options=options(
            {**P.zeroshot.model_dump(), "size": P.source.size if TERRARIUM else None}
        ),
        pool="" if TERRARIUM else "--pool artifacts/pool",
        code=code_digest("data", "params", "terrarium", "sources"),
    message:
        "making the zero-shot sets"
    shell:
        "winnow zeroshot --output {output} {params.pool}"
        " --threads {threads} {params.options} > {log} 2>&1"
