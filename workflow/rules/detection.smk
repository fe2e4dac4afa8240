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
        options=lambda wildcards: measuring(
            STATISTICS, "detection", **wildcards, dataset=wildcards.captions
        ),
    message:
        "measuring what {wildcards.scorer} detects"
    shell:
        command_text("evaluate-detection")


rule detection:
    input:
        cell_folders("detection"),
        sweep=SWEEP,
    output:
        shown("results/detection.csv", "Tracks", "Noise found, table"),
        "results/detection.md",
        "results/plots/detection.csv",
        "results/figures/detection.png",
        shown("results/figures/detection.svg", "Tracks", "Noise found"),
        page=page("detection"),
    log:
        "logs/detection.log",
    priority: 10  # gives a first table long before the last cell
    threads: 1
    params:
        options=settings({"scale": P.scale}),
    message:
        "rendering what each scorer detects into results/detection.md"
    shell:
        render("detection")
