"""How alike two images look to a CLIP."""

from collections.abc import Callable

import torch
from open_clip.modified_resnet import ModifiedResNet
from torch.nn import functional

from winnow.data.errors import WinnowError
from winnow.models.clip import Clip


def perceptual_loss(clip: Clip) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The distance of two batches of images, float [N, 3, S, S] in -1..1, as `clip` sees them.

    LPIPS (Zhang et al. 2018) with equal weights: at every place the squared distance of features
    of length one, mean over places and images, summed over the first three levels of the tower.
    Gradients reach the first batch alone. Raises WinnowError where the tower is no ResNet.
    """
    tower = clip.model.visual
    if not isinstance(tower, ModifiedResNet):
        raise WinnowError(
            f"the perceptual loss reads a CLIP's ResNet, and this has a {type(tower).__name__}; "
            "name the folder of a stand-in"
        )
    tower.eval().requires_grad_(False)
    mean, std = (
        torch.tensor(values, device=clip.device).view(1, 3, 1, 1)
        for values in (clip.preprocess.mean, clip.preprocess.std)
    )

    def features(images: torch.Tensor) -> list[torch.Tensor]:
        hidden = tower.stem((images / 2 + 0.5 - mean) / std)
        found = []
        for level in (tower.layer1, tower.layer2, tower.layer3):
            hidden = level(hidden)
            found.append(functional.normalize(hidden, dim=1))
        return found

    def distance(images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            wanted = features(target)
        pairs = zip(features(images), wanted, strict=True)
        return torch.stack([(one - other).square().sum(1).mean() for one, other in pairs]).sum()

    return distance
