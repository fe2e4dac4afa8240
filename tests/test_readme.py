"""What the README, the documents and the committed results say agrees."""

import json
import re
import runpy
from pathlib import Path

import pytest
import yaml

from winnow.command.code import command_files
from winnow.command.description import find
from winnow.reporting.text import EMPTY

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SCRIPT = runpy.run_path(str(ROOT / "workflow/scripts/readme.py"))


def test_the_tables_in_the_readme_are_the_committed_ones() -> None:
    """`make readme` puts them there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert SCRIPT["filled"](text, ROOT / "results") == text


def test_the_readme_has_the_best_the_controls_and_the_verdicts(tmp_path: Path) -> None:
    head = "| rank | group | captions | scorer | keep | mR | minus none |\n| --- | --- |\n"
    values = "30 % | 50.00 (40.00 to 60.00) | +1.00 ≈ |"
    rows = [f"| {n} | 1 | raw | s{n}\\_a | {values}" for n in range(1, 13)]
    rows.insert(0, f"| {EMPTY} | 1 | human | _none_ (control) | 100 % | 60.00 | {EMPTY} |")
    rows += [f"| {EMPTY} | 2 | raw | _random_ (control) | 30 % | 30.00 | {EMPTY} |"]
    rows += [f"| {EMPTY} | 2 | mllm | _random_ (control) | 30 % | 30.00 | {EMPTY} |"]
    rows += [f"| {EMPTY} | {EMPTY} | raw | _random_ (control) | 50 % | {EMPTY} | {EMPTY} |"]
    rows += [f"| {EMPTY} | {EMPTY} | raw | _oracle_ (control) | {EMPTY} | {EMPTY} | {EMPTY} |"]
    rows += ["", "## Another", "", "> another warning", "| rank |"]
    page = "# Leaderboard\n\n## Retrieval\n\n> a warning\n\n" + head + "\n".join(rows) + "\n"
    (tmp_path / "leaderboard.md").write_text(page)
    lines = "A1,dldc,held\nA2,dldc,not run\nC1,a|b,held\nC2,a|b,held\n"
    (tmp_path / "claims.csv").write_text("claim,paper,verdict\n" + lines)
    text = "<!-- leaderboard -->\n<!-- /leaderboard -->\n<!-- claims -->\nold\n<!-- /claims -->\n"
    shown = SCRIPT["filled"](text, tmp_path)
    assert "| 10 | raw | s10\\_a | 30 % | 50.00 (40.00 to 60.00) | +1.00 ≈ |" in shown
    assert "s11" not in shown and "oracle" not in shown and "mllm" not in shown
    assert f"| {EMPTY} | raw | _random_ (control) | 30 % | 30.00 | {EMPTY} |" in shown
    assert f"| {EMPTY} | human | _none_ (control) | 100 % | 60.00 | {EMPTY} |\n| 1 |" in shown
    assert "50 % |" not in shown  # a control without a value
    assert "> a warning\n\n| rank" in shown and "another" not in shown
    assert "4 claims: 3 held, 0 not held, 0 inconclusive, 1 not run." in shown
    assert f"| dldc | A1 | {EMPTY} | {EMPTY} | A2 |" in shown
    assert "old" not in shown
    assert SCRIPT["filled"](shown, tmp_path) == shown
    with pytest.raises(SystemExit, match="leaderboard"):
        SCRIPT["filled"]("no marks", tmp_path)


def test_local_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_document_is_reached_from_the_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[a-z-]+\.md)\)", PAGES[0].read_text()))
    assert linked == {page.relative_to(ROOT).as_posix() for page in PAGES[1:]}


def test_commands_in_the_documents_exist() -> None:
    """Each `winnow COMMAND --option` of the documents: it is there and has the option."""
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        for verb, rest in re.findall(r"winnow ([a-z]+(?:-[a-z]+)*)((?: +[^`\n|]*)?)", text):
            if f"winnow {verb}" not in _code(text):
                continue
            assert verb in command_files(), f"{page.name}: winnow {verb}"
            for option in re.findall(r"--([a-z-]+)", rest):
                assert option in _options(verb), f"{page.name}: winnow {verb} --{option}"


def _code(text: str) -> str:
    blocks = re.findall(r"```.*?```", text, re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`[^`\n]+`", text)])


def _options(verb: str) -> set[str]:
    return {name.removeprefix("--") for name in find(verb).options()}


def test_parameters_in_the_documents_exist() -> None:
    """Each `section.key` of params.yaml that a document names in code, there or in the schema."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    schema = json.loads((ROOT / "workflow/schemas/params.schema.json").read_text())
    for page in PAGES:
        for section, key in re.findall(r"`([a-z_]+)\.(?!py`)([a-z_]+)`", page.read_text()):
            content = params.get(section)
            if isinstance(content, dict) and content and section not in ("source", "models"):
                rare = schema["properties"][section].get("$ref", "").rpartition("/")[2]
                known = content.keys() | schema["$defs"].get(rare, {}).get("properties", {}).keys()
                assert key in known, f"{page.name}: {section}.{key}"


def test_results_are_of_the_default_scale() -> None:
    assert "(scale `mini`)" in (ROOT / "results/leaderboard.md").read_text().splitlines()[0]
