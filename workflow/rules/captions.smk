# The caption set `raw`: human captions with noise of known kind, and its sealed truth.


rule corrupt:
    input:
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
        layouts="artifacts/truth/layouts.parquet",
    output:
        captions="artifacts/captions/raw.parquet",
        truth="artifacts/truth/raw.parquet",
    log:
        "logs/corrupt.log",
    cache: "omit-software"
    threads: 1
    params:
        options=options(P.captions),
        code=code_digest("data", "params", "terrarium", "sources"),
    message:
        "making the caption set raw"
    shell:
        "winnow corrupt --pool {input.pool} --human {input.human} --layouts {input.layouts} --output {output.captions}"
        " --truth {output.truth} --threads {threads} {params.options} > {log} 2>&1"
