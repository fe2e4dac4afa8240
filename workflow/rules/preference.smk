# Track `preference`: how well score models and their judge prefer the better text.


def recipe_model(wildcards):
    """Folder of a recipe's score model with the seed of the cell."""
    recipe = P.score_model.recipes[wildcards.recipe]
    return score_model(recipe, recipe.stages, wildcards.seed)


rule evaluate_score_model:
    input:
        pool="artifacts/pool",
        preferences=rules.preference_pairs.output,
        model=recipe_model,
    output:
        directory("artifacts/cells/preference/reference/{recipe}/1.0/{seed}"),
    log:
        "logs/evaluate_score_model/{recipe}/{seed}.log",
    wildcard_constraints:
        recipe="|".join(P.score_model.recipes) or "(?!)",
    cache: "omit-software"
    threads: 1
    params:
        options=lambda wildcards: measuring(
            *(STATISTICS, "preference", "reference", wildcards.recipe),
            seed=wildcards.seed,
        ),
    message:
        "measuring the pair accuracy of {wildcards.recipe}, seed {wildcards.seed}"
    shell:
        command_text("evaluate-score-model")


rule evaluate_judge:
    input:
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
        candidates=PROPOSED,
    output:
        directory("artifacts/cells/preference/reference/judge/1.0/0"),
    log:
        "logs/evaluate_judge.log",
    cache: "omit-software"
    threads: 1
    params:
        **files(questions=P.preferences.questions, rubric=P.preferences.rubric),
        judge=P.preferences.judge,
        options=verbatim(
            measuring(
                {**ASKING, **STATISTICS, **judge_server()},
                *("preference", "reference", "judge"),
                dataset="known mistakes",
            )
        ),
    message:
        "measuring the judge by mistakes of known kind"
    shell:
        command_text("evaluate-judge", layouts="{input.pool:q}/layouts.parquet")


rule score_models:
    input:
        cell_folders("preference"),
        cell_folders("detection"),
        sweep=SWEEP,
        leakage=LEAKAGE,
    output:
        shown("results/score_model.csv", "Tracks", "Score models, table"),
        "results/score_model.md",
        "results/figures/score_normalisation.png",
        shown("results/figures/score_normalisation.svg", "Tracks", "Score models"),
        page=page("preference"),
    log:
        "logs/score_models.log",
    threads: 1
    params:
        options=settings({"scale": P.scale, **STATISTICS}),
    message:
        "rendering how good the score models are into results/score_model.md"
    shell:
        render("score-models")
