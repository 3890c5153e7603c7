"""Classical fills of a hole, and the seamless paste.

What the model is compared with, and how its result is put in place.
"""

import cv2
import numpy as np
from skimage.restoration import inpaint_biharmonic

MEMBRANE_SWEEPS = 30


def telea(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """OpenCV's fast-marching fill of `picture` `[H, W, 3]` bytes where `mask` `[H, W]` is 1."""
    return cv2.inpaint(picture, mask, 5, cv2.INPAINT_TELEA)


def navier_stokes(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """OpenCV's fluid-dynamics fill of the same."""
    return cv2.inpaint(picture, mask, 5, cv2.INPAINT_NS)


def biharmonic(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """scikit-image's biharmonic fill of the same; minutes for a large hole."""
    filled = inpaint_biharmonic(picture, mask > 0, channel_axis=2)
    return (filled * 255).round().clip(0, 255).astype(np.uint8)


def seamless(decoded: np.ndarray, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Paste `decoded` into the hole of `picture`, both `[H, W, 3]` bytes, without a seam.

    The difference of the two on the known pixels is continued into the hole as a membrane
    (Pérez et al., "Poisson image editing", 2003) and added to `decoded`.
    """
    difference = picture.astype(np.float32) - decoded
    correction = _membrane(difference, mask.astype(bool))
    result = np.where(mask[..., None] > 0, decoded + correction, picture)
    return result.round().clip(0, 255).astype(np.uint8)


def _membrane(values: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Laplace's equation for `values` `[H, W, C]` in `hole`, coarse to fine."""
    height, width = hole.shape
    if min(height, width) > 8 and not hole.all():
        known = (~hole).astype(np.float32)
        half = (width // 2, height // 2)
        weight = cv2.resize(known, half, interpolation=cv2.INTER_AREA)
        sums = cv2.resize(values * known[..., None], half, interpolation=cv2.INTER_AREA)
        coarse = _membrane(sums / np.maximum(weight, 1e-6)[..., None], weight == 0)
        guess = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    else:
        guess = np.full_like(values, values[~hole].mean(0) if not hole.all() else 0)
    result = np.where(hole[..., None], guess, values)
    for _ in range(MEMBRANE_SWEEPS):
        padded = np.pad(result, ((1, 1), (1, 1), (0, 0)), mode="edge")
        mean = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
        result = np.where(hole[..., None], mean, result)
    return result
