"""Put the best methods and the verdicts on the claims, as `results/summary/` has them, into the
README."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def filled(text: str, summary: Path) -> str:
    """The README's text with each page of `summary` between the marks of its name; one that is not
    there is empty."""
    for name in ("leaderboard", "claims"):
        page = summary / f"{name}.md"
        content = page.read_text(encoding="utf-8") if page.is_file() else ""
        marks = (f"<!-- {name} -->\n", f"<!-- /{name} -->")
        found = re.findall(f"{marks[0]}.*?{marks[1]}", text, re.DOTALL)
        if len(found) != 1:
            raise SystemExit(f"README.md: not one place between {marks[0].strip()} and {marks[1]}")
        text = text.replace(found[0], f"{marks[0]}{content}{marks[1]}")
    return text


if __name__ == "__main__":
    page = ROOT / "README.md"
    text = filled(page.read_text(encoding="utf-8"), ROOT / "results/summary")
    page.write_text(text, encoding="utf-8")
