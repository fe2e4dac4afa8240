# Leaderboard, paper tables and figures, and the targets of DVC's stages. Files under results/ are committed, so they
# are not links into the cache.
from winnow.params.submissions import CARD, FOLDER, pool_digest, submitted
from winnow.reporting.papers import load_papers

PAPERS = REPOSITORY / "workflow/papers"
LOADED = load_papers(PAPERS)
TABLES = {paper.paper: list(paper.tables) for paper in LOADED}
# Cards of the submissions in this run.
CARDS = [
    str(REPOSITORY / FOLDER / name / CARD)
    for name in submitted(ROOT / FOLDER, pool_digest(config))
]


report: "../report/workflow.rst"


EVERY_CELL = [
    folder
    for track in dict.fromkeys(cell.track for cell in CELLS)
    for folder in cell_folders(track)
]


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
        rules.raw_captions.output,
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
        told="artifacts/told/claims.json",
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
        shown("results/cells.csv", "Leaderboard", "Every cell"),
        shown("results/cost.csv", "Leaderboard", "Cost of every cell"),
        "results/leaderboard.md",
        "results/summary/leaderboard.md",
        "results/metrics.json",
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
        told="artifacts/told/leaderboard.json",
    log:
        "logs/leaderboard.log",
    threads: 1
    params:
        options=settings({**RUN, "noise": P.captions.noise, **STATISTICS}),
        papers=verbatim(str(PAPERS)),
    message:
        "rendering the leaderboard and the papers' tables into results/"
    shell:
        render("leaderboard")
