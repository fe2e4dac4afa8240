# The static site: the cells as pages that open from disk. Not committed, so not in results.smk.
SITE_ASSETS = REPOSITORY / "src/winnow/reporting/site/assets"
# The caption sets from which a scorer selects, with the scorers and ratios that do.
BROWSED = {}
for cell in CELLS:
    if cell.track == "contrastive" and cell.scorer not in ("none", PRETRAINED):
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
        truth="--truth artifacts/truth" if P.captions.known_noise else "",
        choice=optional("choice"),
        options=settings(
            {
                **RUN,
                "noise": P.captions.noise,
                "untrained": UNTRAINED,
                **P.statistics.model_dump(),
                **P.site.model_dump(),
            }
        ),
        papers=verbatim(shlex.quote(str(PAPERS))),
        code=code_digest("site"),
    message:
        "writing the site into results/site; open results/site/index.html"
    shell:
        "winnow site --cells artifacts/cells --sweep {input.sweep:q} --papers {params.papers}"
        " --audit {input.audit:q} --recipes {input.recipes:q} --pool {input.pool:q}"
        " --captions artifacts/captions --scores artifacts/scores --subsets artifacts/subsets"
        " --generated artifacts/generated --cards {input.cards:q} --output {output}"
        " {params.truth} {params.choice} --threads {threads} {params.options} > {log} 2>&1"
