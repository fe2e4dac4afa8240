"""A run that is killed again and again ends as one that nobody disturbed."""

import random
import shutil
import subprocess
from contextlib import suppress

from workflow_helpers import SECONDS, Clone, contents, kill

KILLS = 12


def test_twelve_kills_at_random_moments_change_nothing(victim: Clone, undisturbed: Clone) -> None:
    moments = random.Random(2026)
    ended = 0
    for _ in range(KILLS):
        run = victim.start("snakemake", "--cores", "2")
        with suppress(subprocess.TimeoutExpired):
            run.communicate(timeout=moments.uniform(1, 9))
        kill(run)
        text, _ = run.communicate(timeout=SECONDS)
        assert run.returncode <= 0, text  # killed, or at its end: it never fails by itself
        ended += run.returncode == 0
        shutil.rmtree(victim.folder / ".snakemake/locks", ignore_errors=True)  # as `--unlock`
    assert ended < KILLS  # some were killed
    victim.snakemake()
    assert victim.results() == undisturbed.results()
    left = [name for name in contents(victim.folder / "artifacts") if "/." in f"/{name}"]
    assert {name.rpartition("/")[2] for name in left} <= {".snakemake_timestamp"}
