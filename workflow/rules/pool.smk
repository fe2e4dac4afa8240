# Convert any source to a pool, and make the zero-shot sets.
from snakemake.exceptions import WorkflowError

from winnow.sources.required_paths import require_paths
from winnow.sources.zeroshot_sets import set_inputs

try:
    require_paths(P, GIVEN)
except WinnowError as error:
    sys.exit(str(error))


def source_content(wildcards):
    """Digest of all files of the source; nothing for Terrarium, which is generated."""
    found = P.source.inputs()
    return content_digest(found) if found else ""


# Rules that need a split which a real source may not have.
NEEDED = {
    "reference": {
        "train_standin",
        "train_mllm",
        "train_autoencoder",
        "train_generator_standin",
        "deduplicate",
    },
    "test": {"evaluate_contrastive", "generate", "import_images"},
}


def check_splits(planned):
    """End the run before its first job if jobs of the rules `planned` lack a split that they need."""
    from winnow.data.splits import missing_split
    from winnow.data.tables import SAMPLES, read_table
    from winnow.sources.read import lacking_splits

    whose = {
        split: ", ".join(sorted(planned & rules))
        for split, rules in NEEDED.items()
        if planned & rules
    }
    if "pool" in planned:
        missing = lacking_splits(P.source, whose)
    else:
        splits = read_table("artifacts/pool/samples.parquet", SAMPLES)["split"]
        missing = {*whose} - {*splits}
    if missing:
        lines = [
            missing_split("source", split, whose[split]) for split in sorted(missing)
        ]
        raise WorkflowError("\n".join(lines))


rule pool:
    output:
        pool=directory("artifacts/pool"),
        human="artifacts/captions/human.parquet",
        layouts="artifacts/truth/layouts.parquet",
    log:
        "logs/pool.log",
    cache: "omit-software"
    threads: 2
    params:
        options=settings(
            {"source": P.source.model_dump(mode="json"), **P.pool.model_dump()}
        ),
        content=source_content,
    message:
        "making the pool from {params.options}"
    shell:
        command_text("pool")


rule zeroshot:
    input:
        pool=[] if TERRARIUM else rules.pool.output.pool,
    output:
        directory("artifacts/zeroshot"),
    log:
        "logs/zeroshot.log",
    cache: "omit-software"
    threads: 1
    params:
        options=settings(
            {
                **P.zeroshot.model_dump(),
                "size": P.source.size if TERRARIUM else None,
            }
        ),
        content=content(*set_inputs(P.zeroshot.folders, P.zeroshot.sets)),
    message:
        "making the zero-shot sets"
    shell:
        command_text("zeroshot")
