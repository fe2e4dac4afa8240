"""What gets installed: pinned everywhere, and the same for pip and conda."""

import importlib.metadata
import re
from pathlib import Path

import pytest
import yaml

import winnow

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*")


def requirements() -> list[str]:
    """The lines of requirements.txt without comments."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def environment() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def test_every_requirement_is_pinned() -> None:
    assert requirements()
    assert [line for line in requirements() if not PIN.fullmatch(line)] == []


def test_conda_users_get_the_same_pins() -> None:
    content = environment()
    assert content["name"] == "winnow" and content["channels"] == ["conda-forge"]
    *plain, pip = content["dependencies"]
    assert plain == ["python=3.11", "pip"]
    *pins, own = pip["pip"]
    assert own == "-e ."  # the package itself, as `make` installs it
    assert pins == requirements()


@pytest.mark.parametrize("line", requirements())
def test_the_tests_run_with_what_is_pinned(line: str) -> None:
    name, _, version = line.partition("==")
    assert importlib.metadata.version(name).partition("+")[0] == version


def test_only_known_hosts_are_named() -> None:
    for file in ("requirements.txt", "environment.yml", "Makefile"):
        assert "://" not in (ROOT / file).read_text(encoding="utf-8"), file


def test_the_citation_agrees_with_the_papers_and_the_package() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0" and citation["version"] == winnow.__version__
    references = {reference["title"]: reference for reference in citation["references"]}
    files = sorted((ROOT / "workflow/papers").glob("*.yaml"))
    papers = [yaml.safe_load(file.read_text(encoding="utf-8"))["citation"] for file in files]
    assert set(references) <= {paper["title"] for paper in papers}
    for paper in papers:
        reference = references.get(paper["title"])
        if reference is None:
            continue  # of somebody's paper that nothing here re-implements
        assert reference["url"] == paper["url"]
        assert reference.get("repository-code") == paper.get("code")
        assert str(reference["year"]) in paper["venue"]
        assert reference.get("doi", "") in paper["venue"]
        names = [
            f"{a['given-names']} {a['family-names']}"
            for a in reference["authors"]
            if "name" not in a
        ]
        assert ", ".join(names) == paper.get("authors", "")
        identifiers = [entry["value"] for entry in reference.get("identifiers", [])]
        assert identifiers == ([f"arXiv:{paper['arxiv']}"] if "arxiv" in paper else [])
