# Winnow: a benchmark of data curation for image-text pairs. See README.md and params.yaml.
import os
import sys
from pathlib import Path

from snakemake.utils import min_version

from winnow import forkserver, progress

min_version("9.27")


include: "workflow/rules/common.smk"


workdir: P.folder


include: "workflow/rules/pool.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/captions.smk"
include: "workflow/rules/preferences.smk"
include: "workflow/rules/score_model.smk"
include: "workflow/rules/scores.smk"
include: "workflow/rules/subsets.smk"
include: "workflow/rules/contrastive.smk"
include: "workflow/rules/detection.smk"
include: "workflow/rules/captioning.smk"
include: "workflow/rules/preference.smk"
include: "workflow/rules/generation.smk"
include: "workflow/rules/segmentation.smk"
include: "workflow/rules/leakage.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/site.smk"


onstart:
    if not TERRARIUM:
        planned = {job.rule.name for job in workflow.dag.needrun_jobs()}
        check_splits(planned)
        check_judge(planned)
    exchange.create(CACHE)
    entries.sweep(CACHE)
    os.environ.update(forkserver.start(os.environ))
    progress.start(Path("logs"))
    if workflow.local_exec:
        # The limit of jobs per second is meant for clusters. It makes Snakemake check all waiting jobs
        # again every second after each finished job, which took a third of a core in `mini`. No option
        # turns it off; with a longer span of --max-jobs-per-timespan a run ends later by that span.
        workflow.scheduler.job_rate_limiter = None


onsuccess:
    keep_counts()
    if all(path.is_file() for path in TOLD) and results_are_new():
        # Here, because it imports pandas, which takes half a second
        from winnow.reporting.run_summary import summary_lines

        print("", *summary_lines(TOLD, RESULTS), sep="\n", file=sys.stderr)


onerror:
    keep_counts()


rule all:
    default_target: True
    input:
        rules.leaderboard.output,
        rules.claims.output,
        rules.leakage.output,
        [getattr(rules, track.page).output for track in RAN],
        rules.site.output,
    message:
        "all results are made"
