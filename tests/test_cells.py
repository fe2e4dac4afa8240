"""Cells that are not what they seem are named and left out, and the rest is still read."""

import json

import numpy as np
import pandas as pd
import pytest
from report_helpers import contrastive, damage, preference, rows_of, write_preferences, write_sweep
from report_helpers import write_cell as write_synthetic

from winnow.data import energy_counters
from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell, Metrics, check_files, read_metrics, signed
from winnow.data.provenance import measure_cost, total_cost
from winnow.data.tables import DRAWS, write_table
from winnow.evaluation.cell_results import write_cell
from winnow.reporting.cells import cell_folder, load_cells, read_sweep
from winnow.reporting.costs import COST, cost_table, read_costs
from winnow.reporting.emit.csv import csv_text
from winnow.reporting.results import load_results

CELL = Cell(track="generation", captions="raw", scorer="dldc", ratio=0.5, seed=0)
OTHER = CELL.model_copy(update={"scorer": "none", "ratio": 1.0})
TOLD = {
    "parameters": {"resamples": 20, "statistics": {"seed": 0}},
    "training": {"parameters": {"samples_seen": 64, "warmup": 0.1}},
    "drawing": {"parameters": {"steps": 25}},
}


def written(folder, cell, provenance=TOLD):
    """A cell as `winnow evaluate-generation` writes it, with all kinds of files."""
    queries = [f"u{i}" for i in range(20)]
    outcomes = pd.DataFrame(
        {"metric": "clip_score", "query": queries, "group": queries, "value": np.linspace(0, 1, 20)}
    )
    draws = {"fid": np.linspace(40, 44, 9)}
    record = Metrics(
        cell=cell,
        dataset="terrarium",
        model="t2i",
        pretrained=cell.scorer,
        task="text_to_image",
        metrics={"clip_score": 0.5, "fid": 42.0},
        intervals={"fid": (40.1, 43.9)},
        n={"clip_score": 20, "fid": 20},
        higher_is_better={"clip_score": True, "fid": False},
        unit="mixed",
        provenance=provenance,
    )
    place = cell_folder(folder / "cells", cell)
    cost = {"wall_s": 2.0, "cpu_s": 3.0, "gpu_s": 0.0, "peak_mb": 10.0}
    extra, files = {"training.json": {"losses": [1.0]}}, {"predictions/a.png": b"\x89PNG"}
    write_cell(place, record, outcomes, cost, 64, extra, draws, files)
    return place


@pytest.fixture
def pair(tmp_path):
    """A sweep of two cells, one of which tests may damage: (folder, its place)."""
    written(tmp_path, OTHER)
    write_sweep(tmp_path / "sweep.csv", [CELL, OTHER])
    return tmp_path, written(tmp_path, CELL)


def reason(folder):
    """Why the damaged cell is refused; the other one is read all the same."""
    sweep = load_results(folder / "cells", folder / "sweep.csv", "mini", resamples=100).sweep
    assert set(sweep.records) == {OTHER} and str(folder) not in sweep.refusals[CELL]
    return sweep.refusals[CELL]


def test_a_cell_is_read_as_it_was_written(pair):
    folder, place = pair
    sweep = load_cells(folder / "sweep.csv", folder / "cells")
    assert not sweep.refusals and list(sweep.records) == [CELL, OTHER]
    names = {"outcomes.parquet", "draws.parquet", "training.json", "predictions/a.png"}
    assert set(sweep.records[CELL].files) == names
    text = (place / "metrics.json").read_text(encoding="utf-8")
    (place / "metrics.json").write_text(json.dumps(json.loads(text)), encoding="utf-8")
    assert read_metrics(place / "metrics.json", CELL) == sweep.records[CELL]  # other whitespace


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["metrics"].update(fid=12.0),  # no mean of outcomes shows it
        lambda r: r["intervals"].update(fid=[41.9, 42.1]),
        lambda r: r["n"].update(fid=4000),
        lambda r: r["higher_is_better"].update(fid=True),
        lambda r: r["provenance"].update(code="mine"),
        lambda r: r.update(model="a better one"),
        lambda r: r.update(digest="0" * 32),
        lambda r: r.pop("digest"),
    ],
)
def test_an_edited_record_is_refused(pair, change):
    folder, place = pair
    record = json.loads((place / "metrics.json").read_text(encoding="utf-8"))
    change(record)
    (place / "metrics.json").write_text(json.dumps(record), encoding="utf-8")
    told = reason(folder)
    assert told.startswith("generation/raw/dldc/0.5/0/metrics.json: damaged or edited by hand")
    assert told.endswith("--forcerun artifacts/cells/generation/raw/dldc/0.5/0 runs it again")


@pytest.mark.parametrize("name", ["draws.parquet", "outcomes.parquet", "predictions/a.png"])
def test_files_beside_the_record_are_its_own(pair, name):
    folder, place = pair
    content = (place / name).read_bytes()
    (place / name).write_bytes(content[: len(content) // 2])
    assert f"{name}: is not the file that was written with metrics.json" in reason(folder)
    (place / name).unlink()
    assert f"{name}: no such file" in reason(folder)


def test_draws_of_another_cell_are_refused(pair):
    folder, place = pair
    table = pd.DataFrame({"metric": ["fid"], "draw": [0], "value": [1.0]})
    write_table(place / "draws.parquet", table, DRAWS)
    assert "draws.parquet: is not the file" in reason(folder)


@pytest.mark.parametrize("name", ["../../none/1.0/0/metrics.json", "/etc/hostname"])
def test_a_record_names_files_of_its_folder_alone(pair, name):
    folder, place = pair
    damage(place / "metrics.json", lambda r: r.update(files={name: "0"}))
    assert "no such file" in reason(folder)
    record = read_metrics(place / "metrics.json")
    with pytest.raises(WinnowError, match="no such file"):
        check_files(place, record)


@pytest.mark.parametrize("content", ["", "[]", "null", '"record"', '{"version": 2}', "{", "\x00"])
def test_what_is_no_record_is_refused(pair, content):
    folder, place = pair
    (place / "metrics.json").write_text(content, encoding="utf-8")
    assert reason(folder).startswith("generation/raw/dldc/0.5/0/metrics.json: ")


def test_an_older_version_is_refused(pair):
    folder, place = pair
    damage(place / "metrics.json", lambda r: r.update(version=1))
    assert "written as version 1, this is version 2" in reason(folder)


def plan(folder, asked):
    """The sweep with what it asks of the records."""
    lines = ["track,captions,scorer,ratio,seed,parameters"]
    for cell, told in ((CELL, asked), (OTHER, "")):
        text = told.replace('"', '""')
        lines.append(f'{cell.track},{cell.captions},{cell.scorer},{cell.ratio},0,"{text}"')
    (folder / "sweep.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"parameters": {"resamples": 20}, "training": {"samples_seen": 64}}, None),
        ({"parameters": {"another": 1}}, None),
        ({"parameters": {"resamples": 200}}, "run with resamples 20, this run asks for 200"),
        ({"parameters": {"statistics": {"seed": 1}}}, "run with statistics {'seed': 0}"),
        ({"training": {"samples_seen": 12800}}, "run with samples_seen 64"),
        ({"drawing": {"steps": 12}}, "run with steps 25, this run asks for 12"),
    ],
)
def test_a_cell_of_other_parameters_is_refused(pair, asked, told):
    folder, _ = pair
    plan(folder, json.dumps(asked))
    if told is None:
        assert not load_cells(folder / "sweep.csv", folder / "cells").refusals
    else:
        assert told in reason(folder)


def test_each_of_several_trainings_counts(pair):
    folder, _ = pair
    parts = {
        "mask/100": {"parameters": {"samples_seen": 64}},
        "loss": 0.5,
        "other": {"parameters": 3},
    }
    written(folder, CELL, {"training": parts})
    plan(folder, '{"training": {"samples_seen": 65}}')
    assert "run with samples_seen 64, this run asks for 65" in reason(folder)


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 5000])
def test_a_sweep_with_bad_parameters_is_named(pair, text):
    folder, _ = pair
    plan(folder, text)
    with pytest.raises(WinnowError, match=r"sweep\.csv: row 0: parameters: "):
        read_sweep(folder / "sweep.csv")


def test_a_signature_is_that_of_the_content():
    assert signed({"b": 1.5, "a": [1]}) == signed({"a": [1], "b": 1.5, "digest": "x"})
    assert signed({"a": 1})["digest"] != signed({"a": 1.0000001})["digest"]


def test_the_rest_is_still_rendered(tmp_path):
    cells = [contrastive("none", 1.0), contrastive("clip"), preference("score_model")]
    for cell in cells[:2]:
        write_synthetic(tmp_path / "cells", cell, 0.5)
    write_preferences(tmp_path / "cells", cells[2], 0.7)
    write_sweep(tmp_path / "sweep.csv", cells)
    path = cell_folder(tmp_path / "cells", cells[2]) / "metrics.json"
    path.write_bytes(path.read_bytes()[:-40])
    results = load_results(tmp_path / "cells", tmp_path / "sweep.csv", "mini", resamples=100)
    assert len(results.sweep.records) == 2 and "not valid JSON" in results.sweep.refusals[cells[2]]


# what cells cost


def test_costs_and_hardware(pair):
    folder, place = pair
    machine = {"cpu": "A CPU", "cores": 2, "gpu": None}
    other = {"cpu": "A CPU", "cores": 2, "gpu": "A GPU"}
    machine |= {"blas": "openblas 0.3 Haswell"}
    written(folder, CELL, {"hardware": machine, "training": {"hardware": other}})
    (place / "cost.json").write_text('{"cpu_s": 3, "gpu_s": "<b>", "wall_s": -1}', encoding="utf-8")
    sweep = load_cells(folder / "sweep.csv", folder / "cells")
    (folder / "cost.csv").write_text(
        csv_text(cost_table(sweep, read_costs(sweep))), encoding="utf-8"
    )
    first, second = rows_of(folder / "cost.csv")
    assert first["hardware"] == "A CPU, 2 cores, openblas 0.3 Haswell; A CPU, 2 cores, A GPU"
    assert {name: first[name] for name in COST} == dict.fromkeys(COST, "") | {"cpu_s": "3"}
    assert second["samples"] == "64" and second["hardware"] == second["energy_j"] == ""


def test_costs_add_up_where_all_are_known():
    cost = {"cpu_s": 1.0, "peak_mb": 5.0, "energy_j": 2.0}
    assert total_cost(cost, {"cpu_s": 1.0, "energy_j": 3.0})["energy_j"] == 5.0
    assert "energy_j" not in total_cost(cost, {"cpu_s": 1.0})
    assert total_cost(cost, {})["energy_j"] == 2.0  # nothing went before


def zone(folder, name, used, limit="1000000"):
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "energy_uj").write_text(used)
    (folder / name / "max_energy_range_uj").write_text(limit)


def test_energy_of_the_packages(tmp_path, monkeypatch):
    monkeypatch.setattr(energy_counters, "RAPL", tmp_path)
    monkeypatch.setattr(energy_counters, "NVML", "no such library")
    with measure_cost() as cost:
        pass
    assert energy_counters.ENERGY not in cost  # nothing can be read
    zone(tmp_path, "intel-rapl:0", "250000")
    zone(tmp_path, "intel-rapl:1", "900000")
    zone(tmp_path, "intel-rapl:0:0", "1")  # a part of the first
    zone(tmp_path, "intel-rapl:2", "not a number")
    with measure_cost() as cost:
        zone(tmp_path, "intel-rapl:0", "750000")
        zone(tmp_path, "intel-rapl:1", "700000")  # began anew
    assert cost["energy_j"] == pytest.approx(0.5 + 0.8, abs=0.051)
    before = energy_counters.read_counters()
    (tmp_path / "intel-rapl:1" / "energy_uj").unlink()
    assert energy_counters.energy_used(before, energy_counters.read_counters()) is None


class Library:
    """NVIDIA's library with two GPUs, of which one does not count."""

    def __init__(self, fails=""):
        self.fails = fails

    def __getattr__(self, name):
        def call(*arguments):
            if name == self.fails:
                return 3
            if name == "nvmlDeviceGetCount_v2":
                arguments[0]._obj.value = 2
            if name == "nvmlDeviceGetHandleByIndex_v2":
                arguments[1]._obj.value = 100 + arguments[0]
            if name == "nvmlDeviceGetTotalEnergyConsumption":
                if arguments[0].value == 101:
                    return 3
                arguments[1]._obj.value = 5000
            return 0

        return call


def test_energy_of_the_gpus(tmp_path, monkeypatch):
    monkeypatch.setattr(energy_counters, "RAPL", tmp_path)
    monkeypatch.setattr(energy_counters.ctypes, "CDLL", lambda name: Library())
    assert energy_counters.read_counters() == {"gpu:0": (5_000_000, 0)}
    assert (
        energy_counters.energy_used({"gpu:0": (1_000_000, 0)}, energy_counters.read_counters())
        == 4.0
    )
    for name in ("nvmlInit_v2", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2"):
        monkeypatch.setattr(energy_counters.ctypes, "CDLL", lambda _, name=name: Library(name))
        assert energy_counters.read_counters() == {}
