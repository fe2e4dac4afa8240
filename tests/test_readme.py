"""What the README, the documents and the committed results say agrees."""

import json
import re
import runpy
from pathlib import Path

import pytest
import yaml

from winnow.command.code import command_files
from winnow.command.description import find

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SCRIPT = runpy.run_path(str(ROOT / "workflow/scripts/readme.py"))


def test_the_tables_in_the_readme_are_the_committed_ones() -> None:
    """`make readme` puts them there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert SCRIPT["filled"](text, ROOT / "results/summary") == text


def test_pages_stand_between_their_marks(tmp_path: Path) -> None:
    (tmp_path / "claims.md").write_text("4 claims.\n\n| paper |\n")
    text = "<!-- leaderboard -->\n<!-- /leaderboard -->\n<!-- claims -->\nold\n<!-- /claims -->\n"
    shown = SCRIPT["filled"](text, tmp_path)
    assert "<!-- claims -->\n4 claims.\n\n| paper |\n<!-- /claims -->" in shown
    assert "<!-- leaderboard -->\n<!-- /leaderboard -->" in shown and "old" not in shown
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
