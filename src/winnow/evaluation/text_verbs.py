"""Command `judge`: how true captions are."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.tables import (
    CAPTIONS,
    FACTS,
    LAYOUTS,
    TRUTH,
    read_table,
    write_table,
)


@command
def judge(captions: Path, layouts: Path, output: Output, facts: Output) -> None:
    """Check captions against the truth: the kind of mistake of each, and which assertions hold."""
    from winnow.evaluation.caption_quality import check_captions

    kinds, assertions = check_captions(
        read_table(captions, CAPTIONS), read_table(layouts, LAYOUTS), layouts
    )
    write_table(output, kinds, TRUTH)
    write_table(facts, assertions, FACTS)
    shares = kinds["kind"].value_counts(normalize=True)
    print("\n".join(f"{kind}: {share:.1%}" for kind, share in shares.items()) or "no caption")
