"""The shell commands of rules, from the descriptions of the commands that they run."""

from winnow.command.code import code_digest
from winnow.command.description import Argument, find
from winnow.command.options import option

# How Snakemake writes a value of each source. The first output of a rule is its command's
# `--output`, whatever the rule calls it.
PLACES = {
    "input": "{{input.{}:q}}",
    "output": "{{output.{}:q}}",
    "given": "{{params.{}:q}}",
    "value": "{{params.{}:q}}",
}


def command_text(name: str, **given: str) -> str:
    """The shell command of a rule that runs the command `name`.

    Inputs, outputs and params of the rule have the names of the command's arguments, and its
    settings are the param `options`; `given` has texts for arguments that the rule calls otherwise.
    An option without a value is absent. The digest of the code comes last, as a remark: when the
    code changes, the job runs again.
    """
    described = find(name)
    words = [_option(one, given) for one in described.arguments if one.kind is not bool]
    settings = ["{params.options}"] if described.settings is not None else []
    digest = f"> {{log}} 2>&1 # code {code_digest(name)}"
    return " ".join(["winnow", name, *words, *settings, digest])


def _option(argument: Argument, given: dict[str, str]) -> str:
    name = argument.name
    if name == "threads":
        place = "{threads}"
    elif name == "output":
        place = "{output[0]:q}"
    else:
        place = PLACES[argument.source].format(name)
    return f"{option(name)}{' ' if argument.many else '='}{given.get(name, place)}"
