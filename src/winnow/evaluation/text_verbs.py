"""Verb `judge`: how true captions are."""

from pathlib import Path

from winnow.command import verb
from winnow.data.tables import (
    CAPTIONS,
    FACTS,
    LAYOUTS,
    TRUTH,
    read_table,
    write_table,
)


@verb("captions", "layouts", "output", "facts")
def judge(captions: Path, layouts: Path, output: Path, facts: Path, threads: int) -> None:
    """Judge captions by the truth: what kind of mistake each has, and which claims hold."""
    from winnow.evaluation.caption_quality import judge_captions

    kinds, claims = judge_captions(
        read_table(captions, CAPTIONS), read_table(layouts, LAYOUTS), layouts
    )
    write_table(output, kinds, TRUTH)
    write_table(facts, claims, FACTS)
    shares = kinds["kind"].value_counts(normalize=True)
    print("\n".join(f"{kind}: {share:.1%}" for kind, share in shares.items()) or "no caption")
