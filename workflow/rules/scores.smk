# One table of scores per scorer. Only the control `oracle` may read the sealed truth.
from winnow.scoring.scorers import place

# Keys of a scorer that only affect `select`.
KEEPING = {"threshold", "choose", "within", "share"}


def names_of(chosen):
    """Wildcard pattern of scorers; it matches nothing for an empty list."""
    names = [name for name, scorer in P.scorers.items() if chosen(scorer)]
    return "|".join(names) or "(?!)"


def scorer_inputs(wildcards):
    """Inputs of a scorer in addition to the pool and the captions."""
    scorer = P.scorers[wildcards.scorer]
    oracle = (scorer.use or wildcards.scorer) == "oracle"
    return {
        "model": model(scorer.model) if scorer.model else [],
        "truth": f"artifacts/truth/{wildcards.captions}.parquet" if oracle else [],
    }


def own_code(wildcards):
    """Digest of a scorer's class, built-in or a user's; nothing for a finished table."""
    scorer = P.scorers[wildcards.scorer]
    finished = scorer.scores or scorer.subset
    try:
        return "" if finished else user_code(place(scorer.use or wildcards.scorer))
    except WinnowError as error:
        sys.exit(f"scorers.{wildcards.scorer}: {error}")


def own_content(wildcards):
    """Digest of the user's files that a scorer reads."""
    scorer = P.scorers[wildcards.scorer]
    return content(scorer.scores, scorer.subset, *scorer.files.values())(wildcards)


def checkpoint_of(scorer):
    """Description of a scorer's model in addition to its digest; nothing without a model."""
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
    priority: 30  # longest chain: score, select, fine-tune, train a score model, score, train
    threads: 1  # with two threads, a scorer would wait until the last training ends
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
        scorer="{scorer}",  # otherwise two means of the same scorers would share one cached output
    message:
        "joining scores of {wildcards.captions} into {wildcards.scorer}"
    shell:
        command_text("combine-scores")
