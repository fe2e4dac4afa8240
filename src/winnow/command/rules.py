"""The shell commands of rules, from the signatures of the commands that they run.

The signatures are read, not imported: planning a run takes a second less without pandas and Arrow.
"""

import ast
import re

from winnow.command.code import code_digest, command_source
from winnow.command.options import option

# How Snakemake writes a value of each annotation. The first output of a rule is its command's
# `--output`, whatever the rule calls it.
PLACES = {"Path": "{{input.{}:q}}", "Output": "{{output.{}:q}}", "bool": ""}
PARAM = "{{params.{}:q}}"


def command_text(name: str, **given: str) -> str:
    """The shell command of a rule that runs the command `name`.

    Inputs, outputs and params of the rule have the names of the command's arguments, and its
    settings are the param `options`; `given` has texts for arguments that the rule calls otherwise.
    An option without a value is absent. The digest of the code comes last, as a remark: when the
    code changes, the job runs again.
    """
    signature = command_source(name).args
    arguments = {one.arg: one for one in (*signature.posonlyargs, *signature.args)}
    settings = ["{params.options}"] if arguments.pop("settings", None) else []
    arguments.pop("threads", None)
    words = [_option(one, given) for one in arguments.values()]
    threads = f"{option('threads')}={{threads}}"
    digest = f"> {{log}} 2>&1 # code {code_digest(name)}"
    return " ".join(["winnow", name, *filter(None, words), threads, *settings, digest])


def _option(argument: ast.arg, given: dict[str, str]) -> str:
    """The option of an argument; nothing for a flag."""
    assert argument.annotation is not None
    kind = ast.unparse(argument.annotation).removesuffix(" | None")
    many = re.fullmatch(r"list\[(.*)\]", kind)
    place = PLACES.get(many[1] if many else kind, PARAM).format(argument.arg)
    if argument.arg == "output":
        place = "{output[0]:q}"
    place = given.get(argument.arg, place)
    return f"{option(argument.arg)}{' ' if many else '='}{place}" if place else ""
