# One table of scores for each scorer. Only the control `oracle` may read the sealed truth.


# What says what `select` does with the scores.
KEEPING = {"threshold", "choose", "within", "share"}


def names_of(chosen):
    """A pattern of the scorers that are of a kind; of none where there is none."""
    names = [name for name, scorer in P.scorers.items() if chosen(scorer)]
    return "|".join(names) or "(?!)"


def scorer_inputs(wildcards):
    """What a scorer reads beside the pool and the captions."""
    scorer = P.scorers[wildcards.scorer]
    oracle = (scorer.use or wildcards.scorer) == "oracle"
    return {
        "model": model(scorer.model) if scorer.model else [],
        "truth": f"artifacts/truth/{wildcards.captions}.parquet" if oracle else [],
    }


def own_code(wildcards):
    """The digest of a user's class; none for a built-in."""
    named = P.scorers[wildcards.scorer].use or ""
    try:
        return user_code(named) if ":" in named else ""
    except WinnowError as error:
        sys.exit(f"scorers.{wildcards.scorer}: {error}")


def own_content(wildcards):
    """The digest of the files of a user's that a scorer reads."""
    scorer = P.scorers[wildcards.scorer]
    return content(scorer.scores, scorer.subset, *scorer.files.values())(wildcards)


def checkpoint_of(scorer):
    """What is said of a scorer's model beside its digest; nothing where it has none."""
    role = P.scorers[scorer].model
    named = {"loader", "id", "pretrained", "revision"}
    given = (
        P.models[role].model_dump(include=named, exclude_none=True)
        if role in P.models
        else {}
    )
    told = {key: local_name(value) for key, value in given.items()}
    return {"role": role, **told} if role else {}


rule score:
    input:
        unpack(scorer_inputs),
        pool="artifacts/pool",
        captions="artifacts/captions/{captions}.parquet",
    output:
        scores="artifacts/scores/{captions}/{scorer}.parquet",
        cost="artifacts/scores/{captions}/{scorer}.cost.json",
    log:
        "logs/score/{captions}/{scorer}.log",
    wildcard_constraints:
        scorer=names_of(lambda scorer: not scorer.mean_of),
    cache: "omit-software"
    priority: 30  # the longest chain is: score, keep, tune, train a score model, score, train
    threads: 1  # a scorer that waits for two cores would wait for the last training
    params:
        scorer="{scorer}",
        options=lambda wildcards: options(
            {
                **P.scoring.model_dump(),
                **P.scorers[wildcards.scorer].model_dump(
                    exclude={"model", "mean_of", *KEEPING}
                ),
                "checkpoint": checkpoint_of(wildcards.scorer),
            }
        ),
        own=own_code,
        content=own_content,
    message:
        "scoring {wildcards.captions} with {wildcards.scorer}"
    shell:
        command_text("score")


rule combine_scores:
    input:
        scores=lambda wildcards: collect(
            "artifacts/scores/{{captions}}/{part}.parquet",
            part=P.scorers[wildcards.scorer].mean_of,
        ),
    output:
        scores="artifacts/scores/{captions}/{scorer}.parquet",
        cost="artifacts/scores/{captions}/{scorer}.cost.json",
    log:
        "logs/combine_scores/{captions}/{scorer}.log",
    wildcard_constraints:
        scorer=names_of(lambda scorer: scorer.mean_of),
    cache: "omit-software"
    priority: 10
    threads: 1
    params:
        scorer="{scorer}",  # else two means of the same scorers would share one cached output
    message:
        "joining scores of {wildcards.captions} into {wildcards.scorer}"
    shell:
        command_text("combine-scores")
