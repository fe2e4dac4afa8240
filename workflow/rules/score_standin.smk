# The stand-in `score_model`: the foundry's own preferences, its training, its model card. They are made as those
# of a run are, from images of the foundry's world; of another pool they are the run's.

MADE = "artifacts/foundry/preferences"

if TERRARIUM:

    rule foundry_images:
        input:
            pool=FOUNDRY["pool"],
            model="artifacts/foundry/{}".format(P.preferences.deduplication.model),
        output:
            f"{MADE}/images.parquet",
        log:
            "logs/foundry/images.log",
        cache: "omit-software"
        threads: 2
        params:
            role=P.preferences.deduplication.model,
            threshold=P.preferences.deduplication.threshold,
            images=P.foundry.score_model.images,
        message:
            "choosing {params.images} images of the foundry, and leaving out what is too much alike"
        shell:
            command_text("deduplicate")

    use rule generate_candidates as foundry_candidates with:
        input:
            pool=FOUNDRY["pool"],
            images=rules.foundry_images.output,
            human=FOUNDRY["human"],
            model=lambda wildcards: (
                f"artifacts/foundry/{wildcards.who}"
                if wildcards.who in MULTIMODAL
                else []
            ),
            clip=lambda wildcards: (
                []
                if wildcards.who in MULTIMODAL
                else "artifacts/foundry/{}".format(P.preferences.deduplication.model)
            ),
        output:
            candidates=f"{MADE}/candidates/{{who}}.parquet",
            quarantine=f"{MADE}/candidates/{{who}}.quarantine.parquet",
        log:
            "logs/foundry/candidates/{who}.log",

    use rule rate as foundry_rate with:
        input:
            pool=FOUNDRY["pool"],
            human=FOUNDRY["human"],
            candidates=expand(rules.foundry_candidates.output.candidates, who=PROPOSERS),
        output:
            rated=f"{MADE}/rated.parquet",
            quarantine=f"{MADE}/rated.quarantine.parquet",
        log:
            "logs/foundry/rate.log",

    use rule preference_pairs as foundry_pairs with:
        input:
            pool=FOUNDRY["pool"],
            images=rules.foundry_images.output,
            human=FOUNDRY["human"],
            rated=rules.foundry_rate.output.rated,
            candidates=rules.foundry_rate.input.candidates,
        output:
            f"{MADE}/pairs.parquet",
        log:
            "logs/foundry/pairs.log",


rule train_score_standin:
    input:
        pool=FOUNDRY["pool"],
        preferences=(
            rules.foundry_pairs.output if TERRARIUM else rules.preference_pairs.output
        ),
        model="artifacts/foundry/mllm",
    output:
        directory("artifacts/foundry/score_model"),
    log:
        "logs/train_score_standin.log",
    cache: "omit-software"
    threads: 2
    params:
        options=settings({"stages": P.foundry.score_model.model_dump()["stages"]}),
    message:
        "training the stand-in score_model"
    shell:
        command_text("train-score-standin")


rule evaluate_score_standin:
    input:
        pool=FOUNDRY["pool"],
        human=FOUNDRY["human"],
        preferences=rules.train_score_standin.input.preferences,
        model=rules.train_score_standin.output,
        others=expand("artifacts/foundry/{role}", role=get_args(ScoringRole)),
    output:
        "artifacts/foundry/score_model.md",
    log:
        "logs/evaluate_score_standin.log",
    cache: "omit-software"
    threads: 1
    message:
        "writing the model card of score_model"
    shell:
        command_text("evaluate-score-standin")
