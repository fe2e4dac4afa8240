"""What was found of a claim: its comparisons, and the verdict over them."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from winnow.reporting.claim import Claim, Direction
from winnow.reporting.methods import Method
from winnow.reporting.notes import struck_out
from winnow.reporting.papers import Paper
from winnow.reporting.values import GAINS, Show, Value
from winnow.reporting.verdicts import HELD, NOT_RUN, Verdict, together

STAND_INS = "direction only: stand-ins"
# How an effect is shown: points of per cent, per cent of a change, a number.
Kind = Literal["points", "percent", "number"]
UNITS: dict[Kind, float] = {"points": 0.01, "percent": 0.01, "number": 1.0}
SHOWN: dict[Kind, Show] = {
    "points": GAINS["points"],
    "percent": GAINS["change"],
    "number": GAINS["number"],
}


class About(NamedTuple):
    """What a comparison compares; `claimed` is the direction."""

    label: str
    track: str
    metric: str
    a: str
    b: str
    kind: Kind
    claimed: Direction


class Judged(NamedTuple):
    """One comparison of a claim, and the methods that it is about. `size` is None where no size was
    published; `reason` says why something is missing, such as that a method was `struck` out."""

    about: About
    effect: Value | None
    direction: Verdict
    size: Verdict | None
    verdict: Verdict
    reason: str
    methods: Sequence[Method]
    struck: bool = False


class Judgement(NamedTuple):
    """A claim with its comparisons, and the verdict over them."""

    name: str
    paper: Paper
    claim: Claim
    parts: list[Judged]
    verdict: Verdict

    @property
    def deciding(self) -> Judged | None:
        """The first comparison with the claim's verdict, before others one with a method that was
        struck out; of a claim that the lack of others leaves open, the first that does not hold."""
        same = sorted(
            (part for part in self.parts if part.verdict == self.verdict),
            key=lambda part: not part.struck,
        )
        other = next((part for part in self.parts if part.verdict != HELD), None)
        return same[0] if same else other


def together_of(parts: Sequence[Judged]) -> Verdict:
    """The verdict over the comparisons of a claim: not run if one is about a method that was struck
    out, whatever the others say."""
    if any(part.struck for part in parts):
        return NOT_RUN
    return together([part.verdict for part in parts])


def without_size(part: Judged) -> Judged:
    """A comparison judged by its direction alone, as where models are stand-ins."""
    if part.effect is None:
        return part
    reason = "; ".join(filter(None, [STAND_INS, part.reason]))
    return part._replace(size=part.size and NOT_RUN, verdict=part.direction, reason=reason)


def without_struck(part: Judged, struck: Mapping[Method, int]) -> Judged:
    """A comparison as it is, or not run where one of its methods is among `struck`, the numbers of
    leaking pairs that methods learned from."""
    lost = next((method for method in part.methods if method in struck), None)
    if lost is None:
        return part
    return part._replace(
        effect=None,
        direction=NOT_RUN,
        size=part.size and NOT_RUN,
        verdict=NOT_RUN,
        reason=f"{lost.scorer}: {struck_out(struck[lost])}",
        struck=True,
    )
