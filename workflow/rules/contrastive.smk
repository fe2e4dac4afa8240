# Track `contrastive`: fine-tune the general model on a subset, then evaluate retrieval and zero-shot sets.


def cell_model(wildcards):
    """Model of a cell: fine-tuned, or the general model itself for the control `pretrained`."""
    if wildcards.scorer == PRETRAINED:
        return model("clip")
    return "artifacts/models/contrastive/{captions}/{scorer}/{ratio}/{seed}".format(
        **wildcards
    )


rule train_contrastive:
    input:
        pool="artifacts/pool",
        captions="artifacts/captions/{captions}.parquet",
        subset="artifacts/subsets/{captions}/{scorer}/{ratio}.parquet",
        model=model("clip"),
    output:
        directory("artifacts/models/contrastive/{captions}/{scorer}/{ratio}/{seed}"),
    log:
        "logs/train_contrastive/{captions}/{scorer}/{ratio}/{seed}.log",
    cache: "omit-software"
    threads: 1
    params:
        seed="{seed}",
        options=settings(P.contrastive),
    message:
        "training on {wildcards.ratio} of {wildcards.captions} by {wildcards.scorer},"
        " seed {wildcards.seed}"
    shell:
        command_text("train-contrastive")


rule evaluate_contrastive:
    input:
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
        zeroshot="artifacts/zeroshot",
        model=cell_model,
    output:
        directory("artifacts/cells/contrastive/{captions}/{scorer}/{ratio}/{seed}"),
    log:
        "logs/evaluate_contrastive/{captions}/{scorer}/{ratio}/{seed}.log",
    cache: "omit-software"
    threads: 1
    params:
        options=lambda wildcards: measuring(
            STATISTICS, "contrastive", **wildcards, model_name=MODEL
        ),
    message:
        "evaluating {wildcards.scorer} at {wildcards.ratio}, seed {wildcards.seed}"
    shell:
        command_text("evaluate-contrastive")


rule contrastive:
    input:
        cell_folders("contrastive"),
        sweep=SWEEP,
        leakage=LEAKAGE,
    output:
        shown("results/sweep.csv", "Leaderboard", "Mean recall by keep ratio"),
        "results/sweep.md",
        "results/plots/contrastive.csv",
        "results/figures/contrastive.png",
        shown(
            "results/figures/contrastive.svg",
            "Leaderboard",
            "Curves over the keep ratio",
        ),
        page=page("contrastive"),
    log:
        "logs/contrastive.log",
    threads: 1
    params:
        options=settings({"scale": P.scale, **STATISTICS}),
    message:
        "rendering mean recall by keep ratio into results/sweep.md"
    shell:
        render("contrastive")
