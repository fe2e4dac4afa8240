"""Tables as LaTeX, with the rules of the package booktabs."""

from winnow.reporting.table import Table, cell_of, text_of
from winnow.reporting.values import EMPTY

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$",
    "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "≈": r"$\approx$",
    EMPTY: "--", "[": "{[}", "]": "{]}", "*": "{*}",  # after a line break they would be its options
}  # fmt: skip


def latex(text: str) -> str:
    """Text that LaTeX shows as it is, on one line."""
    return "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))


def latex_table(table: Table) -> str:
    """A tabular."""
    kinds = "".join("r" if column.numeric else "l" for column in table.columns)
    rows = [
        [latex(text_of(column, cell_of(column, row))) for column in table.columns]
        for row in table.rows
    ]
    head, *body = (
        " & ".join(row) + r" \\" for row in [[latex(c.head) for c in table.columns], *rows]
    )
    lines = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", head, r"\midrule", *body]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"
