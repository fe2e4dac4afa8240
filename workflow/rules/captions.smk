# Caption sets: human (with optional noise), by rule, by models, merged, by the dual loop; and their truth.
from winnow.captioning.perspectives import load_perspectives

try:
    PERSPECTIVES = load_perspectives(P.captioning.perspectives)
    for place in P.captioning.loop.rounds if "loop" in P.sweep.captions else []:
        PERSPECTIVES.find(place.perspective)
except WinnowError as error:
    sys.exit(str(error))

ROUNDS = range(1, len(P.captioning.loop.rounds) + 1)
ASKED = {  # caption set of a model -> its perspective
    **{f"mllm_{name}": name for name in PERSPECTIVES.perspectives},
    **{f"relay_{name}": name for name in PERSPECTIVES.relay},
}
ASKING = P.captioning.generation.model_dump()  # how a model is asked


def captions_of(*sets):
    """The files of caption sets."""
    return [f"artifacts/captions/{name}.parquet" for name in sets]


def speaker(role):
    """Input of a job that prompts the model of a role: its folder, or nothing for a server."""
    return [] if P.models[role].loader == "openai" else model(role)


def server(role):
    """The setting that names the server of a role's model; none for a folder."""
    found = P.models[role].server
    return {"server": found.model_dump(exclude_defaults=True)} if found else {}


def rule_needed(name):
    """The rule captions, if the prompt of a perspective contains them."""
    return captions_of("rule") if name in PERSPECTIVES.relay else []


rule raw_captions:
    input:
        pool="artifacts/pool",
        human="artifacts/captions/human.parquet",
        layouts="artifacts/truth/layouts.parquet",
    output:
        captions="artifacts/captions/raw.parquet",
        noise="artifacts/captions/raw.noise.json",
        truth="artifacts/truth/raw.parquet",
    log:
        "logs/raw_captions.log",
    cache: "omit-software"
    threads: 1
    params:
        options=settings(P.captions),
    message:
        "making the caption set raw"
    shell:
        command_text("raw-captions")


rule annotate:
    input:
        pool="artifacts/pool",
        layouts="artifacts/truth/layouts.parquet",
    output:
        "artifacts/captions/annotations.parquet",
    log:
        "logs/annotate.log",
    cache: "omit-software"
    threads: 1
    params:
        options=settings(P.annotations),
        content=content(P.annotations.coco, P.annotations.masks),
    message:
        "gathering the boxes and masks that come with the images"
    shell:
        command_text("annotate")


rule rule_captions:
    input:
        pool="artifacts/pool",
        annotations=rules.annotate.output,
    output:
        "artifacts/captions/rule.parquet",
    log:
        "logs/rule_captions.log",
    cache: "omit-software"
    threads: 1
    message:
        "making the caption set rule"
    shell:
        command_text("rule-captions")


rule describe:
    input:
        pool="artifacts/pool",
        model=speaker("mllm"),
        rule=lambda wildcards: rule_needed(ASKED[wildcards.asked]),
    output:
        captions="artifacts/captions/{asked}.parquet",
        cost="artifacts/captions/{asked}.cost.json",
        quarantine="artifacts/captions/{asked}.quarantine.parquet",
    log:
        "logs/describe/{asked}.log",
    wildcard_constraints:
        asked="|".join(ASKED),
    cache: "omit-software"
    threads: 1
    params:
        **files(perspectives=P.captioning.perspectives),
        perspective=lambda wildcards: ASKED[wildcards.asked],
        options=settings({**ASKING, **server("mllm")}),
    message:
        "asking the mllm about {wildcards.asked}"
    shell:
        command_text("describe")


rule concatenate:
    input:
        parts=lambda wildcards: captions_of(
            *(name for name in ASKED if name.startswith(f"{wildcards.whole}_"))
        ),
    output:
        "artifacts/captions/{whole}.parquet",
    log:
        "logs/concatenate/{whole}.log",
    wildcard_constraints:
        whole="mllm|relay",
    cache: "omit-software"
    threads: 1
    message:
        "putting the caption set {wildcards.whole} together"
    shell:
        command_text("concatenate")


rule integrate:
    input:
        parts=captions_of("mllm", "relay"),
        model=speaker("llm") if P.captioning.integration.mode == "llm" else [],
    output:
        captions="artifacts/captions/integrated.parquet",
        cost="artifacts/captions/integrated.cost.json",
        quarantine="artifacts/captions/integrated.quarantine.parquet",
    log:
        "logs/integrate.log",
    cache: "omit-software"
    threads: 1
    params:
        **files(perspectives=P.captioning.perspectives),
        options=settings(
            {
                **ASKING,
                **P.captioning.integration.model_dump(),
                **(server("llm") if P.captioning.integration.mode == "llm" else {}),
            }
        ),
    message:
        "merging the descriptions of each image"
    shell:
        command_text("integrate")


def rounds_before(number):
    """Caption sets and scores of all earlier rounds, in order."""
    sets = [f"loop_{k}" for k in ROUNDS if k < number]
    tables = [
        f"artifacts/scores/{name}/{scorer}.parquet"
        for name in sets
        for scorer in P.captioning.loop.scorers
    ]
    return {"captions": captions_of(*sets), "scores": tables}


def round_inputs(wildcards):
    """Inputs of a round: the earlier rounds, and the rule captions if its prompt contains them."""
    place = P.captioning.loop.rounds[int(wildcards.round) - 1]
    return {
        **rounds_before(int(wildcards.round)),
        "rule": rule_needed(place.perspective),
    }


rule redescribe:
    input:
        unpack(round_inputs),
        pool="artifacts/pool",
        model=speaker("mllm"),
    output:
        captions="artifacts/captions/loop_{round}.parquet",
        cost="artifacts/captions/loop_{round}.cost.json",
        quarantine="artifacts/captions/loop_{round}.quarantine.parquet",
    log:
        "logs/redescribe/{round}.log",
    wildcard_constraints:
        round="[1-9][0-9]*",
    cache: "omit-software"
    priority: 10  # each round waits for the one before
    threads: 1
    params:
        **files(perspectives=P.captioning.perspectives),
        round="{round}",
        options=settings(
            {
                **P.captioning.loop.model_dump(),
                "generation": ASKING,
                **server("mllm"),
            }
        ),
    message:
        "round {wildcards.round} of the dual loop"
    shell:
        command_text("redescribe")


rule conclude_loop:
    input:
        **rounds_before(len(ROUNDS) + 1),
    output:
        captions="artifacts/captions/loop.parquet",
        trace="artifacts/captions/loop_trace.parquet",
    log:
        "logs/conclude_loop.log",
    cache: "omit-software"
    priority: 10
    threads: 1
    params:
        options=settings(P.captioning.loop),
    message:
        "keeping the best description of each image"
    shell:
        command_text("conclude-loop")


rule check_captions:
    input:
        captions="artifacts/captions/{judged}.parquet",
        layouts="artifacts/truth/layouts.parquet",
    output:
        truth="artifacts/truth/{judged}.parquet",
        facts="artifacts/truth/{judged}.facts.parquet",
    log:
        "logs/check_captions/{judged}.log",
    wildcard_constraints:
        judged="(?!raw$|layouts$)[a-z][a-z0-9_]*",
    cache: "omit-software"
    threads: 1
    message:
        "judging {wildcards.judged} by the truth"
    shell:
        command_text("check-captions")
