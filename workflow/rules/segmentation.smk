# Track `segmentation`: segmentors that learn from generated images, alone and beside real labels.
SET = "artifacts/segmentation/set"
SEGMENTOR = (
    "artifacts/segmentation/models/{captions}/{scorer}/{ratio}/{seed}/{mode}/{share}"
)
TEXT = P.segmentation.text
DRAWN = "artifacts/segmentation/drawn/{mode}/{captions}/{scorer}/{ratio}/{seed}"
REFERENCE = "artifacts/segmentation/reference"
CONTROLNET = "artifacts/segmentation/controlnet/{captions}/{scorer}/{ratio}/{seed}"
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
    """The segmentors of a row: one for each mode and share of the labels. Rows of other caption sets,
    and those of further seeds, have the smallest share alone, which is the headline.
    """
    shares = P.segmentation.fractions
    if wildcards.scorer == REAL:
        jobs = [("real", share) for share in shares if share]
    elif wildcards.captions != "raw" or int(wildcards.seed) not in P.segmentation.seeds:
        jobs = [("mask", shares[0])]
    elif headline(wildcards):
        jobs = [("mask", share) for share in shares]
        jobs += [("text", share) for share in TEXT.fractions] if TEXT else []
    else:
        jobs = [("mask", share) for share in dict.fromkeys([shares[0], shares[-1]])]
    return [
        SEGMENTOR.format(**wildcards, mode=mode, share=float(share))
        for mode, share in jobs
    ]


def start_of_segmentors(used=True):
    """The model of the role `segmentor` if there is one and it is used."""
    return model("segmentor") if used and "segmentor" in P.models else []


def drawn_by(mode, wildcards):
    """The images that the generator of a cell draws. Seeds without a generator use the first."""
    method = wildcards.captions, wildcards.scorer, float(wildcards.ratio) == P.ratio
    seeds = P.generation.of_method(*method)
    known = int(wildcards.seed) in seeds and wildcards.scorer != PRETRAINED
    seed = wildcards.seed if known else seeds[0]
    return DRAWN.format(**{**wildcards, "mode": mode, "seed": seed})


def learned_from(wildcards):
    """Inputs of a segmentor: the labelled set and the generated images, either of the masks, or of
    captions with labels by the segmentor of real images.
    """
    found = {
        "segments": SET,
        "start": start_of_segmentors(P.segmentation.start != "random"),
        **{"generated": [], "drawn": [], "teacher": []},
    }
    if wildcards.mode == "mask":
        found["generated"] = drawn_by("mask", wildcards)
    elif wildcards.mode == "text":
        found["drawn"] = drawn_by("text", wildcards)
        real = {"captions": "raw", "scorer": REAL, "ratio": 1.0, "mode": "real"}
        found["teacher"] = SEGMENTOR.format(**{**wildcards, **real})
    return found


def agreement(wildcards):
    """What the agreement of images with their masks is measured on, and by what; nothing on a real
    data set, from whose masks nothing is drawn.
    """
    found = {"reference": [], "generated": [], "autoencoder": []}
    if REAL_DATA is None:
        found["reference"] = REFERENCE
        if wildcards.scorer == REAL:
            found["autoencoder"] = model("t2i")
        else:
            found["generated"] = drawn_by("mask", wildcards)
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


rule train_reference_segmentor:
    input:
        pool="artifacts/pool",
        segments=SET,
        start=start_of_segmentors(),
    output:
        directory(REFERENCE),
    log:
        "logs/train_reference_segmentor.log",
    cache: "omit-software"
    threads: 1
    params:
        options=settings({**P.segmentation.reference.model_dump(), "network": NETWORK}),
        content=content(NETWORK if Path(NETWORK).is_file() else None),
    message:
        "training the segmentor that measures how well drawn images follow their masks"
    shell:
        command_text("train-reference-segmentor")


rule train_controlnet:  # asked for if `segmentation.controlnet` says how
    input:
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
        model=generator,
        start=model("controlnet"),
    output:
        directory(CONTROLNET),
    log:
        "logs/train_controlnet/{captions}/{scorer}/{ratio}/{seed}.log",
    cache: "omit-software"
    priority: 20  # images wait for it
    threads: 1
    params:
        seed="{seed}",
        options=settings(P.segmentation.controlnet or {}),
    message:
        "training a ControlNet on the generator of {wildcards.scorer} at {wildcards.ratio} of"
        " {wildcards.captions}, seed {wildcards.seed}"
    shell:
        command_text("train-controlnet")


rule draw_labelled:
    input:
        segments=SET,
        human="artifacts/captions/human.parquet",
        model=generator,
        controlnet=CONTROLNET if P.segmentation.controlnet else model("controlnet"),
    output:
        directory(DRAWN.replace("{mode}", "mask")),
    log:
        "logs/draw_labelled/{captions}/{scorer}/{ratio}/{seed}.log",
    cache: "omit-software"
    priority: 20  # segmentors wait for it
    threads: 1
    params:
        options=verbatim(
            drawing(1, guidance=P.segmentation.guidance, mask_guidance=True)
        ),
    message:
        "drawing labelled images with {wildcards.scorer} at {wildcards.ratio}"
    shell:
        command_text("draw-labelled")


rule draw_unlabelled:
    input:
        segments=SET,
        pool="artifacts/pool",
        captions="artifacts/captions/raw.parquet",
        model=generator,
    output:
        directory(DRAWN.replace("{mode}", "text")),
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
                "heads": P.segmentation.start == "whole",
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
        unpack(agreement),
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
