"""Command `captions`: the page of the track `captioning`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.reporting.settings import RenderSettings


@command
def captions(cells: Path, sweep: Path, output: Output, settings: RenderSettings) -> None:
    """Render how good the caption sets are: tables, differences and figure."""
    from winnow.data.files import write_text
    from winnow.reporting import caption_figure, figures
    from winnow.reporting.captions import compare
    from winnow.reporting.captions_text import captions_csv, captions_md, differences_csv
    from winnow.reporting.results import gather, print_refusals

    asked = (settings.scale, None, settings.resamples, settings.seed)
    results = gather(cells, sweep, *asked, ("captioning",))
    print_refusals(results)
    compared = compare(results)
    write_text(output / "captions.csv", captions_csv(results))
    write_text(output / "captions_differences.csv", differences_csv(compared))
    write_text(output / "captions.md", captions_md(results, compared))
    figures.save(caption_figure.captions(results), output / "figures", "captions")
