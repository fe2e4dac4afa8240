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
