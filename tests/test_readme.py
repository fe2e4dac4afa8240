"""What the README and the committed results say agrees."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_sweep_in_the_readme_is_the_committed_one() -> None:
    shown = re.search(
        r"<!-- sweep -->\n(.*)<!-- /sweep -->", (ROOT / "README.md").read_text(), re.DOTALL
    )
    table = [line for line in (ROOT / "results/sweep.md").read_text().splitlines() if "|" in line]
    assert shown is not None and shown[1].splitlines() == table


def test_local_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_results_are_of_the_default_scale() -> None:
    assert "(scale `mini`)" in (ROOT / "results/leaderboard.md").read_text().splitlines()[0]
