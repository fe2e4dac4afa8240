# Whether anything is trained on what it is measured on.


# Of rows that learn from no subset of the pool.
UNTRAINED = untrained(P)
# The subsets that a row of some track learns from.
LEARNED = sorted(
    {
        f"artifacts/subsets/{cell.captions}/{cell.scorer}/{cell.ratio}.parquet"
        for cell in CELLS
        if BY_NAME[cell.track].by_ratio and cell.scorer not in UNTRAINED
    }
    | {
        f"artifacts/subsets/raw/{tuned.scorer}/{tuned.ratio}.parquet"
        for tuned in P.score_model.tuned.values()
        if P.score_model.recipes
    }
)


rule audit:
    input:
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
        zeroshot="artifacts/zeroshot",
        captions=expand(
            "artifacts/captions/{name}.parquet", name=["raw", *P.sweep.captions]
        ),
        segments=SET if cell_folders("segmentation") else [],
        preferences=rules.prefer.output if P.score_model.recipes else [],
    output:
        directory("artifacts/leakage"),
    log:
        "logs/audit.log",
    cache: "omit-software"
    threads: 1
    params:
        segments=lambda wildcards, input: (
            f"--segments {input.segments}" if input.segments else ""
        ),
        preferences=lambda wildcards, input: (
            f"--preferences {input.preferences}" if input.preferences else ""
        ),
        options=settings(P.leakage),
        code=code_digest("audit"),
    message:
        "looking for images and captions of training sets in evaluation sets"
    shell:
        "winnow audit --pool {input.pool:q} --human {input.human:q} --zeroshot {input.zeroshot:q}"
        " --captions {input.captions:q} {params.segments} {params.preferences}"
        " --output {output} --threads {threads} {params.options} > {log} 2>&1"


rule leakage:
    input:
        audit=rules.audit.output,
        sweep="artifacts/sweep.csv",
        recipes=rules.recipes.output,
        subsets=LEARNED,
    output:
        csv=report(
            "results/leakage.csv",
            caption="../report/leakage.rst",
            category="Leaks",
            labels={"what": "Rows that are struck out"},
        ),
        md="results/leakage.md",
    log:
        "logs/leakage.log",
    threads: 1
    params:
        options=settings({"scale": P.scale, "untrained": UNTRAINED}),
        code=code_digest("leakage"),
    message:
        "rendering which rows are struck out for leaks into results/leakage.md"
    shell:
        "winnow leakage --audit {input.audit:q} --sweep {input.sweep:q} --recipes {input.recipes:q}"
        " --subsets artifacts/subsets --output results --threads {threads} {params.options}"
        " > {log} 2>&1"
