"""The page of each track under `results/`, from the files of its cells: an entry for each rule."""

from collections.abc import Sequence
from pathlib import Path

from winnow.data.tables import CHOICE, empty, read_table
from winnow.evaluation.statistics import RESAMPLES
from winnow.reporting import (
    caption_figure,
    figures,
    gallery,
    score_figure,
    segmentation,
    segmentation_figure,
)
from winnow.reporting.captions import compare
from winnow.reporting.captions_page import captions_page, captions_table, differences_table
from winnow.reporting.detection import detection_page, detection_table
from winnow.reporting.dvc import detection_plot, ratio_plot
from winnow.reporting.emit.files import write_page, write_table
from winnow.reporting.generation import Plan
from winnow.reporting.generation_page import generation_page, generation_table, scenes_table
from winnow.reporting.leakage import read_struck
from winnow.reporting.regret import regrets
from winnow.reporting.regret_page import choice_table
from winnow.reporting.results import Results, gather
from winnow.reporting.score_models_page import score_model_page, score_model_table
from winnow.reporting.segmentation_page import segmentation_page, segmentation_table


def render_detection(
    cells_dir: str | Path, sweep_path: str | Path, results_dir: str | Path, scale: str
) -> None:
    """Write the detection track's table, figure and plot: they are ready long before the others."""
    results = gather(cells_dir, sweep_path, scale, tracks=("detection",))
    print_refusals(results)
    folder = Path(results_dir)
    write_table(folder / "detection.csv", detection_table(results))
    write_page(folder / "detection.md", detection_page(results))
    write_table(folder / "plots/detection.csv", detection_plot(results))
    figures.save(figures.detection(results), folder / "figures", "detection")


def render_captions(
    cells_dir: str | Path,
    sweep_path: str | Path,
    results_dir: str | Path,
    scale: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> None:
    """Write the tables and the figure on the quality of the caption sets."""
    results = gather(cells_dir, sweep_path, scale, None, resamples, seed, ("captioning",))
    print_refusals(results)
    folder = Path(results_dir)
    compared = compare(results)
    write_table(folder / "captions.csv", captions_table(results))
    write_table(folder / "captions_differences.csv", differences_table(compared))
    write_page(folder / "captions.md", captions_page(results, compared))
    figures.save(caption_figure.captions(results), folder / "figures", "captions")


def render_score_models(
    cells_dir: str | Path,
    sweep_path: str | Path,
    results_dir: str | Path,
    scale: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
    leakage: str | Path | None = None,
) -> None:
    """Write the tables and the figure on the score models and their judge.

    Here and below, what `leakage`, the table of the audit, strikes out is marked, and left off
    curves. Pages name the `standins` among the models of the run.
    """
    tracks = ("preference", "detection")
    results = gather(cells_dir, sweep_path, scale, None, resamples, seed, tracks)
    print_refusals(results)
    folder, struck = Path(results_dir), read_struck(leakage)
    write_table(folder / "score_model.csv", score_model_table(results, struck))
    write_page(folder / "score_model.md", score_model_page(results, struck))
    figure = score_figure.normalisation(results, struck)
    figures.save(figure, folder / "figures", "score_normalisation")


def render_generation(
    cells_dir: str | Path,
    sweep_path: str | Path,
    generated: str | Path,
    pool: str | Path,
    results_dir: str | Path,
    scale: str,
    plan: Plan,
    choice: str | Path | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    leakage: str | Path | None = None,
    standins: Sequence[str] = (),
) -> None:
    """Write the tables on text-to-image and the gallery; without `choice` no ratio was chosen."""
    results = gather(cells_dir, sweep_path, scale, None, resamples, seed, ("generation",), standins)
    print_refusals(results)
    folder, struck = Path(results_dir), read_struck(leakage)
    chosen = empty(CHOICE) if choice is None else read_table(choice, CHOICE)
    shown = gallery.collect(results, plan, Path(generated), Path(pool))
    prompts = list(zip(shown.prompts["scene"], shown.prompts["prompt"], strict=True))
    write_table(folder / "generation.csv", generation_table(results, plan, struck))
    write_table(folder / "generation_scenes.csv", scenes_table(results, plan))
    write_table(folder / "plots/generation.csv", ratio_plot(results, "generation", struck))
    write_table(folder / "generation_choice.csv", choice_table(regrets(results, plan, chosen)))
    write_page(folder / "generation.md", generation_page(results, plan, chosen, prompts, struck))
    figures.save(gallery.draw(shown), folder / "figures", "generation", ("png",))


def render_segmentation(
    cells_dir: str | Path,
    sweep_path: str | Path,
    segments: str | Path | None,
    results_dir: str | Path,
    scale: str,
    plan: segmentation.Plan,
    resamples: int = RESAMPLES,
    seed: int = 0,
    leakage: str | Path | None = None,
    standins: Sequence[str] = (),
) -> None:
    """Write the tables and figures on segmentation; without the set `segments` nothing is shown."""
    results = gather(
        cells_dir, sweep_path, scale, None, resamples, seed, ("segmentation",), standins
    )
    print_refusals(results)
    folder, struck = Path(results_dir), read_struck(leakage)
    panel = None if segments is None else segmentation_figure.collect(results, plan, Path(segments))
    write_table(folder / "segmentation.csv", segmentation_table(results, struck))
    write_page(folder / "segmentation.md", segmentation_page(results, plan, struck))
    write_table(folder / "plots/segmentation.csv", ratio_plot(results, "segmentation", struck))
    shown = segmentation_figure.predictions(panel)
    figures.save(shown, folder / "figures", "segmentation", ("png",))
    by_ratio = segmentation_figure.by_ratio(results, plan, struck)
    figures.save(by_ratio, folder / "figures", "segmentation_ratio")


def print_refusals(results: Results) -> None:
    """Say which cells were refused, and why."""
    for cell, reason in results.sweep.refusals.items():
        place = "/".join(str(value) for value in cell.model_dump().values())
        print(f"{place}: {reason}")
