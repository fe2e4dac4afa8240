# Parameters, digests of the code that rules run, and the sweep. No rules.
#
# The cache knows a job by its inputs, params and shell command, not by its wildcards: a shell command
# takes wildcards through params alone, or two jobs would share one cached output.
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import get_args

from snakemake.caching.local import OutputFileCache

from winnow.command import options
from winnow.data.errors import WinnowError
from winnow.data.files import cache_folder
from winnow.data.provenance import code_digest
from winnow.params.cells import cells, sweep
from winnow.params.layers import given_layers, join
from winnow.params.load import resolve
from winnow.params.model import PRETRAINED, REAL
from winnow.params.sections import GeneratorRole, MllmRole, Role
from winnow.sources.there import require

ROOT = Path(workflow.basedir)

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
    require(P, GIVEN, Path(P.folder, "artifacts/pool"))
except WinnowError as error:
    sys.exit(str(error))
workflow.configfiles.extend(BASE)
config.clear()
config.update(GIVEN.tree)

# One cache outside the workspace, shared with the folders in which DVC runs experiments.
CACHE = Path(
    os.environ.setdefault("SNAKEMAKE_OUTPUT_CACHE", str(cache_folder() / "snakemake"))
)
try:
    CACHE.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=CACHE).close()
except OSError as error:
    sys.exit(
        f"{CACHE}: the cache of outputs cannot be written ({error.strerror}); mend its "
        "permissions, or name another folder in SNAKEMAKE_OUTPUT_CACHE"
    )


def link(cache, path, target, utime=True):
    """Link a cached output into the workspace: files alone, never a folder.

    DVC does not look behind a link to a folder, so that it would take every version of it for the
    same, and its checkout would write through the link into the cache. So would whoever edits a
    cell: those are copied, so that a damaged one comes back from the cache as it was written.
    """
    if path.is_dir():
        target.mkdir(exist_ok=True)
        for inner in sorted(path.iterdir()):
            link(cache, inner, target / inner.name, utime)
    elif target.is_relative_to("artifacts/cells"):
        shutil.copyfile(path, target)
    else:
        os.symlink(path, target)
        if utime:
            os.utime(target, follow_symlinks=False)


OutputFileCache.symlink = link

CONTRASTIVE = get_args(Role)
MULTIMODAL = get_args(MllmRole)
GENERATORS = get_args(GeneratorRole)
STANDINS = (*CONTRASTIVE, *MULTIMODAL, *GENERATORS, "segmentor")
TERRARIUM = P.source.kind == "terrarium"
# What the tables call the evaluation set and the fine-tuned model.
DATASET = "terrarium" if TERRARIUM else Path(P.folder).resolve().name
MODEL = P.models["clip"].id or "stand-in clip"
# The code that draws images, and that measures them.
DRAWING = ("data", "params", "models", "captioning", "training", "generation")
MEASURING = ("data", "params", "sources", "models", "generation", "evaluation")
# What generated images are measured by, and the intervals of it.
MEASURED = {
    **P.generation.metrics.model_dump(),
    "statistics": P.statistics.model_dump(),
}
# Relative, so that an experiment's copy of the repository asks the cache the same questions.
REPOSITORY = Path(os.path.relpath(ROOT, P.folder))
RELEASED = REPOSITORY / "released/standins"
# The foundry's world: a reference split to learn from, a test split to measure on.
FOUNDRY_SOURCE = {
    "kind": "terrarium",
    "pool": 1,
    "reference": P.foundry.images,
    "test": 500,
    "seed": P.foundry.seed,
}


ONE_RATIO = r"[01]\.[0-9]+|[1-9][0-9.]*e-[0-9]+"  # as Python writes it


wildcard_constraints:
    captions="[a-z][a-z0-9_]*",
    scorer="[a-z][a-z0-9_]*",
    ratio=ONE_RATIO,
    seed="[0-9]+",
    role="|".join(P.models),


CELLS = cells(sweep(P))


def cell_folders(track):
    """The folders of a track's cells."""
    return [
        f"artifacts/cells/{track}/{cell.captions}/{cell.scorer}/{cell.ratio}/{cell.seed}"
        for cell in CELLS
        if cell.track == track
    ]
