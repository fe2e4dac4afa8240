# Track `captioning`: how good each caption set is, by the truth where it is known and as texts.


rule evaluate_captions:
    input:
        pool="artifacts/pool",
        captions="artifacts/captions/{captions}.parquet",
        model=model("evaluator_clip"),
        truth="artifacts/truth/{captions}.parquet" if TERRARIUM else [],
        facts="artifacts/truth/{captions}.facts.parquet" if TERRARIUM else [],
    output:
        directory("artifacts/cells/captioning/{captions}/none/1.0/0"),
    log:
        "logs/evaluate_captions/{captions}.log",
    cache: "omit-software"
    threads: 1
    params:
        options=lambda wildcards: measuring(
            STATISTICS, "captioning", wildcards.captions, "none"
        ),
    message:
        "measuring the captions of {wildcards.captions}"
    shell:
        command_text("evaluate-captions")


rule captions:
    input:
        cell_folders("captioning"),
        sweep=SWEEP,
    output:
        shown("results/captions.csv", "Tracks", "Caption sets, table"),
        "results/captions.md",
        "results/captions_differences.csv",
        "results/figures/captions.png",
        shown("results/figures/captions.svg", "Tracks", "Caption sets"),
        page=page("captioning"),
    log:
        "logs/captions.log",
    threads: 1
    params:
        options=settings({"scale": P.scale, **STATISTICS}),
    message:
        "rendering how good each caption set is into results/captions.md"
    shell:
        render("captions")
