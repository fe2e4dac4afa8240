"""Commands `fetch-model`, `pull-standins` and `release`."""

import shutil
from pathlib import Path

from winnow.command.description import Given, Output, command
from winnow.data.digests import check_digests, write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import DIGESTS, OF_THE_RUN, atomic_path
from winnow.models.settings import Model
from winnow.models.transformers_folder import check_endpoint


@command
def fetch_model(output: Output, settings: Model) -> None:
    """Fetch a published checkpoint into a model folder, by the loader that reads it."""
    if settings.id is None:
        raise WinnowError("--id: name a published model")
    if settings.loader == "openai":
        raise WinnowError("--loader: a model at a server is not fetched")
    check_endpoint()
    if settings.loader == "transformers":
        from winnow.models.transformers_folder import fetch_transformers

        return fetch_transformers(settings.id, settings.revision, output)
    if settings.loader in ("diffusers", "diffusionsat"):
        from winnow.models.diffusion_hub import fetch_pipeline

        satellite = settings.loader == "diffusionsat"
        own = settings.model_dump(include={"revision", "subfolder", "side"})
        return fetch_pipeline(settings.id, output, **own, satellite=satellite)
    if settings.loader == "crs_diff":
        from winnow.models.diffusion_hub import fetch_crs_diff

        return fetch_crs_diff(settings.id, output)
    if settings.loader == "mmsegmentation":
        from winnow.models import segmentor

        return segmentor.fetch(Path(settings.id), output)
    from winnow.models import clip

    loaded = clip.load_published(settings.id, settings.pretrained)
    with atomic_path(output) as folder:
        clip.save(loaded, folder)


@command
def pull_standins(repository: Given) -> None:
    """Pull the released stand-ins out of a repository, every file of them verified."""
    from winnow.models import released

    released.pull(repository)


@command
def release(standins: Path, output: Output) -> None:
    """Gather the foundry's stand-ins and their cards into the folder that DVC releases."""
    cards = sorted(standins.glob("*.md"))
    if not cards:
        raise WinnowError(f"{standins}: no stand-in with a card; run `snakemake foundry`")
    left_out = shutil.ignore_patterns(*OF_THE_RUN, DIGESTS)
    with atomic_path(output) as folder:
        folder.mkdir()
        for card in cards:
            check_digests(standins / card.stem)
            shutil.copytree(standins / card.stem, folder / card.stem, ignore=left_out)
            shutil.copyfile(card, folder / card.stem / "README.md")
            write_digests(folder / card.stem)
