"""How many seeds and images a wanted difference needs, by what a finished run's controls vary."""

from typing import NamedTuple

from winnow.data.errors import WinnowError
from winnow.evaluation.power import Alternative, Noise, plan_power
from winnow.reporting.power import GAIN, Contrast, Power, power_of
from winnow.reporting.results import Results
from winnow.reporting.settings import PowerPlan
from winnow.reporting.table import Table, plain
from winnow.reporting.values import GAINS, shown
from winnow.tracks.registry import BY_NAME


class Plan(NamedTuple):
    """What a wanted difference, in the metric's unit, needs, and the controls it is planned by."""

    power: Power
    controls: Contrast
    images: int
    wanted: float
    needed: list[Alternative]


def plan(results: Results, settings: PowerPlan) -> Plan:
    """The plan that was asked for; WinnowError where no controls say how a metric varies."""
    track, metric = settings.track, settings.metric
    if not results.expected(track):
        known = [name for name in BY_NAME if results.expected(name)]
        raise WinnowError(f"--track: {track!r} is not in this sweep; these are: {', '.join(known)}")
    power = power_of(results, track, metric)
    controls = next(iter(power.contrasts), None)
    if controls is None or controls.images is None:
        told = (
            "no two controls (random and oracle, or all pairs of raw and human) were measured in it"
        )
        raise WinnowError(f"--metric: {metric!r}: {told}, alike; run them, or name another metric")
    spread = controls.said.gain.spread
    if not controls.said.gain.replicated and spread.seeds == 0:
        told = "its controls have one seed, so nothing is known of what training varies"
        raise WinnowError(f"--track: {track!r}: {told}; run them with more seeds (sweep.seeds)")
    noise = Noise.of(spread, controls.repeats, controls.images)
    wanted = settings.difference / (100 if power.unit == "percent" else 1)
    needed = plan_power(noise, wanted, settings.seeds)
    return Plan(power, controls, controls.images, wanted, needed)


def plan_lines(found: Plan) -> list[str]:
    """The plan for people."""
    power, controls = found.power, found.controls
    gain = GAIN[power.unit]
    measured = GAINS[gain](controls.difference)
    smallest = shown(controls.said.smallest, gain)
    rows = [("seeds", "images")]
    rows += [(str(one.seeds), _images(one)) for one in found.needed]
    wide = max(len(images) for _, images in rows)
    return [
        f"{power.track}, {power.metric}: {controls.names} is {measured}.",
        f"Told apart now, with {controls.difference.seeds} seeds and {found.images:,} images: "
        f"{smallest}.",
        f"A difference of {shown(found.wanted, gain)} needs:",
        *(f"{seeds:>5}  {images:>{wide}}" for seeds, images in rows),
    ]


def _images(one: Alternative) -> str:
    return "no number is enough" if one.queries is None else f"{one.queries:,}"


def plan_table(found: Plan) -> Table:
    """A row a number of seeds; without images where no number of them is enough."""
    shared = {"track": found.power.track, "metric": found.power.metric, "difference": found.wanted}
    rows = [{**shared, "seeds": one.seeds, "images": one.queries} for one in found.needed]
    return Table(plain("track", "metric", "difference", "seeds", "images"), rows)
