"""Views of images, and how alike two of them are: perceptual hashes, then aligned correlation.

A hash finds what may be one image in two versions: re-encoded, brighter, turned, or cropped by up
to a fifth of its side. Whether it is, the correlation of both tells after the crop has been fitted,
once more after what is coarse (the layout that images of a kind share) has been taken out.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.fft import dct
from scipy.ndimage import gaussian_filter

SIDE = 64  # pixels of the grey copy that is kept of an image
VIEW = 32  # pixels of a view
BITS = 63  # of a hash: 8 x 8 coefficients of the cosine transform, without the mean
COARSE = 3.0  # pixels of a view; deviation of the blur that is subtracted
SMOOTH = 1.0  # pixels of a view; deviation of the blur under which crops are fitted
STEPS = 6  # of that fit
FLAT = 0.5  # grey levels; a view with less contrast shows nothing to compare

# A box is (x, y, half side) in an image whose corners are (-1, -1) and (1, 1).
WHOLE = (0.0, 0.0, 1.0)
CROPS = [
    *((x, y, 0.9) for x, y in ((0, 0), (-0.1, -0.1), (0.1, -0.1), (-0.1, 0.1), (0.1, 0.1))),
    *((x, y, 0.8) for x in (-0.2, 0, 0.2) for y in (-0.2, 0, 0.2)),
]
TURNS = [(quarters, mirrored) for mirrored in (False, True) for quarters in range(4)][1:]

_COSINES = dct(np.eye(VIEW), axis=0)[:8].astype(np.float32)  # [8, VIEW]
_POINTS = np.linspace(-1, 1, 2 * SIDE + 1, dtype=np.float32)[1::2]  # centres of SIDE pixels


class Hashes(NamedTuple):
    """Hashes, as +1 and -1, of N images in several views."""

    whole: np.ndarray  # float32 [N, BITS]
    turned: np.ndarray  # [len(TURNS), N, BITS]
    cropped: np.ndarray  # [len(CROPS), N, BITS]


def grey(image: Image.Image) -> np.ndarray:
    """The brightness of an image, uint8 [SIDE, SIDE]."""
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))


def view(greys: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """What boxes [N, 3] show of images [N, SIDE, SIDE], float32 [N, VIEW, VIEW]."""
    rows, columns = (_samples(boxes[:, axis], boxes[:, 2]) for axis in (1, 0))
    return rows @ greys.astype(np.float32) @ columns.transpose(0, 2, 1)


def _samples(centres: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """Weights [N, VIEW, SIDE] of linear interpolation, at two points for each pixel of a view."""
    places = centres[:, None] + halves[:, None] * _POINTS  # [N, SIDE]
    pixels = np.clip((places + 1) * SIDE / 2 - 0.5, 0, SIDE - 1)
    weights = np.maximum(0, 1 - np.abs(np.arange(SIDE) - pixels[:, :, None]))
    return weights.reshape(len(centres), VIEW, 2, SIDE).mean(axis=2).astype(np.float32)


def turn(pictures: np.ndarray, quarters: int, mirrored: bool) -> np.ndarray:
    """Pictures [N, H, H], mirrored if asked, then turned by quarters."""
    return np.rot90(pictures[:, :, ::-1] if mirrored else pictures, quarters, axes=(1, 2))


def hashed(views: np.ndarray) -> np.ndarray:
    """Perceptual hashes of views [N, VIEW, VIEW]: which coefficients exceed their median."""
    found = (_COSINES @ views @ _COSINES.T).reshape(len(views), BITS + 1)[:, 1:]
    return np.where(found > np.median(found, axis=1, keepdims=True), 1, -1).astype(np.float32)


def hashes(greys: np.ndarray) -> Hashes:
    """Hashes of images uint8 [N, SIDE, SIDE] in every view."""
    whole = view(greys, np.tile(WHOLE, (len(greys), 1)))
    turned = [hashed(turn(whole, *how)) for how in TURNS]
    cropped = [hashed(view(greys, np.tile(box, (len(greys), 1)))) for box in CROPS]
    return Hashes(hashed(whole), np.stack(turned), np.stack(cropped))


def detail(views: np.ndarray) -> np.ndarray:
    """Views [N, VIEW, VIEW] without what is coarse, of unit norm, [N, VIEW * VIEW]; flat ones are
    zeros."""
    return _unit(views - gaussian_filter(views, (0, COARSE, COARSE)))


def correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation [N] of views [N, VIEW, VIEW], or that of their detail where it is lower."""
    whole = (_unit(one) * _unit(other)).sum(axis=1)
    return np.minimum(whole, (detail(one) * detail(other)).sum(axis=1))


def fitted(views: np.ndarray, greys: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The boxes [N, 3] inside images [N, SIDE, SIDE], near `boxes`, that show most nearly `views`.

    Gauss and Newton's method on place and size, as Lucas and Kanade (1981) align images, with
    brightness and contrast left free.
    """
    target, found = _unit(_smooth(views)), boxes.astype(np.float32)
    axis = np.linspace(-1, 1, 2 * VIEW + 1)[1::2]
    for _ in range(STEPS):
        shown = _unit(_smooth(view(greys, found))).reshape(-1, VIEW, VIEW)
        down, right = np.gradient(shown, 2 / VIEW, axis=(1, 2))
        moves = np.stack([right, down, right * axis + down * axis[:, None]], axis=1)
        moves = moves.reshape(len(found), 3, -1)
        flat = shown.reshape(len(found), 1, -1)
        moves = moves - moves.mean(axis=2, keepdims=True)
        moves -= (moves * flat).sum(axis=2, keepdims=True) * flat
        normal = moves @ moves.transpose(0, 2, 1)
        damping = 1e-3 * np.einsum("nii->ni", normal).mean(axis=1) + 1e-9
        normal += damping[:, None, None] * np.eye(3)
        wanted = moves @ (target[:, None] - flat).transpose(0, 2, 1)
        step = np.clip(np.linalg.solve(normal, wanted)[:, :, 0], -0.1, 0.1)
        found = (found + step * found[:, 2:]).astype(np.float32)
        found[:, 2] = np.clip(found[:, 2], 0.6, 1)
        room = 1 - found[:, 2:]
        found[:, :2] = np.clip(found[:, :2], -room, room)
    return found


def _smooth(views: np.ndarray) -> np.ndarray:
    return gaussian_filter(views, (0, SMOOTH, SMOOTH))


def _unit(views: np.ndarray) -> np.ndarray:
    rows = views.reshape(len(views), VIEW * VIEW)
    rows = rows - rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > FLAT * VIEW)
