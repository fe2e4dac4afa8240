"""The report on the keep ratios of scenes as CSV and Markdown."""

from collections.abc import Container, Mapping, Sequence

import pandas as pd

from winnow.evaluation.statistics import Difference
from winnow.reporting.generation import HEADLINE, JUDGED, Plan, ratios, scenes
from winnow.reporting.methods import Method, Value
from winnow.reporting.notes import crossed
from winnow.reporting.regret import Regret, overall, regrets
from winnow.reporting.results import Results
from winnow.reporting.text import EMPTY, csv_text, interval, markdown, markdown_table, number


def choice_csv(found: Sequence[Regret]) -> str:
    """One row a scene: what was chosen and why, the best ratio of the sweep, the regret."""
    header = ["scene", "pairs", "clean_share", "source", "chosen_ratio", "best_ratio", "prompts"]
    header += ["regret", "low", "high", "p", "p_holm", "verdict", "reason"]
    body = [
        [*row[:7], *(row.difference or [None] * 4), row.adjusted, row.verdict, row.reason]
        for row in found
    ]
    return csv_text(header, body)


def shown(value: Value | None) -> str:
    """A value with its interval, as it is."""
    return interval(value.value, value.low, value.high, number) if value else EMPTY


def sweep_md(results: Results, plan: Plan, struck: Container[Method]) -> str:
    """JUDGED and KID by scene and ratio; ratios whose method is struck out have a line through
    them."""
    swept = ratios(results, plan)
    shown_scenes = scenes(results)
    if not swept or not shown_scenes:
        return "Not measured here.\n"
    tables = []
    for metric in (JUDGED, "kid"):
        body = [
            [markdown(s), *(shown(results.value(m, f"{metric}/{s}")) for m in swept.values())]
            for s in shown_scenes
        ]
        named = [_ratio(ratio, swept, struck) for ratio in swept]
        header = [f"{HEADLINE[metric]} at keep ratio", *named]
        tables.append(markdown_table(header, body))
    return (
        "\n".join(tables) + f"\nOf the prompts of each scene, by the generators fine-tuned on what "
        f"{markdown(plan.scorer)} keeps at that ratio; 1 is all of raw.\n"
    )


def _ratio(ratio: float | None, swept: Mapping[float, Method], struck: Container[Method]) -> str:
    return EMPTY if ratio is None else crossed(f"{ratio:g}", swept.get(ratio) in struck)


def choice_md(results: Results, plan: Plan, choice: pd.DataFrame, struck: Container[Method]) -> str:
    """What was chosen for each scene, the best ratio, and the regret; ratios as in `sweep_md`."""
    found = regrets(results, plan, choice)
    if not found:
        return "No ratio was chosen here.\n"
    swept = ratios(results, plan)
    header = ["scene", "pairs", "clean share", "by", "chosen", "best", "regret", "p", "result"]
    body = [
        [markdown(r.scene) or EMPTY, str(r.pairs), f"{r.share:.3f}", r.source,
         *(_ratio(ratio, swept, struck) for ratio in (r.chosen, r.best)), _difference(r.difference),
         f"{r.adjusted:.4f}" if r.adjusted is not None else EMPTY,
         markdown(r.verdict or r.reason)]
        for r in found
    ]  # fmt: skip
    several = len({r.best for r in found if r.best is not None})
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
    for name, gain in overall(results, plan, choice).items():
        apart = "" if gain.low > 0 or gain.high < 0 else ": not told apart"
        lines.append(f"{told[name].format(_difference(gain))}{apart}.")
    return markdown_table(header, body) + "\n" + " ".join(lines) + "\n"


def _difference(found: Difference | None) -> str:
    if found is None:
        return EMPTY
    return f"{found.difference:+.4f} ({found.low:+.4f} to {found.high:+.4f})"
