"""Command `submit`: one command from a folder to a row of the leaderboard."""

import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import get_args

from filelock import FileLock, Timeout

from winnow.command.description import command
from winnow.data.errors import WinnowError
from winnow.data.tables import CAPTIONS, read_table
from winnow.models.settings import ModelRole
from winnow.params.layers import Joined, given_layers, join
from winnow.params.load import resolve
from winnow.params.model import Params
from winnow.params.names import CONTROLS, JUDGE
from winnow.params.submissions import FOLDER, pool_digest
from winnow.scoring.scorers import NAMES
from winnow.tracks.registry import untrained

SNAKEFILE = "Snakefile"
LOCK = Path(".snakemake/submit.lock")
PAIRS = "artifacts/captions/raw.parquet"  # of which a submission scores or keeps


@command
def submit(folder: Path, configfile: Path | None, replace: bool, threads: int) -> None:
    """Check a scorer's table or a subset with its card, run its cells, and say where it stands.
    --replace puts it in the place of an earlier one of its name."""
    if not Path(SNAKEFILE).is_file():
        raise WinnowError(f"{SNAKEFILE}: no such file here; submit from the repository's root")
    LOCK.parent.mkdir(exist_ok=True)
    try:  # of two at once, one would replace the other, or fail when it is there but has not run
        with FileLock(LOCK, timeout=0):
            _submit(folder, configfile, replace, threads)
    except Timeout as error:
        told = "another `winnow submit` is at work here; nothing was copied, submit again after it"
        raise WinnowError(f"{folder}: {told}") from error


def _submit(folder: Path, configfile: Path | None, replace: bool, threads: int) -> None:
    from winnow.curation import submit as submissions
    from winnow.scoring.engine import pool_pairs

    given = _given(configfile)
    params = resolve(given)
    earlier = {path.name for path in Path(FOLDER).glob("*") if path.is_dir()}
    card = submissions.check_card(folder, _taken(params, earlier, replace))
    run = Path(params.folder)
    there = (run / PAIRS).is_file()
    if not there:
        print(f"{run / PAIRS}: is made first", file=sys.stderr, flush=True)
    nothing = "mend that and submit again: nothing was copied"
    _snakemake(configfile, threads, [PAIRS], nothing, quiet=there)
    captions = read_table(run / PAIRS, CAPTIONS)
    share = submissions.check_table(folder, pool_pairs(run / "artifacts/pool", captions))
    place = Path(FOLDER, card.name)
    submissions.install(folder, place, pool_digest(given.tree), share)
    did = ", in place of the earlier one" if card.name in earlier else ""
    print(f"{place}: checked{did}; running its cells", flush=True)
    remedy = f"mend it and run `snakemake --cores all`, or delete {place}/"
    _snakemake(configfile, threads, [], remedy)
    print(
        "\n".join(["", *submissions.leaderboard_ranks(run / "results/leaderboard.csv", card.name)])
    )


def _given(configfile: Path | None) -> Joined:
    """The parameters as the Snakefile reads them."""
    return join(given_layers([Path("params.yaml"), *([configfile] if configfile else [])]))


def _taken(params: Params, earlier: Collection[str], replace: bool) -> dict[str, str]:
    """Names that the tables use already, and whose they are: scorers, controls, models, and
    `earlier` submissions unless they may be replaced."""
    roles = get_args(ModelRole)
    names = {*untrained(params), JUDGE, *CONTROLS, *NAMES, *roles}
    names |= {*_own_scorers(params)}
    whose = "an earlier submission: replace it with --replace, or choose another name"
    found = {} if replace else dict.fromkeys(earlier, whose)
    return found | dict.fromkeys(names, "a scorer or a model; choose another name")


def _own_scorers(params: Params) -> list[str]:
    """The scorers that no submission is."""
    tables = {name: scorer.scores or scorer.subset or "" for name, scorer in params.scorers.items()}
    places = {n: Path(params.folder, path).resolve().parent for n, path in tables.items()}
    return [n for n, place in places.items() if place != Path(FOLDER, n).resolve()]


def _snakemake(
    configfile: Path | None,
    threads: int,
    targets: Sequence[str],
    remedy: str,
    quiet: bool = False,
) -> None:
    """Run Snakemake here. WinnowError says that it failed, and the `remedy`; what failed it has
    said itself, if `quiet` only then."""
    own = ["--configfile", str(configfile)] if configfile is not None else []
    words = [sys.executable, "-m", "snakemake", "--cores", str(threads), *own]
    words += ["--quiet", "host", "reason", "--", *targets]
    kept = subprocess.PIPE if quiet else None
    done = subprocess.run(
        words, check=False, stdout=kept, stderr=subprocess.STDOUT if quiet else None
    )
    if done.returncode:
        if done.stdout:
            sys.stderr.buffer.write(done.stdout)
        raise WinnowError(f"snakemake failed, see above; {remedy}")
