# Parameters, the commands of rules, and the sweep. This file has no rules.
#
# The cache identifies a job by its inputs, params and unformatted shell command, not by its wildcards. So a
# shell command must get wildcards through params. Otherwise two jobs would share one cached output.
import atexit
import contextlib
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import get_args

import snakemake.workflow
from snakemake.caching import AbstractOutputFileCache
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from winnow.caching import entries, exchange
from winnow.command.code import search_path, user_code
from winnow.command.options import options
from winnow.command.rules import command_text
from winnow.data.content_digests import content_digest
from winnow.data.errors import WinnowError
from winnow.data.temporary_folders import find_temporary_folders, remove_abandoned
from winnow.models.settings import GeneratorRole, MllmRole, Role
from winnow.params.layers import given_layers, join
from winnow.params.load import resolve
from winnow.params.names import PRETRAINED, REAL
from winnow.reporting.standins import standins
from winnow.tracks.registry import (
    BY_NAME,
    MAIN,
    TRACKS,
    cells,
    expected,
    methods,
    untrained,
)

ROOT = Path(workflow.basedir)
STARTED = time.time()
os.environ.update(search_path(os.environ))

# Read each file and the command line separately, because Snakemake's `config` does not keep the source
# of a value. The merged values then replace `config`.
BASE = (
    [] if workflow.config_settings.replace_workflow_config else [ROOT / "params.yaml"]
)
try:
    GIVEN = join(
        given_layers(
            [*BASE, *workflow.config_settings.configfiles],
            workflow.config_settings.config_args,
        )
    )
    P = resolve(GIVEN, ROOT)
    CACHE = entries.default_cache()
except WinnowError as error:
    sys.exit(str(error))
workflow.configfiles.extend(BASE)
config.clear()
config.update(GIVEN.tree)

# One cache outside the workspace, shared with the folders of DVC experiments.
os.environ.update(SNAKEMAKE_OUTPUT_CACHE=str(CACHE))
# Do not create it here: a dry run must create nothing.
made = next(place for place in (CACHE, *CACHE.parents) if place.exists())
if not (made.is_dir() and os.access(made, os.W_OK)):
    sys.exit(
        f"{CACHE}: the cache of outputs cannot be written; mend its permissions, or name another "
        "folder in SNAKEMAKE_OUTPUT_CACHE"
    )


class OutputCache(AbstractOutputFileCache):
    """Replaces Snakemake's cache, which nests a folder inside an existing entry when it moves it."""

    async def store(self, job):
        """Move the outputs of a job into the cache. Raises WorkflowError on failure."""
        key, outputs = await self.entry(job)
        for path in outputs.values():
            logger.info(f"Moving output file {path} to cache.")
        with one_line():
            exchange.store(CACHE, key, outputs)

    async def fetch(self, job):
        """Link the outputs of a job from the cache. Raises CacheMissException if it lacks them."""
        key, outputs = await self.entry(job)
        with one_line():
            found = exchange.fetch(CACHE, key, outputs)
        if not found:
            self.raise_cache_miss_exception(job)
        for path in outputs.values():
            logger.info(f"Symlinking output file {path} from cache.")

    async def exists(self, job):
        """Whether the cache has the outputs of a job."""
        key, _ = await self.entry(job)
        with one_line():
            return entries.holds(CACHE, key)

    async def entry(self, job):
        """The key of a job and its outputs by name."""
        provenance = await self.provenance_hash_map.get_provenance_hash(job)
        outputs = {
            f"output{end}": Path(path) for path, end in self.get_outputfiles(job)
        }
        return entries.entry_key(provenance, outputs), outputs


@contextlib.contextmanager
def one_line():
    """Raise WorkflowError, which Snakemake prints in one line; it prints a traceback of others."""
    try:
        yield
    except (WinnowError, OSError) as error:
        raise WorkflowError(str(error)) from error


# Snakemake creates its cache after it has read all rules, and finds the class by this name.
snakemake.workflow.LocalOutputFileCache = OutputCache


# Snakemake's options that run no job.
LOOKS = re.compile(
    r"-[a-zA-Z]*n[a-zA-Z]*|--dry-?run|--(report|unlock|lint|(detailed-)?summary|dag|rulegraph|list.*)"
)
LOOKING = any(LOOKS.fullmatch(word.partition("=")[0]) for word in sys.argv[1:])


def drop_dead_links(folder):
    """Remove outputs with dead links into the cache, so that Snakemake makes them again: it checks
    only the folder, not the links in it. A dry run removes nothing."""
    lost = [p for p in folder.rglob("*") if p.is_symlink() and not p.exists()]
    for path in [] if LOOKING else lost:
        inside = (p for p in path.parents if folder in p.parents)
        whole = (p for p in inside if os.path.lexists(p / ".snakemake_timestamp"))
        output = next(whole, path)
        if output.is_dir() and not output.is_symlink():
            shutil.rmtree(output)
        else:
            output.unlink(missing_ok=True)
    if lost:
        print(
            f"{len(lost)} files of {folder} are links into a cache that has lost them; a run makes "
            "again what it asks for",
            file=sys.stderr,
        )


def remove_traces(folders):
    """Remove the folders that Snakemake created before any job, if they are still empty."""
    for folder in folders:
        (folder / "iocache/latest.pkl").unlink(missing_ok=True)
        for inner in sorted(folder.rglob("*/"), reverse=True) + [folder]:
            with contextlib.suppress(OSError):  # not empty
                inner.rmdir()


# Working folder of the jobs, and the folders that Snakemake creates there before any job.
PLACE = Path(P.folder).absolute()
RESULTS = os.path.relpath(
    PLACE / "results"
)  # from the folder where Snakemake was started
if not LOOKING:  # partial outputs of killed jobs, which may never be requested again
    remove_abandoned(
        find_temporary_folders(
            PLACE / "artifacts", PLACE / "results", ROOT / "submissions"
        )
    )
drop_dead_links(PLACE / "artifacts")
absent = [p for p in (PLACE / ".snakemake", PLACE, *PLACE.parents) if not p.exists()]
atexit.register(remove_traces, absent)


def results_are_new():
    """Whether this run rendered the results."""
    tables = [Path(f"results/{name}.csv") for name in ("leaderboard", "claims")]
    return any(t.is_file() and t.stat().st_mtime >= STARTED for t in tables)


def keep_counts():
    """Write the log of a pool that came from the cache, so its job did not run here."""
    told, log = Path("artifacts/pool/summary.txt"), Path("logs/pool.log")
    if told.is_file() and not (log.is_file() and log.stat().st_size):
        log.parent.mkdir(exist_ok=True)
        shutil.copyfile(told, log)


CONTRASTIVE = get_args(Role)
MULTIMODAL = get_args(MllmRole)
GENERATORS = get_args(GeneratorRole)
STANDINS = (*CONTRASTIVE, *MULTIMODAL, *GENERATORS, "segmentor")
TERRARIUM = P.source.knows_truth


def local_name(name):
    """Name of a model in tables: that of its file or folder if it is local, else its id."""
    path = PLACE / name.removeprefix("local-dir:")
    return path.resolve().name if path.exists() else name


def source_name():
    """Name of a real source in tables: that of the run's folder, or of the image folder."""
    return Path(P.folder).name or (PLACE / P.source.folder()).resolve().name


# Names of the evaluation set and of the fine-tuned model in tables.
DATASET = "terrarium" if TERRARIUM else source_name()
MODEL = local_name(P.models["clip"].id or "stand-in clip")
STATISTICS = P.statistics.model_dump()
# Settings of the metrics of generated images, and of their intervals.
MEASURED = {**P.generation.metrics.model_dump(), "statistics": STATISTICS}
# Relative, so that a DVC experiment's copy of the repository has the same cache keys.
REPOSITORY = Path(os.path.relpath(ROOT.resolve(), os.path.realpath(P.folder)))
if "{" in str(REPOSITORY):
    sys.exit(
        f"{REPOSITORY}: Snakemake takes braces in the path to the repository for wildcards; move it, "
        "or name a `folder` inside it"
    )
RELEASED = REPOSITORY / "released/standins"
# The foundry's world: a reference split for training and a test split for evaluation.
FOUNDRY_SOURCE = {
    "kind": "terrarium",
    "pool": 1,
    "reference": P.foundry.images,
    "test": 500,
    "seed": P.foundry.seed,
}


def verbatim(words):
    """A param that Snakemake does not format: in a string it would read braces as wildcards."""
    return lambda wildcards: words


def settings(section):
    """Param with a section as the options of a command."""
    return verbatim(options(section))


def content(*paths):
    """Param with the digest of a user's files and folders: it is part of the cache key, so a change
    reruns the job. They cannot be inputs, because Snakemake reads braces in input paths as wildcards,
    even from a function."""
    found = [path for path in paths if path]
    return lambda wildcards: content_digest(found) if found else ""


def files(**paths):
    """Params with the paths of a user's files, as arguments of a command, and with their digest."""
    return {
        **{key: verbatim(str(path) if path else []) for key, path in paths.items()},
        "content": content(*paths.values()),
    }


def measuring(
    how, track, captions, scorer, ratio=1.0, seed=0, dataset=DATASET, **names
):
    """Options of the command that measures a cell: settings, the cell, and names for tables."""
    cell = {"track": track, "captions": captions, "scorer": scorer}
    cell |= {"ratio": float(ratio), "seed": int(seed)}
    return options({"cell": cell, "dataset": dataset, **names, **how})


ONE_RATIO = r"[01]\.[0-9]+|[1-9][0-9.]*e-[0-9]+"  # the format of Python's str(float)


wildcard_constraints:
    captions="[a-z][a-z0-9_]*",
    scorer="[a-z][a-z0-9_]*",
    ratio=ONE_RATIO,
    seed="[0-9]+",
    role="|".join(P.models),


CELLS = cells(P)


def cell_folders(track):
    """The folders of a track's cells."""
    return [
        f"artifacts/cells/{track}/{cell.captions}/{cell.scorer}/{cell.ratio}/{cell.seed}"
        for cell in CELLS
        if cell.track == track
    ]


# The tracks with cells, the plan of all cells, and the methods that the audit strikes out.
RAN = [track for track in TRACKS if cell_folders(track.name)]
SWEEP = "artifacts/sweep.csv"
LEAKAGE = "results/leakage.csv"
# What a run prints at its end.
TOLD = [Path(f"artifacts/told/{name}.json") for name in ("leaderboard", "claims")]
# Names in pages and tables.
RUN = {"scale": P.scale, "standins": standins(P)}


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


def choosing(scorers):
    """The first scorer that chooses a ratio for each scene, if any."""
    return next((name for name in scorers if P.scorers[name].choose), None)


def swept(scorers):
    """The first scorer that runs at all ratios, if any."""
    return next((name for name in scorers if not P.scorers[name].choose), None)


def render(name, **folders):
    """The shell command of a rule that renders finished cells into results/."""
    return command_text(name, cells="artifacts/cells", output="results", **folders)


def page(track):
    """The page of a track, which the site shows too."""
    return f"artifacts/pages/{track}.json"
