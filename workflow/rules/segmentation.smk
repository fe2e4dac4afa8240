# Track `segmentation`: the gain of a segmentor from generated images in addition to real labels.
SET = "artifacts/segmentation/set"
SEGMENTOR = (
    "artifacts/segmentation/models/{captions}/{scorer}/{ratio}/{seed}/{mode}/{share}"
)
TEXT = P.segmentation.text
NETWORK = P.segmentation.network
REAL_DATA = P.segmentation.data


def drawing(shift, **changes):
    """Sampling settings: one image per label, with other initial noise than the test images."""
    given = P.generation.sampling
    return options(
        {
            **given.model_dump(),
            "images": P.segmentation.labels,
            "steps": P.segmentation.steps,
            "seed": given.seed + shift,
            **changes,
        }
    )


def headline(wildcards):
    """Whether a row has every share of the labels and pseudo labels. Other rows (the curve over keep
    ratios, the controls) have only the largest share. Scorers that choose ratios are headlines; if
    there are none, the other scorers at the headline ratio are.
    """
    listed = P.segmentation.scorers
    if wildcards.scorer not in listed:
        return wildcards.scorer in (REAL, PRETRAINED, "none")
    if any(P.scorers[name].choose for name in listed):
        return P.scorers[wildcards.scorer].choose
    return float(wildcards.ratio) == P.ratio


def segmentors(wildcards):
    """The segmentors of a row: one for each mode and share of the labels."""
    shares = P.segmentation.fractions
    if not headline(wildcards):
        shares = shares[-1:]
    mode = "real" if wildcards.scorer == REAL else "mask"
    jobs = [(mode, share) for share in shares]
    if TEXT and mode == "mask" and headline(wildcards):
        jobs += [("text", share) for share in TEXT.fractions]
    return [
        SEGMENTOR.format(**wildcards, mode=mode, share=float(share))
        for mode, share in jobs
    ]


def learned_from(wildcards):
    """Inputs of a segmentor: the labelled set and the generated images, either of the masks, or of
    captions with labels by the segmentor of real images. Seeds without a generator use the first.
    """
    found = {
        "segments": SET,
        "start": model("segmentor") if "segmentor" in P.models else [],
        **{"generated": [], "drawn": [], "teacher": []},
    }
    seeds = P.generation.seeds
    known = int(wildcards.seed) in seeds and wildcards.scorer != PRETRAINED
    cell = (
        f"{wildcards.captions}/{wildcards.scorer}/{wildcards.ratio}/"
        f"{wildcards.seed if known else seeds[0]}"
    )
    if wildcards.mode == "mask":
        found["generated"] = f"artifacts/segmentation/drawn/mask/{cell}"
    elif wildcards.mode == "text":
        found["drawn"] = f"artifacts/segmentation/drawn/text/{cell}"
        real = {"captions": "raw", "scorer": REAL, "ratio": 1.0, "mode": "real"}
        found["teacher"] = SEGMENTOR.format(**{**wildcards, **real})
    return found


if REAL_DATA is None:

    rule segmentation_set:
        input:
            pool="artifacts/pool",
        output:
            directory(SET),
        log:
            "logs/segmentation_set.log",
        cache: "omit-software"
        threads: 1
        params:
            options=settings(
                {"labels": P.segmentation.labels, "seed": P.segmentation.seed}
            ),
        message:
            "labelling {params.options}"
        shell:
            command_text("segmentation-set")

else:

    rule import_segmentation:
        output:
            directory(SET),
        log:
            "logs/import_segmentation.log",
        cache: "omit-software"
        threads: 1
        params:
            options=settings(
                {
                    **REAL_DATA.model_dump(mode="json"),
                    "seed": P.segmentation.seed,
                    "quarantine_limit": P.pool.quarantine_limit,
                }
            ),
            content=content(REAL_DATA.images, REAL_DATA.masks),
        message:
            "taking in labelled images: {params.options}"
        shell:
            command_text("import-segmentation")


rule draw_labelled:
    input:
        segments=SET,
        human="artifacts/captions/human.parquet",
        model=generator,
        controlnet=model("controlnet"),
    output:
        directory(
            "artifacts/segmentation/drawn/mask/{captions}/{scorer}/{ratio}/{seed}"
        ),
    log:
        "logs/draw_labelled/{captions}/{scorer}/{ratio}/{seed}.log",
    cache: "omit-software"
    priority: 20  # segmentors wait for it
    threads: 1
    params:
        options=verbatim(drawing(1, guidance=P.segmentation.guidance)),
    message:
        "drawing labelled images with {wildcards.scorer} at {wildcards.ratio}"
    shell:
        command_text("draw-labelled")


rule draw_unlabelled:
    input:
        segments=SET,
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
        model=generator,
    output:
        directory(
            "artifacts/segmentation/drawn/text/{captions}/{scorer}/{ratio}/{seed}"
        ),
    log:
        "logs/draw_unlabelled/{captions}/{scorer}/{ratio}/{seed}.log",
    cache: "omit-software"
    priority: 20  # segmentors wait for it
    threads: 1
    params:
        options=verbatim(drawing(2)),
    message:
        "drawing captions without labels with {wildcards.scorer} at {wildcards.ratio}"
    shell:
        command_text("draw-unlabelled")


rule train_segmentor:
    input:
        unpack(learned_from),
    output:
        directory(SEGMENTOR),
    log:
        "logs/train_segmentor/{captions}/{scorer}/{ratio}/{seed}/{mode}/{share}.log",
    wildcard_constraints:
        mode="real|mask|text",
        share=ONE_RATIO,
    cache: "omit-software"
    priority: 10  # pseudo labels wait for the segmentors of real images
    threads: 1
    params:
        seed="{seed}",
        options=lambda wildcards: options(
            {
                **P.segmentation.training.model_dump(),
                "network": NETWORK,
                "fraction": float(wildcards.share),
                "confidence": TEXT.confidence if wildcards.mode == "text" else None,
            }
        ),
        content=content(NETWORK if Path(NETWORK).is_file() else None),
    message:
        "training a segmentor on {wildcards.share} of the labels beside {wildcards.scorer} at"
        " {wildcards.ratio} ({wildcards.mode}), seed {wildcards.seed}"
    shell:
        command_text("train-segmentor")


rule evaluate_segmentor:
    input:
        segments=SET,
        models=segmentors,
    output:
        directory("artifacts/cells/segmentation/{captions}/{scorer}/{ratio}/{seed}"),
    log:
        "logs/evaluate_segmentor/{captions}/{scorer}/{ratio}/{seed}.log",
    cache: "omit-software"
    threads: 1
    params:
        options=lambda wildcards: measuring(
            STATISTICS,
            "segmentation",
            **wildcards,
            dataset=(
                (PLACE / REAL_DATA.images).resolve().parent.name
                if REAL_DATA
                else DATASET
            ),
            model_name=Path(NETWORK).stem,
        ),
    message:
        "measuring segmentors beside {wildcards.scorer} at {wildcards.ratio}, seed {wildcards.seed}"
    shell:
        command_text("evaluate-segmentor")


rule segmentation:
    input:
        cell_folders("segmentation"),
        segments=SET if cell_folders("segmentation") else [],
        sweep=SWEEP,
        leakage=LEAKAGE,
    output:
        shown("results/segmentation.csv", "Tracks", "Segmentation, table"),
        "results/segmentation.md",
        "results/plots/segmentation.csv",
        shown("results/figures/segmentation.png", "Tracks", "Segmentation, predictions"),
        "results/figures/segmentation_ratio.png",
        shown(
            "results/figures/segmentation_ratio.svg",
            "Tracks",
            "Segmentation by keep ratio",
        ),
        page=page("segmentation"),
    log:
        "logs/segmentation.log",
    threads: 1
    params:
        options=settings(
            {
                **RUN,
                **STATISTICS,
                "scorer": swept(P.segmentation.scorers),
                "chosen": choosing(P.segmentation.scorers),
            }
        ),
    message:
        "rendering what generated images add to real labels into results/segmentation.md"
    shell:
        render("segmentation")
