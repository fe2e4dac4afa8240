"""The flow from a fresh clone: what it leaves, what it does again, and what each job may read."""

import csv
import json
import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

import fakes
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from workflow_helpers import ROOT, Clone, clone, shrink

from winnow.data.metrics import Cell, read_metrics
from winnow.models import segmentor
from winnow.reporting.cells import KEYS
from winnow.reporting.papers import load_papers

TABLES = {p.paper: tuple(p.tables) for p in load_papers(ROOT / "workflow/papers")}
FIGURES = ("contrastive", "detection", "captions", "score_normalisation", "segmentation_ratio")
PLOTS = ("contrastive", "detection", "generation", "segmentation")
# The rules that may read what Terrarium knows; `annotate` takes what any annotated set comes with.
KNOWING = (
    "raw_captions",
    "annotate",
    "check_captions",
    "evaluate_detection",
    "evaluate_captions",
    "site",
)
NOTHING = "Nothing to be done"
LINTS = {
    "Specify a conda environment or container for each rule.",  # one environment for all
    "Mixed rules and functions in same snakefile.",  # a stage's functions lie beside its rules
    # The first output of a rule is the `--output` of its command
    "Do not access input and output files individually by index in shell commands",
}


class Jobs:
    """The jobs of a dry run: what each output is made by, and from what."""

    def __init__(self, made: Clone, *words: str):
        text = made.snakemake("--detailed-summary", *words).text
        header, *rows = (line.split("\t") for line in text.splitlines() if line.count("\t") > 5)
        self.rows = [dict(zip(header, row, strict=False)) for row in rows]

    @cached_property
    def rule(self) -> dict[str, str]:
        """The rule of each output."""
        return {row["output_file"]: row["rule"] for row in self.rows}

    @cached_property
    def inputs(self) -> dict[str, set[str]]:
        """The inputs of each output."""
        return {
            row["output_file"]: set(filter(None, row["input-file(s)"].split(",")))
            for row in self.rows
        }

    def behind(self, output: str, stop: Collection[str]) -> set[str]:
        """Everything that an output depends on, not looking behind outputs of the rules `stop`."""
        found: set[str] = set()
        waiting = {output}
        while waiting:
            path = waiting.pop()
            if self.rule.get(path) not in stop:
                waiting |= self.inputs.get(path, set()) - found
                found |= self.inputs.get(path, set())
        return found


@pytest.fixture(scope="module")
def jobs(smoke: Clone) -> Jobs:
    return Jobs(smoke)


# what a run leaves


def test_results_have_every_file_of_the_design(smoke: Clone) -> None:
    expected = {f"{name}.{kind}" for name in ("leaderboard", "sweep") for kind in ("csv", "md")}
    expected |= {"detection.csv", "detection.md", "cells.csv", "cost.csv", "metrics.json"}
    expected |= {"boards.csv", "summary/leaderboard.md", "summary/claims.md"}
    expected |= {"captions.csv", "captions.md", "captions_differences.csv"}
    expected |= {"score_model.csv", "score_model.md"}
    expected |= {"claims.csv", "claims.md", "claims_comparisons.csv"}
    expected |= {"leakage.csv", "leakage.md"}
    expected |= {f"generation{end}.csv" for end in ("", "_choice", "_scenes")}
    expected |= {"generation.md", "figures/generation.jpg"}  # of pixels: no SVG
    expected |= {"segmentation.csv", "segmentation.md", "figures/segmentation.png"}
    expected |= {f"plots/{track}.csv" for track in PLOTS}
    expected |= {f"figures/{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
    expected |= {
        f"tables/{paper}/{name}.{kind}"
        for paper, names in TABLES.items()
        for name in names
        for kind in ("csv", "md", "tex")
    }
    results = smoke.folder / "results"
    found = {p.relative_to(results).as_posix() for p in results.rglob("*") if p.is_file()}
    found.remove("site/.snakemake_timestamp")  # Snakemake's own, empty
    site = {name for name in found if name.startswith("site/")}
    assert {f"site/{name}.html" for name in ("index", "curves", "claims", "samples")} <= site
    assert found - site == expected
    assert not [name for name in found if not (results / name).stat().st_size]


def test_leaderboard_has_the_controls_and_every_scorer(smoke: Clone) -> None:
    with (smoke.folder / "results/leaderboard.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    scorers = {row["scorer"] for row in rows}
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    listed = params["scorers"].keys() - params["scales"]["smoke"]["scorers"].keys()  # null there
    drawn = {"real", "diffusionsat", "crs_diff", "controlnet"}
    assert scorers - drawn == {"pretrained", *listed}
    assert drawn < scorers
    assert {row["scale"] for row in rows} == {"smoke"}
    assert {row["captions"] for row in rows} == {"raw", "human", "mllm", "integrated", "loop"}
    planned = [row for row in rows if row["ratio"] and row["mean_recall"]]
    assert {row["captions"] for row in planned} == {row["captions"] for row in rows}
    assert {row["scorer"] for row in planned} == scorers - drawn
    for row in planned:
        low, value, high = (float(row[f"mean_recall{end}"]) for end in ("_low", "", "_high"))
        assert 0 <= low <= value <= high <= 1
    assert {row["ratio"] for row in planned if row["scorer"] == "domain_clip"} == {"0.3", "0.5"}


def test_figures_are_pictures(smoke: Clone) -> None:
    for name in FIGURES:
        figure = smoke.folder / f"results/figures/{name}"
        with Image.open(figure.with_suffix(".png")) as image:
            image.load()
            assert min(image.size) > 200
        assert ET.parse(figure.with_suffix(".svg")).getroot().tag.endswith("svg")


def test_each_cell_has_provenance_intervals_and_cost(smoke: Clone) -> None:
    with (smoke.folder / "artifacts/sweep.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    cells = [Cell.model_validate({key: row[key] for key in KEYS}) for row in rows]
    assert len(cells) > 10
    for cell in cells:
        place = (cell.track, cell.captions, cell.scorer, repr(cell.ratio), str(cell.seed))
        folder = smoke.folder.joinpath("artifacts/cells", *place)
        record = read_metrics(folder / "metrics.json", cell)
        assert set(record.metrics) == set(record.n)
        whole = {"images", "captions", "vocabulary", "distinct_1", "distinct_2", "self_bleu"}
        ranged = set(record.metrics) - (whole if cell.track == "captioning" else set())
        assert set(record.intervals) == ranged
        assert {"parameters", "inputs", "code", "versions", "hardware"} <= set(record.provenance)
        assert str(smoke.folder) not in (folder / "metrics.json").read_text()
        cost = json.loads((folder / "cost.json").read_text())
        assert {"wall_s", "cpu_s", "gpu_s", "peak_mb", "samples"} <= set(cost)


def test_outputs_are_links_to_files_of_the_cache_and_share_none(smoke: Clone) -> None:
    entries = defaultdict(set)
    for path in (smoke.folder / "artifacts").rglob("*"):
        assert not (path.is_symlink() and path.is_dir()), "DVC does not look behind such a link"
        if path.is_symlink():
            entries[path.resolve()].add(path)
    assert len(entries) > 100
    assert not [paths for paths in entries.values() if len(paths) > 1]


def test_a_damaged_cell_is_refused_and_comes_back_as_the_report_says(small: Clone) -> None:
    small.snakemake("--quiet", "all")
    before = small.results()
    cell = "artifacts/cells/contrastive/raw/random/0.3/0"
    record = small.folder / cell / "metrics.json"
    record.write_text(record.read_text()[:-100])
    board = small.folder / "results/leaderboard.csv"
    board.unlink()
    small.snakemake("--quiet", "all")
    (told,) = {line["note"] for line in csv.DictReader(board.open()) if "refused" in line["note"]}
    assert "contrastive/raw/random/0.3/0/metrics.json: not valid JSON" in told
    remedy = told.split("; ")[-1].removesuffix(" runs it again").split()
    assert remedy == ["snakemake", "--cores", "all", "--forcerun", cell]
    small.expect(*remedy)
    assert small.results() == before


def test_second_run_has_nothing_to_do(smoke: Clone) -> None:
    result = smoke.snakemake()
    print(f"smoke, warm: {result.seconds:.1f} s")
    assert NOTHING in result.text


def test_cold_runs_with_different_caches_agree(small: Clone, tmp_path: Path, state: Path) -> None:
    small.snakemake()
    cold = clone(tmp_path / "cold", state, output_cache=tmp_path / "outputs")
    cold.change(shrink)
    cold.snakemake("--quiet", "all")
    assert "Symlinking" not in small.snakemake().text
    assert cold.results() == small.results()


def test_images_that_somebody_generated(small: Clone, tmp_path: Path) -> None:
    folder = tmp_path / "their images"
    folder.mkdir()
    theirs = {"their_model": {"images": str(folder)}}
    small.change(lambda content: content["generation"].update(baselines=theirs))
    small.snakemake("--quiet", "all", "--", "pools", "artifacts/captions/human.parquet")
    inputs = ("--pool", "artifacts/pool", "--human", "artifacts/captions/human.parquet")
    listing = folder / "prompts.csv"
    small.expect("winnow", "list-prompts", *inputs, "--images", "40", "--output", str(listing))
    with listing.open() as handle:
        names = [row["file_name"] for row in csv.DictReader(handle)]
    for number, name in enumerate(names):
        Image.linear_gradient("L").rotate(9 * number).convert("RGB").save(folder / name)
    cell = Cell(track="generation", captions="raw", scorer="their_model", ratio=1.0, seed=0)
    target = "artifacts/cells/generation/raw/their_model/1.0/0"
    small.snakemake("--quiet", "all", "--", target)
    text = (small.folder / target / "metrics.json").read_text()
    assert read_metrics(small.folder / target / "metrics.json", cell).model == folder.name
    assert str(tmp_path) not in text
    (folder / names[0]).rename(folder / "other.png")
    (folder / names[1]).rename(folder / names[0])
    (folder / "other.png").rename(folder / names[1])  # the same bytes under other names
    assert "import_images" in small.snakemake("--dry-run", "--", target).text


def test_segmentors_of_real_images_that_start_from_a_file(small: Clone, tmp_path: Path) -> None:
    for number in range(10):
        for kind, shade in (("images", Image.linear_gradient("L")), ("masks", None)):
            tile = shade.rotate(9 * number) if shade else Image.new("L", (256, 256), number % 2)
            (tmp_path / kind).mkdir(exist_ok=True)
            tile.convert("L").save(tmp_path / kind / f"{number}.png")
    places = {kind: str(tmp_path / kind) for kind in ("images", "masks")}
    data = {"layout": "folder", "classes": ["low", "high"], "tile": 64, **places}
    weights = tmp_path / "unet.pth"
    named = {"loader": "mmsegmentation", "id": str(weights)}
    small.change(lambda content: content["segmentation"].update(data=data))
    small.change(lambda content: content["models"].update(segmentor=named))
    torch.save({"state_dict": segmentor.build("unet", ["a"], 1).network.state_dict()}, weights)
    cell = "artifacts/cells/segmentation/raw/real/1.0/0"
    small.snakemake("--quiet", "all", "--", cell)
    record = json.loads((small.folder / cell / "metrics.json").read_text())
    trained = record["provenance"]["training"]["real/100"]
    assert "start/model.safetensors" in trained["inputs"]
    torch.save({"state_dict": segmentor.build("unet", ["a"], 2).network.state_dict()}, weights)
    planned = small.snakemake("--dry-run", "--", cell).text
    assert re.search(r"^fetch_model +1$", planned, re.MULTILINE)
    assert re.search(r"^train_segmentor +\d+$", planned, re.MULTILINE)


# what each job reads


def test_only_oracle_and_what_makes_or_compares_truth_reads_it(jobs: Jobs) -> None:
    readers = {
        (rule, Path(output).stem if rule == "score" else "")
        for output, rule in jobs.rule.items()
        if any(path.startswith("artifacts/truth/") for path in jobs.inputs[output])
    }
    oracle = {("score", "oracle"), ("score", "oracle.cost")}
    assert readers == {*((rule, "") for rule in KNOWING), *oracle}


def test_no_other_scorer_depends_on_the_truth_indirectly(jobs: Jobs) -> None:
    scores = [out for out, rule in jobs.rule.items() if rule in ("score", "combine_scores")]
    assert len(scores) > 20
    for output in scores:
        behind = jobs.behind(output, ("raw_captions", "annotate", "check_captions"))
        sealed = [path for path in behind if path.startswith("artifacts/truth/")]
        assert bool(sealed) == ("oracle" in output), f"{output} depends on {sealed}"


def test_shell_commands_take_no_wildcards() -> None:
    """The cache keys a job by its inputs, params and shell command, not by its wildcards."""
    for path in [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]:
        for command in re.findall(r"\n    shell:\n((?:        .*\n)+)", path.read_text()):
            assert "{wildcards" not in command, path


def test_editing_a_scorer_reruns_scores_and_what_follows(small: Clone) -> None:
    small.snakemake("--quiet", "all")
    module = small.folder / "src/winnow/scoring/scorer.py"
    module.write_text(module.read_text() + "# a remark\n")
    planned = small.snakemake("--dry-run").text
    rules = set(re.findall(r"^(\w+) +\d+$", planned, re.MULTILINE)) - {"total", "all"}
    following = {"select", "train_contrastive", "evaluate_contrastive", "evaluate_detection"}
    following |= {"train_generator", "generate", "evaluate_generation"}
    following |= {"draw_labelled", "draw_unlabelled", "train_segmentor", "evaluate_segmentor"}
    rendered = {"contrastive", "detection", "generation", "segmentation"}
    rendered |= {"leaderboard", "leakage", "claims", "site"}
    assert rules == {"score", *following, *rendered}


def test_lint_has_no_other_complaints(small: Clone) -> None:
    lints = set(re.findall(r"^    \* (.+?):?$", small.run("snakemake", "--lint").text, re.M))
    assert lints <= LINTS


# a pool of real images


def test_karpathy_pool_goes_through_the_whole_flow(small: Clone, tmp_path: Path) -> None:
    source = fakes.karpathy(tmp_path / "data", count=60)
    own = yaml.safe_load((ROOT / "docs/pools/rsicd.yaml").read_text())
    config = {
        "folder": "runs/karpathy",
        "source": {key: str(value) for key, value in source.items()} | {"reference": 0.3},
        "captions": own["captions"],
        "scorers": {
            "domain_clip": {"model": "domain_clip"},
            "score_model": {"model": "score_model"},
        },
        "preferences": own["preferences"],
        "score_model": {"recipes": {"score_model": {"start": "mllm", "stages": ["captions"]}}},
        "contrastive": {"batch_size": 8},
        "foundry": {"optimiser": {"batch_size": 8}},
        "scales": {
            "smoke": {
                "contrastive": {"samples_seen": 16, "batch_size": 8},
                "generation": {"sampling": {"images": 4}},
                "foundry": {"samples_seen": {"clip": 16, "domain_clip": 16}},
            }
        },
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    text = small.snakemake("--configfile", str(tmp_path / "mine.yaml")).text
    assert "pull_standins" not in text
    run = small.folder / "runs/karpathy"
    with (run / "results/leaderboard.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert {row["scorer"] for row in rows} == {
        "pretrained",
        "none",
        "random",
        "oracle",
        "domain_clip",
        "score_model",
    }
    assert (run / "artifacts/foundry/clip/foundry.json").is_file()
    assert not (small.folder / "artifacts").exists()
    assert NOTHING in small.snakemake("--configfile", str(tmp_path / "mine.yaml")).text


def test_a_pool_without_splits_says_so_before_the_first_job(tmp_path: Path) -> None:
    made = clone(tmp_path / "clone", tmp_path / "state")
    rows = [{"file_name": f"{number}.png", "text": f"roofs {number}"} for number in range(8)]
    source = fakes.jsonl_folder(tmp_path / "data", rows)
    given = {key: str(value) for key, value in source.items()}
    own = {"scale": "smoke", "folder": "runs/mine", "source": given}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(own))
    words = ("snakemake", "--cores", "2", "--configfile", str(tmp_path / "mine.yaml"))
    run = made.folder / "runs/mine"
    for pool_is_there in (False, True):
        refused = made.run(*words)
        lines = [line for line in refused.text.splitlines() if line.startswith("source: ")]
        assert refused.code == 1 and len(lines) == 2, refused.text
        for line, split in zip(lines, ("reference", "test"), strict=True):
            assert f"no image of the split `{split}`" in line and f"source.{split}" in line
        assert (run / "artifacts/pool").exists() == pool_is_there
        # what needs no split does without
        made.expect(*words, "--", "artifacts/subsets/raw/random/0.3.parquet")
    splits = pd.read_parquet(run / "artifacts/pool/samples.parquet")["split"]
    assert set(splits) == {"pool"} and len(splits) == len(rows)
