"""How much of each scene to keep, chosen from the scores alone, before anything is trained.

DLDC chooses a cleaning ratio per scene by its dual loop; its rule could not be read. Ours: the
scores of a scene are a mixture of two normal distributions, those of pairs that match and of pairs
that do not, and the share to keep is the weight of the better one.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.tables import CHOICE, read_table, require_unique

STARTS = (0.25, 0.75)  # quantiles of the scores from which the two means are fitted
FITTED = 100_000  # scores that a mixture is fitted to, at most


def choose_scene_ratios(
    scores: np.ndarray,
    codes: np.ndarray,
    scenes: Sequence[str],
    ratios: Sequence[float],
    min_pairs: int,
) -> pd.DataFrame:
    """CHOICE of the scenes that have pairs, by name; `scores` and `codes` (of `scenes`) are [n].

    The ratio is the candidate nearest to the clean share, of two equally near ones the larger. A
    scene of fewer than `min_pairs` pairs, or whose scores are no mixture, has the share of the
    whole pool; if that is no mixture either, there is no sign of noise, and the share is 1.
    """
    whole = clean_share(scores)
    rows = []
    for code, scene in sorted(enumerate(scenes), key=lambda item: item[1]):
        own = scores[codes == code]
        if not len(own):
            continue
        share = clean_share(own) if len(own) >= min_pairs else None
        source = "pool" if share is None else "scene"
        share = next((found for found in (share, whole) if found is not None), 1.0)
        rows.append((scene, len(own), share, source, nearest(share, ratios)))
    return pd.DataFrame(rows, columns=list(CHOICE))


def clean_share(scores: np.ndarray) -> float | None:
    """Weight of the component with the larger mean in a mixture of two normal distributions.

    None where the scores are no mixture: the Bayesian information criterion (Schwarz 1978) of one
    distribution is not above that of two, or there are fewer than two different scores. The order
    of the scores does not matter.
    """
    from sklearn.mixture import GaussianMixture

    values = np.sort(scores)[:: -(-len(scores) // FITTED) or 1].astype(np.float64)
    if len(values) < 2 or values[0] == values[-1]:
        return None
    values = ((values - values.mean()) / values.std())[:, None]
    start = np.quantile(values, STARTS)[:, None]
    one = GaussianMixture(1, random_state=0).fit(values)
    two = GaussianMixture(2, random_state=0, means_init=start, max_iter=500).fit(values)
    if one.bic(values) <= two.bic(values):
        return None
    return float(two.weights_[two.means_[:, 0].argmax()])


def nearest(share: float, ratios: Sequence[float]) -> float:
    """The candidate nearest to `share`; of two equally near ones (to 1e-9) the larger."""
    return min(ratios, key=lambda ratio: (round(abs(ratio - share), 9), -ratio))


def read_scene_ratios(path: Path, scenes: Sequence[str], codes: np.ndarray) -> np.ndarray:
    """The ratio of each of `scenes`, in their order; NaN of one that is not among `codes` [n].

    WinnowError names the file and a scene that is missing, occurs twice or has no possible ratio.
    """
    table = read_table(path, CHOICE)
    require_unique(table, ["scene"], path)
    known = dict(zip(table["scene"], table["ratio"], strict=True))
    ratios = np.full(len(scenes), np.nan)
    for code in np.unique(codes).tolist():
        scene = scenes[code]
        if scene not in known:
            raise WinnowError(
                f"{path}: no row for scene {scene!r}; choose the ratios from these scores"
            )
        if not 0 < known[scene] <= 1:
            raise WinnowError(
                f"{path}: ratio {known[scene]} of scene {scene!r} is not in 0 < ratio <= 1"
            )
        ratios[code] = known[scene]
    return ratios
