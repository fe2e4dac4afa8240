"""The part of the text-to-image page on the keep ratios of scenes."""

from collections.abc import Container, Sequence

import pandas as pd

from winnow.reporting.emit.markdown import markdown
from winnow.reporting.generation import HEADLINE, JUDGED, Plan, ratios, scenes
from winnow.reporting.methods import Method
from winnow.reporting.regret import Regret, overall, regrets
from winnow.reporting.results import Results
from winnow.reporting.table import Cell, Column, Page, Table, plain
from winnow.reporting.values import GAINS, NUMBER, Value

GAIN = GAINS["number"]


def choice_table(found: Sequence[Regret]) -> Table:
    """One row a scene: what was chosen and why, the best ratio of the sweep, the regret."""
    keys = ["scene", "pairs", "clean_share", "source", "chosen_ratio", "best_ratio", "prompts"]
    regret = Column("regret", parts=("regret", "low", "high"))
    rows = [
        {
            **row._asdict(),
            **{"clean_share": row.share, "chosen_ratio": row.chosen, "best_ratio": row.best},
            **{"regret": _value(row), "p_holm": row.adjusted},
            "p": row.difference.p if row.difference else None,
        }
        for row in found
    ]
    return Table([*plain(*keys), regret, *plain("p", "p_holm", "verdict", "reason")], rows)


def _value(row: Regret) -> Value | None:
    return Value(*row.difference[:3]) if row.difference else None


def by_scene(results: Results, plan: Plan, struck: Container[Method]) -> Page:
    """JUDGED and KID by scene and ratio; values of methods that are struck out have a line through
    them."""
    swept = ratios(results, plan)
    shown = scenes(results)
    if not swept or not shown:
        return ["Not measured here."]
    page: list[str | Table] = []
    for metric in (JUDGED, "kid"):
        columns = [Column("scene", f"{HEADLINE[metric]} at keep ratio")]
        columns += [Column(f"{ratio}", f"{ratio:g}", NUMBER) for ratio in swept]
        rows = [
            {"scene": scene}
            | {
                f"{ratio}": Cell(
                    results.value(method, f"{metric}/{scene}"), "struck" if method in struck else ""
                )
                for ratio, method in swept.items()
            }
            for scene in shown
        ]
        page.append(Table(columns, rows))
    told = (
        "Of the prompts of each scene, by the generators fine-tuned on what "
        f"{markdown(plan.scorer)} keeps at that ratio; 1 is all of raw."
    )
    return [*page, told]


def choice(results: Results, plan: Plan, chosen: pd.DataFrame, struck: Container[Method]) -> Page:
    """What was chosen for each scene, the best ratio, and the regret; ratios whose method is struck
    out have a line through them."""
    found = regrets(results, plan, chosen)
    if not found:
        return ["No ratio was chosen here."]
    swept = ratios(results, plan)

    def crossed(ratio: float | None) -> Cell:
        return Cell(ratio, "struck" if swept.get(ratio or 0.0) in struck else "")

    columns = [
        Column("scene", "scene"),
        Column("pairs", "pairs", "{:d}".format),
        Column("share", "clean share", "{:.3f}".format),
        Column("source", "by"),
        Column("chosen", "chosen", "{:g}".format),
        Column("best", "best", "{:g}".format),
        Column("regret", "regret", GAIN),
        Column("adjusted", "p", "{:.4f}".format),
        Column("result", "result"),
    ]
    rows = [
        row._asdict()
        | {"chosen": crossed(row.chosen), "best": crossed(row.best), "regret": _value(row)}
        | {"result": row.verdict or row.reason}
        for row in found
    ]
    several = len({row.best for row in found if row.best is not None})
    lines = [
        f"The best ratio of the sweep takes {several} values over the scenes (claim A7). Regret: "
        "what the best ratio gains over the chosen one, chosen on one half of a scene's prompts "
        f"and compared on the other, in {HEADLINE[JUDGED][:-2]}; 95 % intervals and p by bootstrap "
        "over prompts, p after Holm's correction over the scenes. The column best is chosen on all "
        "prompts, so it can be the chosen ratio and the regret not zero. The share is the weight "
        "of the better component in a mixture of two normal distributions of the scores, taken to "
        "the nearest ratio: our choice, for the paper's rule could not be read."
    ]
    told = {
        "chosen": "Over all scenes the best ratio of each gains {} over the chosen ones",
        "one": "The best ratio of each scene gains {} over the one that is best for all",
        "choice": "The chosen ratios gain {} over that one",
    }
    for name, gain in overall(results, plan, chosen).items():
        value = Value(*gain[:3])
        lines.append(
            f"{told[name].format(GAIN(value))}{'' if value.apart else ': not told apart'}."
        )
    return [Table(columns, rows), " ".join(lines)]
