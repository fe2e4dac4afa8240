# Preferences: several texts per image of the reference split, and a judge's ratings of them.
# Only the truth of the reference split is read, which is in the pool's folder.

PROPOSERS = sorted(
    {
        proposer.by if proposer.by in MULTIMODAL else "people"
        for proposer in [
            *P.preferences.captioners.values(),
            *P.preferences.answerers.values(),
        ]
    }
)
PROPOSED = [
    f"artifacts/score_model/preferences/candidates/{who}.parquet" for who in PROPOSERS
]


ASKED_OF_ALL = ("judge", "closed", "open", "remote_sensing", "seed")


def proposing(who):
    """Options of one proposer: the captioners and answerers that it stands for."""
    given = P.preferences
    own = (who,) if who in MULTIMODAL else ("human", "neighbour", "noise", "source")
    return {
        "captioners": {
            name: captioner.model_dump(exclude_none=True)
            for name, captioner in given.captioners.items()
            if captioner.by in own
        },
        "answerers": {
            name: answerer.model_dump()
            for name, answerer in given.answerers.items()
            if answerer.by in own
        },
        **{name: getattr(given, name) for name in ASKED_OF_ALL},
        "generation": ASKING,
        **(server(who) if who in MULTIMODAL else {}),
    }


def judge_server():
    """The setting that names the judge's server; none where the judge is the truth."""
    return server("judge") if P.preferences.judge == "openai" else {}


def check_judge(planned):
    """End the run before its first job if the judge cannot rate its texts: without layouts, `truth`
    can rate only human captions and those by `noise`."""
    unknown = [
        name
        for name, captioner in P.preferences.captioners.items()
        if captioner.by not in ("human", "noise")
    ]
    if "rate" in planned and P.preferences.judge == "truth" and unknown:
        raise WorkflowError(
            f"preferences.captioners: {', '.join(unknown)}: the judge `truth` cannot rate them, as no "
            "layouts of real images are known; drop them (null) as docs/pools/rsicd.yaml does, or have "
            "a model judge (preferences.judge: openai)"
        )


rule deduplicate:
    input:
        pool="artifacts/pool",
        model=model(P.preferences.deduplication.model),
    output:
        "artifacts/score_model/preferences/images.parquet",
    log:
        "logs/deduplicate.log",
    cache: "omit-software"
    threads: 1
    params:
        role=P.preferences.deduplication.model,
        threshold=P.preferences.deduplication.threshold,
    message:
        "leaving out reference images that are too much alike"
    shell:
        command_text("deduplicate")


rule generate_candidates:
    input:
        pool="artifacts/pool",
        images=rules.deduplicate.output,
        human="artifacts/captions/human.parquet",
        model=lambda wildcards: (
            speaker(wildcards.who) if wildcards.who in MULTIMODAL else []
        ),
        clip=lambda wildcards: (
            []
            if wildcards.who in MULTIMODAL
            else model(P.preferences.deduplication.model)
        ),
    output:
        candidates="artifacts/score_model/preferences/candidates/{who}.parquet",
        quarantine="artifacts/score_model/preferences/candidates/{who}.quarantine.parquet",
    log:
        "logs/generate_candidates/{who}.log",
    wildcard_constraints:
        who="|".join(PROPOSERS),
    cache: "omit-software"
    threads: 1
    params:
        **files(
            perspectives=P.captioning.perspectives,
            questions=P.preferences.questions,
        ),
        role="{who}",
        neighbours=P.preferences.deduplication.model,
        options=lambda wildcards: options(proposing(wildcards.who)),
    message:
        "what {wildcards.who} say about the reference images"
    shell:
        command_text("generate-candidates", layouts="{input.pool:q}/layouts.parquet")


rule rate:
    input:
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
        candidates=PROPOSED,
    output:
        rated="artifacts/score_model/preferences/rated.parquet",
        quarantine="artifacts/score_model/preferences/rated.quarantine.parquet",
    log:
        "logs/rate.log",
    cache: "omit-software"
    threads: 1
    params:
        **files(questions=P.preferences.questions, rubric=P.preferences.rubric),
        judge=P.preferences.judge,
        options=settings({**ASKING, **judge_server()}),
    message:
        "rating what was said, by {params.judge}"
    shell:
        command_text("rate", layouts="{input.pool:q}/layouts.parquet")


rule preference_pairs:
    input:
        pool="artifacts/pool",
        images=rules.deduplicate.output,
        human="artifacts/captions/human.parquet",
        rated=rules.rate.output.rated,
        candidates=PROPOSED,
    output:
        "artifacts/score_model/preferences/pairs.parquet",
    log:
        "logs/preference_pairs.log",
    cache: "omit-software"
    threads: 1
    params:
        **files(
            perspectives=P.captioning.perspectives,
            text_pairs=P.preferences.text_pairs,
        ),
        options=settings(
            {
                "held_out": P.preferences.held_out,
                "seed": P.preferences.seed,
            }
        ),
    message:
        "pairing the better with the worse"
    shell:
        command_text("preference-pairs")
