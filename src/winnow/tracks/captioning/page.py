"""Command `captions`: the page of the track `captioning`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.reporting.settings import RenderSettings


@command
def captions(cells: Path, sweep: Path, output: Output, settings: RenderSettings) -> None:
    """Render how good the caption sets are: tables, differences and figure."""
    from winnow.reporting import caption_figure, figures
    from winnow.reporting.captions import compare
    from winnow.reporting.captions_page import captions_page, captions_table, differences_table
    from winnow.reporting.emit.files import write_page, write_table
    from winnow.reporting.results import gather, print_refusals

    asked = (settings.scale, None, settings.resamples, settings.seed)
    results = gather(cells, sweep, *asked, ("captioning",))
    print_refusals(results)
    compared = compare(results)
    write_table(output / "captions.csv", captions_table(results))
    write_table(output / "captions_differences.csv", differences_table(compared))
    write_page(output / "captions.md", captions_page(results, compared))
    figures.save(caption_figure.captions(results), output / "figures", "captions")
