"""Verbs `train-standin`, `train-mllm` and `train-contrastive`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, write_json
from winnow.data.provenance import measured, provenance
from winnow.data.tables import CAPTIONS, LAYOUTS, PAIR, SAMPLES, SUBSET, read_table, require_unique
from winnow.params import sections


class StandinSettings(sections.Optimiser):
    """One stand-in's training."""

    samples_seen: int


@verb("pool", "human", "output", values={"role": sections.Role}, settings=StandinSettings)
def train_standin(
    pool: Path,
    human: Path,
    output: Path,
    role: sections.Role,
    threads: int,
    settings: StandinSettings,
) -> None:
    """Train a stand-in on a pool's reference split."""
    import torch

    from winnow.models import clip
    from winnow.training import foundry

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "reference"]
    captions = read_table(human, CAPTIONS)
    captions = captions[captions["uid"].isin(set(samples["uid"]))]
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        folder.mkdir()
        with measured(cost):
            model, losses = foundry.train_standin(
                role, pool, samples, captions, folder, settings, settings.samples_seen
            )
            clip.save(model, folder, half=True)
        parameters = {**settings.model_dump(), "role": role, "images": len(samples)}
        inputs = {"samples": pool / "samples.parquet", "human": human}
        record = {"loss": losses[-1], **provenance(parameters, inputs)}
        write_json(folder / "foundry.json", record)
    print(f"{output}: loss {losses[-1]:.3f}, {cost['wall_s']:.0f} s")


@verb("pool", "human", "layouts", "perspectives", "output", settings=sections.MllmTraining)
def train_mllm(
    pool: Path,
    human: Path,
    layouts: Path,
    perspectives: Path,
    output: Path,
    threads: int,
    settings: sections.MllmTraining,
) -> None:
    """Train the stand-in of the multimodal language model on a pool's reference split."""
    import torch

    from winnow.captioning.annotations import own_rules
    from winnow.captioning.perspectives import load_perspectives
    from winnow.models import mllm as models
    from winnow.training.conversations import exchanges
    from winnow.training.mllm import SEED, train_mllm

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "reference"]
    known = read_table(layouts, LAYOUTS)
    known = known[known["uid"].isin(set(samples["uid"]))]
    rules = own_rules(pool, samples, known)
    said = exchanges(
        samples["uid"].tolist(),
        read_table(human, CAPTIONS),
        known,
        {str(uid): " ".join(texts) for uid, texts in rules.groupby("uid")["text"]},
        load_perspectives(perspectives),
        SEED,
    )
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        with measured(cost):
            model, processor, losses = train_mllm(pool, samples, said, known, settings, SEED)
        models.save(model, processor, folder, half=True)
        parameters = {**settings.model_dump(), "role": "mllm", "images": len(samples)}
        inputs = {"samples": pool / "samples.parquet", "human": human, "layouts": layouts}
        record = {"loss": losses["speak"], **provenance(parameters, inputs)}
        write_json(folder / "foundry.json", record)
    print(f"{output}: losses {losses}, {cost['wall_s']:.0f} s")


@verb(
    "pool",
    "captions",
    "subset",
    "model",
    "output",
    values={"seed": int},
    settings=sections.Contrastive,
)
def train_contrastive(
    pool: Path,
    captions: Path,
    subset: Path,
    model: Path,
    output: Path,
    seed: int,
    threads: int,
    settings: sections.Contrastive,
) -> None:
    """Fine-tune the general model on one subset."""
    import torch

    from winnow.models import clip
    from winnow.training.contrastive import fit

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    kept = read_table(subset, SUBSET)
    require_unique(kept, PAIR, subset)
    pairs = kept.merge(read_table(captions, CAPTIONS), on=PAIR, how="inner")
    if len(pairs) != len(kept):
        raise WinnowError(f"{subset}: {len(kept) - len(pairs)} of its pairs are not in {captions}")
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        with measured(cost):
            tuned = clip.load(model)
            losses = fit(tuned, pool, samples, pairs, settings, settings.samples_seen, seed)
            clip.save(tuned, folder, half=True)
        write_json(folder / "cost.json", {**cost, "samples": settings.samples_seen})
        parameters = {**settings.model_dump(), "seed": seed, "pairs": len(pairs)}
        inputs = {"subset": subset, "model": model / clip.WEIGHTS, "captions": captions}
        record = {"loss": losses[-1], **provenance(parameters, inputs)}
        write_json(folder / "training.json", record)
