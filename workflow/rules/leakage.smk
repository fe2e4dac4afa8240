# Audit: find rows that are trained on evaluation images.


# Cells of rows that do not train on a subset of the pool.
UNTRAINED = untrained(P)
# Subsets that at least one row of a track trains on.
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
        preferences=rules.preference_pairs.output if P.score_model.recipes else [],
    output:
        directory("artifacts/leakage"),
    log:
        "logs/audit.log",
    cache: "omit-software"
    threads: 1
    params:
        options=settings(P.leakage),
    message:
        "looking for images and captions of training sets in evaluation sets"
    shell:
        command_text("audit")


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
    message:
        "rendering which rows are struck out for leaks into results/leakage.md"
    shell:
        command_text("leakage", subsets="artifacts/subsets", output="results")
