"""Commands `deduplicate`, `choose-ratios` and `select`; beside them `audit` and `submit`."""

from pathlib import Path

import pyarrow as pa
from pydantic import Field, PositiveInt

from winnow.command.description import Output, command
from winnow.curation.settings import Curation
from winnow.data.errors import WinnowError
from winnow.data.splits import split_rows
from winnow.data.tables import (
    CHOICE,
    DEDUPLICATED,
    PAIR,
    SAMPLES,
    SCORES,
    SUBSET,
    read_arrow,
    read_table,
    schema,
    write_arrow,
    write_table,
)
from winnow.params.fields import Ratio, Section

PLACES = {
    name: SAMPLES[name] for name in ("uid", "split", "scene?")
}  # the other columns take seconds


@command
def deduplicate(pool: Path, model: Path, output: Output, threshold: float, threads: int) -> None:
    """Find images of the reference split that are too much alike, and keep one of each kind."""
    from winnow.curation import deduplicate as duplicates
    from winnow.models import clip

    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = split_rows(samples, "reference", pool)
    seen = clip.load(model)
    describe = duplicates.descriptors(seen)
    features = duplicates.image_features(pool, samples, seen, describe, threads)
    table = duplicates.deduplicate(samples, features, threshold)
    write_table(output, table, DEDUPLICATED)
    print(f"kept {int(table['kept'].sum())} of {len(table)} images")


class ChoiceSettings(Section):
    """What the keep ratio of each scene is chosen from."""

    ratios: list[Ratio] = Field(min_length=1, description="The candidates")
    min_pairs: PositiveInt = Field(
        50, description="Pairs under which a scene follows the whole pool's scores"
    )


@command
def choose_ratios(scores: Path, pool: Path, output: Output, settings: ChoiceSettings) -> None:
    """Choose from the scores alone how much of each scene to keep."""
    from winnow.curation.scene_ratios import choose_scene_ratios
    from winnow.curation.select import scenes_of

    table, samples = _scored(scores, pool)
    codes, names = scenes_of(table, samples)
    values = table["score"].to_numpy()
    chosen = choose_scene_ratios(values, codes, names, settings.ratios, settings.min_pairs)
    write_table(output, chosen, CHOICE)
    for row in chosen.itertuples():
        print(f"{row.scene}: {row.clean_share:.3f} by the {row.source}, keeping {row.ratio:g}")


def _scored(scores: Path, pool: Path) -> tuple[pa.Table, pa.Table]:
    """The table of scores, checked against the pool, and the pool's samples. The log counts the
    images without any score."""
    from winnow.curation.select import check_scores

    table, samples = read_arrow(scores, SCORES), read_arrow(pool / "samples.parquet", PLACES)
    total, missing = check_scores(table, samples, scores, pool)
    if missing:
        print(f"{scores}: {len(missing)} of the {total} images of the pool split in {pool} have no "
              f"score and are left out (the first is uid {missing[0]})")  # fmt: skip
    return table, samples


class SelectSettings(Curation):
    """Which part to keep: `ratio`, or `threshold` in its place; neither with --choice."""

    ratio: Ratio | None = Field(None, description="Share of the pairs to keep")
    threshold: float | None = Field(None, description="Score that a pair has at least")


@command
def select(
    scores: Path,
    pool: Path,
    output: Output,
    choice: Path | None,
    settings: SelectSettings,
) -> None:
    """Keep the best pairs: by ratio (of the pool or of each scene), choice, or threshold."""
    import pyarrow.compute as pc

    from winnow.curation.scene_ratios import read_scene_ratios
    from winnow.curation.select import keep_above, keep_ratio, keep_ratios, scenes_of

    table, samples = _scored(scores, pool)
    if [settings.ratio, settings.threshold, choice].count(None) != 2:
        raise WinnowError("give either --ratio or --threshold, or --choice")
    if settings.threshold is not None:
        kept = keep_above(table, settings.threshold)
        if not len(kept):
            most = pc.max(table["score"]).as_py()
            print(f"{scores}: no score reaches --threshold={settings.threshold:g} (the highest is "
                  f"{most:g}); the subset is empty")  # fmt: skip
    elif settings.ratio is not None and settings.within == "pool":
        kept = keep_ratio(table, settings.ratio)
    else:
        groups, names = scenes_of(table, samples)
        if choice is not None:
            kept = keep_ratios(table, read_scene_ratios(choice, names, groups), groups)
        else:
            assert settings.ratio is not None
            kept = keep_ratio(table, settings.ratio, groups)
    write_arrow(output, table.select(PAIR).take(kept).cast(schema(SUBSET)))
    print(f"kept {len(kept)} of {table.num_rows} pairs")
