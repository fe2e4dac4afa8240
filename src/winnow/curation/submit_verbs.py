"""Verb `submit`: one command from a folder to a row of the leaderboard."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

from winnow.command import verb
from winnow.data.errors import WinnowError
from winnow.data.tables import CAPTIONS, read_table
from winnow.params import sections
from winnow.params.layers import Joined, given_layers, join
from winnow.params.load import resolve
from winnow.params.model import CONTROLS, JUDGE, PRETRAINED, REAL, Params
from winnow.params.submissions import FOLDER, pool_digest

SNAKEFILE = "Snakefile"
PAIRS = "artifacts/captions/raw.parquet"  # of which a submission scores or keeps


@verb("folder", optional=("configfile",))
def submit(folder: Path, configfile: Path | None, threads: int) -> None:
    """Check a scorer's table or a subset with its card, run its cells, and say where it stands."""
    from winnow.curation import submit as submissions
    from winnow.scoring.engine import pool_pairs

    if not Path(SNAKEFILE).is_file():
        raise WinnowError(f"{SNAKEFILE}: no such file here; submit from the repository's root")
    given = _given(configfile)
    params = resolve(given)
    card = submissions.check_card(folder, _taken(params))
    _snakemake(configfile, threads, PAIRS)
    run = Path(params.folder)
    captions = read_table(run / PAIRS, CAPTIONS)
    share = submissions.check_table(folder, pool_pairs(run / "artifacts/pool", captions))
    place = Path(FOLDER, card.name)
    submissions.install(folder, place, pool_digest(given.tree), share)
    print(f"{place}: checked; running its cells", flush=True)
    _snakemake(configfile, threads)
    print("\n".join(submissions.standing(run / "results/leaderboard.csv", card.name)))


def _given(configfile: Path | None) -> Joined:
    """The parameters as the Snakefile reads them."""
    return join(given_layers([Path("params.yaml"), *([configfile] if configfile else [])]))


def _taken(params: Params) -> set[str]:
    """Names that the tables use already: of scorers, controls, models, and other submissions."""
    there = {path.name for path in Path(FOLDER).glob("*/")}
    roles = get_args(sections.ModelRole)
    own = {PRETRAINED, REAL, JUDGE, *CONTROLS, *sections.BUILT_IN, *roles}
    return {*params.scorers, *params.generation.baselines, *own, *there}


def _snakemake(configfile: Path | None, threads: int, *targets: str) -> None:
    """Run Snakemake here. Raises WinnowError where it fails; what failed it has said itself."""
    own = ["--configfile", str(configfile)] if configfile is not None else []
    words = [sys.executable, "-m", "snakemake", "--cores", str(threads), *own, "--", *targets]
    if subprocess.run(words, check=False).returncode:
        raise WinnowError(
            "snakemake failed, see above; mend it and run `snakemake --cores all`, or delete the "
            f"submission's folder in {FOLDER}/"
        )
