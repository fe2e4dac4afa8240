# Leaderboard, paper tables and figures. They are committed, so they are not links into the cache.
from winnow.reporting.papers import load_papers

PAPERS = ROOT / "workflow/papers"
TABLES = {paper.paper: list(paper.tables) for paper in load_papers(PAPERS)}


def choosing(scorers):
    """The first of them that chooses a ratio for each scene, if any."""
    return next((name for name in scorers if P.scorers[name].choose), None)


def swept(scorers):
    """The first of them whose ratios are swept, if any."""
    return next((name for name in scorers if not P.scorers[name].choose), None)


rule sweep:
    output:
        "artifacts/sweep.csv",
    log:
        "logs/sweep.log",
    cache: "omit-software"
    threads: 1
    params:
        options=options(sweep(P)),
        code=code_digest("params"),
    message:
        "writing the table of experiments"
    shell:
        "winnow sweep --output {output} {params.options} > {log} 2>&1"


rule pools:
    input:
        rules.pool.output.pool,
        rules.zeroshot.output,


rule caption_sets:
    input:
        rules.corrupt.output,
        captions_of(*P.sweep.captions),
        [f"artifacts/truth/{name}.parquet" for name in P.sweep.captions if TERRARIUM],


rule recipe_models:
    input:
        rules.recipes.output,
        [
            score_model(recipe, recipe.stages, seed)
            for recipe in P.score_model.recipes.values()
            for seed in P.score_model.seeds
        ],


rule scores:
    input:
        collect("artifacts/scores/raw/{scorer}.parquet", scorer=P.scorers),
        [
            f"artifacts/scores/{cell.captions}/{cell.scorer}.parquet"
            for cell in CELLS
            if cell.track == "contrastive" and cell.scorer != PRETRAINED
        ],
        rules.conclude_loop.input.scores if "loop" in P.sweep.captions else [],


# DVC wants its folder, also where there are no masks and nothing is segmented.
rule segmented:
    input:
        cell_folders("segmentation"),
    output:
        touch("artifacts/segmentation/finished"),


rule cells:
    input:
        cell_folders("contrastive"),
        cell_folders("detection"),
        cell_folders("captioning"),
        cell_folders("preference"),
        cell_folders("generation"),
        rules.segmented.output,
        rules.audit.output,
        rules.sweep.output,


rule detection:
    input:
        cell_folders("detection"),
        sweep=rules.sweep.output,
    output:
        expand("results/detection.{kind}", kind=["csv", "md"]),
        "results/plots/detection.csv",
        "results/figures/detection.png",
        report("results/figures/detection.svg", category="Figures"),
    log:
        "logs/detection.log",
    priority: 10  # the first table, long before the last cell
    threads: 1
    params:
        options=options({"scale": P.scale}),
        code=code_digest("data", "evaluation", "reporting"),
    message:
        "rendering what each scorer detects into results/detection.md"
    shell:
        "winnow detection --cells artifacts/cells --sweep {input.sweep} --output results"
        " --threads {threads} {params.options} > {log} 2>&1"


rule captions:
    input:
        cell_folders("captioning"),
        sweep=rules.sweep.output,
    output:
        "results/captions.csv",
        "results/captions.md",
        "results/captions_differences.csv",
        "results/figures/captions.png",
        report("results/figures/captions.svg", category="Figures"),
    log:
        "logs/captions.log",
    threads: 1
    params:
        options=options({"scale": P.scale, "seed": P.statistics.seed}),
        code=code_digest("data", "evaluation", "reporting"),
    message:
        "rendering how good each caption set is into results/captions.md"
    shell:
        "winnow captions --cells artifacts/cells --sweep {input.sweep} --output results"
        " --threads {threads} {params.options} > {log} 2>&1"


rule score_models:
    input:
        cell_folders("preference"),
        cell_folders("detection"),
        sweep=rules.sweep.output,
    output:
        "results/score_model.csv",
        "results/score_model.md",
        "results/figures/score_normalisation.png",
        report("results/figures/score_normalisation.svg", category="Figures"),
    log:
        "logs/score_models.log",
    threads: 1
    params:
        options=options({"scale": P.scale, **P.statistics.model_dump()}),
        code=code_digest("data", "evaluation", "reporting"),
    message:
        "rendering how good the score models are into results/score_model.md"
    shell:
        "winnow score-models --cells artifacts/cells --sweep {input.sweep} --output results"
        " --threads {threads} {params.options} > {log} 2>&1"


CHOSEN = choosing(P.generation.scorers)


rule generation:
    input:
        cell_folders("generation"),
        [
            folder.replace("cells/generation", "generated")
            for folder in cell_folders("generation")
        ],
        pool="artifacts/pool",
        sweep=rules.sweep.output,
        choice=f"artifacts/subsets/raw/{CHOSEN}/choice.parquet" if CHOSEN else [],
    output:
        expand("results/generation.{kind}", kind=["csv", "md"]),
        "results/generation_scenes.csv",
        "results/generation_choice.csv",
        report("results/figures/generation.png", category="Figures"),
    log:
        "logs/generation.log",
    threads: 1
    params:
        choice=lambda wildcards, input: (
            f"--choice {input.choice}" if input.choice else ""
        ),
        options=options(
            {
                "scale": P.scale,
                **P.statistics.model_dump(),
                "scorer": swept(P.generation.scorers),
                "chosen": CHOSEN,
                "baselines": list(P.generation.baselines),
            }
        ),
        code=code_digest("data", "params", "generation", "evaluation", "reporting"),
    message:
        "rendering what the generators draw into results/generation.md"
    shell:
        "winnow generation --cells artifacts/cells --sweep {input.sweep}"
        " --generated artifacts/generated --pool {input.pool} --output results"
        " {params.choice} --threads {threads} {params.options} > {log} 2>&1"


rule segmentation:
    input:
        cell_folders("segmentation"),
        segments=SET if cell_folders("segmentation") else [],
        sweep=rules.sweep.output,
    output:
        expand("results/segmentation.{kind}", kind=["csv", "md"]),
        report("results/figures/segmentation.png", category="Figures"),
        "results/figures/segmentation_ratio.png",
        report("results/figures/segmentation_ratio.svg", category="Figures"),
    log:
        "logs/segmentation.log",
    threads: 1
    params:
        segments=lambda wildcards, input: (
            f"--segments {input.segments}" if input.segments else ""
        ),
        options=options(
            {
                "scale": P.scale,
                **P.statistics.model_dump(),
                "scorer": swept(P.segmentation.scorers),
                "chosen": choosing(P.segmentation.scorers),
            }
        ),
        code=code_digest("data", "params", "evaluation", "reporting"),
    message:
        "rendering what generated images add to real labels into results/segmentation.md"
    shell:
        "winnow segmentation --cells artifacts/cells --sweep {input.sweep} --output results"
        " {params.segments} --threads {threads} {params.options} > {log} 2>&1"


rule claims:
    input:
        cell_folders("contrastive"),
        cell_folders("detection"),
        cell_folders("captioning"),
        cell_folders("preference"),
        cell_folders("generation"),
        cell_folders("segmentation"),
        sweep=rules.sweep.output,
        papers=sorted(PAPERS.glob("*.yaml")),
        choice=rules.generation.input.choice,
    output:
        expand("results/claims.{kind}", kind=["csv", "md"]),
        "results/claims_comparisons.csv",
    log:
        "logs/claims.log",
    threads: 1
    params:
        choice=lambda wildcards, input: (
            f"--choice {input.choice}" if input.choice else ""
        ),
        options=options({"scale": P.scale}),
        papers=PAPERS,
        code=code_digest("data", "params", "evaluation", "reporting"),
    message:
        "judging the papers' claims into results/claims.md"
    shell:
        "winnow claims --cells artifacts/cells --sweep {input.sweep} --papers {params.papers}"
        " --output results {params.choice} --threads {threads} {params.options} > {log} 2>&1"


rule leaderboard:
    input:
        cell_folders("contrastive"),
        cell_folders("detection"),
        cell_folders("captioning"),
        cell_folders("preference"),
        cell_folders("generation"),
        cell_folders("segmentation"),
        sweep=rules.sweep.output,
        papers=sorted(PAPERS.glob("*.yaml")),
        leakage=rules.leakage.output.csv,
    output:
        expand(
            "results/{name}.{kind}", name=["leaderboard", "sweep"], kind=["csv", "md"]
        ),
        expand("results/{name}.csv", name=["boards", "cells", "cost"]),
        "results/metrics.json",
        "results/plots/contrastive.csv",
        [
            f"results/tables/{paper}/{name}.{kind}"
            for paper, names in TABLES.items()
            for name in names
            for kind in ("csv", "md", "tex")
        ],
        "results/figures/contrastive.png",
        report("results/figures/contrastive.svg", category="Figures"),
    log:
        "logs/leaderboard.log",
    threads: 1
    params:
        options=options({"scale": P.scale, **P.statistics.model_dump()}),
        papers=PAPERS,
        code=code_digest("data", "params", "evaluation", "reporting"),
    message:
        "rendering leaderboard, tables and figures into results/"
    shell:
        "winnow leaderboard --cells artifacts/cells --sweep {input.sweep}"
        " --papers {params.papers} --leakage {input.leakage} --output results"
        " --threads {threads} {params.options} > {log} 2>&1"
