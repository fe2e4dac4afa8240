# Leaderboard, paper tables and figures, and the targets of DVC's stages. Files under results/ are committed, so they
# are not links into the cache.
from winnow.params.submissions import CARD, FOLDER, pool_digest, submitted
from winnow.reporting.papers import load_papers
from winnow.reporting.standins import standins

PAPERS = REPOSITORY / "workflow/papers"
LOADED = load_papers(PAPERS)
TABLES = {paper.paper: list(paper.tables) for paper in LOADED}
# Names in pages and tables.
RUN = {"scale": P.scale, "standins": standins(P)}
# Cards of the submissions in this run.
CARDS = [
    str(REPOSITORY / FOLDER / name / CARD)
    for name in submitted(ROOT / FOLDER, pool_digest(config))
]


report: "../report/workflow.rst"


def shown(path, category, name, caption=None, subcategory=None):
    """An output that `snakemake --report` shows under a category and name. Its caption is the file in
    `workflow/report` with the name of the table, or the name of the figure plus `_figure`.
    """
    name_of = "{}_figure" if "figures" in Path(path).parts else "{}"
    caption = caption or name_of.format(Path(path).stem)
    return report(
        path,
        caption=f"../report/{caption}.rst",
        category=category,
        subcategory=subcategory,
        labels={"what": name},
    )


EVERY_CELL = [
    folder
    for track in dict.fromkeys(cell.track for cell in CELLS)
    for folder in cell_folders(track)
]


def choosing(scorers):
    """The first scorer that chooses a ratio for each scene, if any."""
    return next((name for name in scorers if P.scorers[name].choose), None)


def swept(scorers):
    """The first scorer that runs at all ratios, if any."""
    return next((name for name in scorers if not P.scorers[name].choose), None)


def render(name, **folders):
    """The shell command of a rule that renders finished cells into results/."""
    return command_text(name, cells="artifacts/cells", output="results", **folders)


rule sweep:
    output:
        "artifacts/sweep.csv",
    log:
        "logs/sweep.log",
    cache: "omit-software"
    threads: 1
    params:
        options=settings({"methods": methods(CELLS), "expected": expected(P)}),
    message:
        "writing the table of experiments"
    shell:
        command_text("sweep")


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


# DVC needs this folder, even if there are no masks and no segmentation.
rule segmented:
    input:
        cell_folders("segmentation"),
    output:
        touch("artifacts/segmentation/finished"),


rule cells:
    input:
        EVERY_CELL,
        rules.segmented.output,
        rules.audit.output,
        rules.sweep.output,


rule detection:
    input:
        cell_folders("detection"),
        sweep=rules.sweep.output,
    output:
        shown("results/detection.csv", "Tracks", "Noise found, table"),
        "results/detection.md",
        "results/plots/detection.csv",
        "results/figures/detection.png",
        shown("results/figures/detection.svg", "Tracks", "Noise found"),
    log:
        "logs/detection.log",
    priority: 10  # gives a first table long before the last cell
    threads: 1
    params:
        options=settings({"scale": P.scale}),
    message:
        "rendering what each scorer detects into results/detection.md"
    shell:
        render("detection")


rule captions:
    input:
        cell_folders("captioning"),
        sweep=rules.sweep.output,
    output:
        shown("results/captions.csv", "Tracks", "Caption sets, table"),
        "results/captions.md",
        "results/captions_differences.csv",
        "results/figures/captions.png",
        shown("results/figures/captions.svg", "Tracks", "Caption sets"),
    log:
        "logs/captions.log",
    threads: 1
    params:
        options=settings({"scale": P.scale, **STATISTICS}),
    message:
        "rendering how good each caption set is into results/captions.md"
    shell:
        render("captions")


rule score_models:
    input:
        cell_folders("preference"),
        cell_folders("detection"),
        sweep=rules.sweep.output,
        leakage=rules.leakage.output.csv,
    output:
        shown("results/score_model.csv", "Tracks", "Score models, table"),
        "results/score_model.md",
        "results/figures/score_normalisation.png",
        shown("results/figures/score_normalisation.svg", "Tracks", "Score models"),
    log:
        "logs/score_models.log",
    threads: 1
    params:
        options=settings({"scale": P.scale, **STATISTICS}),
    message:
        "rendering how good the score models are into results/score_model.md"
    shell:
        render("score-models")


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
        leakage=rules.leakage.output.csv,
    output:
        shown("results/generation.csv", "Tracks", "Text to image, table"),
        "results/generation.md",
        "results/generation_scenes.csv",
        "results/generation_choice.csv",
        "results/plots/generation.csv",
        shown("results/figures/generation.png", "Tracks", "Text to image"),
    log:
        "logs/generation.log",
    threads: 1
    params:
        options=settings(
            {
                **RUN,
                **STATISTICS,
                "scorer": swept(P.generation.scorers),
                "chosen": CHOSEN,
                "baselines": {
                    name: baseline.model
                    for name, baseline in P.generation.baselines.items()
                },
            }
        ),
    message:
        "rendering what the generators draw into results/generation.md"
    shell:
        render("generation", generated="artifacts/generated")


rule segmentation:
    input:
        cell_folders("segmentation"),
        segments=SET if cell_folders("segmentation") else [],
        sweep=rules.sweep.output,
        leakage=rules.leakage.output.csv,
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


rule claims:
    input:
        EVERY_CELL,
        sweep=rules.sweep.output,
        papers=sorted(PAPERS.glob("*.yaml")),
        choice=rules.generation.input.choice,
        leakage=rules.leakage.output.csv,
    output:
        shown("results/claims.csv", "Claims", "Verdicts"),
        "results/claims.md",
        "results/summary/claims.md",
        shown("results/claims_comparisons.csv", "Claims", "Comparisons behind them"),
    log:
        "logs/claims.log",
    threads: 1
    params:
        options=settings({**RUN, **STATISTICS}),
        papers=verbatim(str(PAPERS)),
    message:
        "judging the papers' claims into results/claims.md"
    shell:
        render("claims")


rule leaderboard:
    input:
        EVERY_CELL,
        sweep=rules.sweep.output,
        papers=sorted(PAPERS.glob("*.yaml")),
        leakage=rules.leakage.output.csv,
        cards=CARDS,
    output:
        shown("results/leaderboard.csv", "Leaderboard", "All methods"),
        shown("results/boards.csv", "Leaderboard", "Boards of the tracks"),
        shown("results/sweep.csv", "Leaderboard", "Mean recall by keep ratio"),
        shown("results/cells.csv", "Leaderboard", "Every cell"),
        shown("results/cost.csv", "Leaderboard", "Cost of every cell"),
        expand(
            "results/{name}.md", name=["leaderboard", "sweep", "summary/leaderboard"]
        ),
        "results/metrics.json",
        "results/plots/contrastive.csv",
        [
            shown(
                f"results/tables/{paper.paper}/{name}.csv",
                "Papers",
                table.title,
                caption="table",
                subcategory=paper.citation.short,
            )
            for paper in LOADED
            for name, table in paper.tables.items()
        ],
        [
            f"results/tables/{paper}/{name}.{kind}"
            for paper, names in TABLES.items()
            for name in names
            for kind in ("md", "tex")
        ],
        "results/figures/contrastive.png",
        shown(
            "results/figures/contrastive.svg",
            "Leaderboard",
            "Curves over the keep ratio",
        ),
    log:
        "logs/leaderboard.log",
    threads: 1
    params:
        options=settings({**RUN, "noise": P.captions.noise, **STATISTICS}),
        papers=verbatim(str(PAPERS)),
    message:
        "rendering leaderboard, tables and figures into results/"
    shell:
        render("leaderboard")
