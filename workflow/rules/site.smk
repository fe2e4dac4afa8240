# The static site: the cells as pages that open from disk. Not committed, so not in results.smk.
SITE_ASSETS = REPOSITORY / "src/winnow/reporting/site/assets"
# Caption sets that scorers select from, with these scorers and their ratios.
BROWSED = {}
for cell in CELLS:
    if cell.track == MAIN.name and cell.scorer not in ("none", PRETRAINED):
        BROWSED.setdefault(cell.captions, []).append((cell.scorer, cell.ratio))


rule site:
    input:
        EVERY_CELL,
        LEARNED,
        [
            folder.replace("cells/generation", "generated")
            for folder in cell_folders("generation")
        ],
        collect("artifacts/captions/{captions}.parquet", captions=BROWSED),
        [
            f"artifacts/scores/{captions}/{scorer}.parquet"
            for captions, selections in BROWSED.items()
            for scorer in {scorer: None for scorer, _ in selections}
        ],
        [
            f"artifacts/subsets/{captions}/{scorer}/{ratio}.parquet"
            for captions, selections in BROWSED.items()
            for scorer, ratio in selections
        ],
        truth=[
            f"artifacts/truth/{captions}.parquet"
            for captions in BROWSED
            if P.captions.known_noise and (TERRARIUM or captions == "raw")
        ],
        pool="artifacts/pool",
        sweep=rules.sweep.output,
        papers=sorted(PAPERS.glob("*.yaml")),
        choice=rules.generation.input.choice,
        audit=rules.audit.output,
        recipes=rules.leakage.input.recipes,
        assets=sorted(SITE_ASSETS.iterdir()),
        cards=CARDS,
        pages=[page(track.name) for track in RAN],
        figures=[list(getattr(rules, track.page).output) for track in RAN],
    output:
        report(
            directory("results/site"),
            htmlindex="index.html",
            caption="../report/site.rst",
            category="Site",
            labels={"what": "All results as pages"},
        ),
    log:
        "logs/site.log",
    threads: 1
    params:
        truth=lambda wildcards, input: [str(Path(p).parent) for p in input.truth[:1]],
        options=settings(
            {
                **RUN,
                "noise": P.captions.noise,
                "untrained": UNTRAINED,
                **STATISTICS,
                **P.site.model_dump(),
            }
        ),
        papers=verbatim(str(PAPERS)),
    message:
        "writing the site into results/site; open results/site/index.html"
    shell:
        command_text(
            "site",
            cells="artifacts/cells",
            captions="artifacts/captions",
            scores="artifacts/scores",
            subsets="artifacts/subsets",
            generated="artifacts/generated",
            truth="{params.truth:q}",
            results="results",
        )
