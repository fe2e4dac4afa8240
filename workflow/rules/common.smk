# Parameters, digests of the code that rules run, and the sweep. No rules.
#
# The cache knows a job by its inputs, params and shell command, not by its wildcards: a shell command
# takes wildcards through params alone, or two jobs would share one cached output.
import atexit
import contextlib
import os
import re
import shlex
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
from winnow.command import options
from winnow.data.code import code_digest, search_path, user_code
from winnow.data.content import content_digest
from winnow.data.errors import WinnowError
from winnow.data.holders import below, remove_dead
from winnow.params.layers import given_layers, join
from winnow.params.load import resolve
from winnow.params.names import PRETRAINED, REAL
from winnow.params.sections import GeneratorRole, MllmRole, Role
from winnow.tracks.registry import BY_NAME, TRACKS, cells, expected, methods, untrained

ROOT = Path(workflow.basedir)
STARTED = time.time()
os.environ.update(search_path(os.environ))

# Each file and the command line by itself, since Snakemake's own `config` has lost which said what. In
# its place stands what they come to.
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

# One cache outside the workspace, shared with the folders in which DVC runs experiments.
os.environ.update(SNAKEMAKE_OUTPUT_CACHE=str(CACHE))
# Not made here: a dry run creates nothing.
made = next(place for place in (CACHE, *CACHE.parents) if place.exists())
if not (made.is_dir() and os.access(made, os.W_OK)):
    sys.exit(
        f"{CACHE}: the cache of outputs cannot be written; mend its permissions, or name another "
        "folder in SNAKEMAKE_OUTPUT_CACHE"
    )


class OutputCache(AbstractOutputFileCache):
    """Our cache in the place of Snakemake's own, whose moves onto entries that are there nest them."""

    async def store(self, job):
        """Move what a job made into the cache; WorkflowError where that cannot be."""
        key, outputs = await self.entry(job)
        for path in outputs.values():
            logger.info(f"Moving output file {path} to cache.")
        with one_line():
            exchange.store(CACHE, key, outputs)

    async def fetch(self, job):
        """Link what a job would make; CacheMissException where the cache does not have it."""
        key, outputs = await self.entry(job)
        with one_line():
            found = exchange.fetch(CACHE, key, outputs)
        if not found:
            self.raise_cache_miss_exception(job)
        for path in outputs.values():
            logger.info(f"Symlinking output file {path} from cache.")

    async def exists(self, job):
        """Whether a run would find it."""
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
    """Snakemake prints its own errors in one line, and a traceback of others."""
    try:
        yield
    except (WinnowError, OSError) as error:
        raise WorkflowError(str(error)) from error


# Snakemake makes its cache when it has read all rules, and asks for the class by this name.
snakemake.workflow.LocalOutputFileCache = OutputCache


# Of Snakemake's options, those with which it runs no job.
LOOKS = re.compile(
    r"-[a-zA-Z]*n[a-zA-Z]*|--dry-?run|--(report|unlock|lint|(detailed-)?summary|dag|rulegraph|list.*)"
)
LOOKING = any(LOOKS.fullmatch(word.partition("=")[0]) for word in sys.argv[1:])


def drop_dead_links(folder):
    """Remove the outputs of which the cache has lost a file, so that they are made again: Snakemake
    looks at a folder, and not at the links in it. Who only looks removes nothing."""
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
    """Remove what Snakemake made before it ran any job, where none left anything there."""
    for folder in folders:
        (folder / "iocache/latest.pkl").unlink(missing_ok=True)
        for inner in sorted(folder.rglob("*/"), reverse=True) + [folder]:
            with contextlib.suppress(OSError):  # it holds something
                inner.rmdir()


# Where jobs run, and what Snakemake makes there before it runs any.
PLACE = Path(P.folder).absolute()
RESULTS = os.path.relpath(PLACE / "results")  # as seen from where Snakemake was started
if not LOOKING:  # what killed jobs left of outputs that nobody may ask for again
    remove_dead(below(PLACE / "artifacts", PLACE / "results", ROOT / "submissions"))
drop_dead_links(PLACE / "artifacts")
absent = [p for p in (PLACE / ".snakemake", PLACE, *PLACE.parents) if not p.exists()]
atexit.register(remove_traces, absent)


def results_are_new():
    """Whether this run rendered the results."""
    tables = [Path(f"results/{name}.csv") for name in ("leaderboard", "claims")]
    return any(t.is_file() and t.stat().st_mtime >= STARTED for t in tables)


def keep_counts():
    """Write the log of a pool that came from the cache, whose job did not run here."""
    told, log = Path("artifacts/pool/summary.txt"), Path("logs/pool.log")
    if told.is_file() and not (log.is_file() and log.stat().st_size):
        log.parent.mkdir(exist_ok=True)
        shutil.copyfile(told, log)


CONTRASTIVE = get_args(Role)
MULTIMODAL = get_args(MllmRole)
GENERATORS = get_args(GeneratorRole)
STANDINS = (*CONTRASTIVE, *MULTIMODAL, *GENERATORS, "segmentor")
TERRARIUM = P.source.kind == "terrarium"


def local_name(name):
    """What tables call a model: the name of its file or folder, where it is here and not on a hub."""
    path = PLACE / name.removeprefix("local-dir:")
    return path.resolve().name if path.exists() else name


def source_name():
    """What tables call a source of real images: the run's folder, or where the images are."""
    given = getattr(P.source, "images", None) or Path(P.source.shards).parent
    return Path(P.folder).name or (PLACE / given).resolve().name


# What the tables call the evaluation set and the fine-tuned model.
DATASET = "terrarium" if TERRARIUM else source_name()
MODEL = local_name(P.models["clip"].id or "stand-in clip")
# What generated images are measured by, and the intervals of it.
MEASURED = {
    **P.generation.metrics.model_dump(),
    "statistics": P.statistics.model_dump(),
}
# Relative, so that an experiment's copy of the repository asks the cache the same questions.
REPOSITORY = Path(os.path.relpath(ROOT.resolve(), os.path.realpath(P.folder)))
if "{" in str(REPOSITORY):
    sys.exit(
        f"{REPOSITORY}: Snakemake takes braces in the path to the repository for wildcards; move it, "
        "or name a `folder` inside it"
    )
RELEASED = REPOSITORY / "released/standins"
# The foundry's world: a reference split to learn from, a test split to measure on.
FOUNDRY_SOURCE = {
    "kind": "terrarium",
    "pool": 1,
    "reference": P.foundry.images,
    "test": 500,
    "seed": P.foundry.seed,
}


def verbatim(words):
    """A param that Snakemake leaves as it is: in a text it would take a user's braces for wildcards."""
    return lambda wildcards: words


def settings(section):
    """The param that holds a section as the options of a command."""
    return verbatim(options(section))


def words(**values):
    """Names that people gave things, as options of a command."""
    return " ".join(
        f"--{key.replace('_', '-')}={shlex.quote(value)}"
        for key, value in values.items()
    )


def named(**values):
    """The param that holds names that people gave things."""
    return verbatim(words(**values))


def content(*paths):
    """The param that stands for what lies in files and folders of a user's: the cache asks for it, and
    a change runs the job again. They are no inputs, in whose paths Snakemake takes braces for
    wildcards, also where a function gives them."""
    found = [path for path in paths if path]
    return lambda wildcards: content_digest(found) if found else ""


def files(**paths):
    """The params that name files of a user's to a command, and stand for what lies in them."""
    found = {key: str(path) for key, path in paths.items() if path}
    return {"files": named(**found), "content": content(*found.values())}


ONE_RATIO = r"[01]\.[0-9]+|[1-9][0-9.]*e-[0-9]+"  # as Python writes it


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
