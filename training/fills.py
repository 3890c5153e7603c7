"""Classical fills of a hole, and the seamless paste.

What the model starts from, what it is compared with, and how its result is put in place.
"""

import cv2
import numpy as np

CANDIDATES = 400
KEPT_SHIFTS = 24
MEMBRANE_SWEEPS = 30


def telea(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """OpenCV's fast-marching fill of `picture` `[H, W, 3]` bytes where `mask` `[H, W]` is 1."""
    return cv2.inpaint(picture, mask, 5, cv2.INPAINT_TELEA)


def shifted(picture: np.ndarray, mask: np.ndarray, seed: int = 0) -> np.ndarray:
    """Copy the hole from shifted places of the same picture: a quick stand-in for PatchMatch.

    Of many random shifts the few that agree best with the ring around the hole are kept (in
    the spirit of He and Sun, "Statistics of patch offsets for image completion", ECCV 2012);
    every pixel takes the kept shift whose border differences, spread over the hole, are least.
    What no shift can reach stays Telea's.
    """
    rng = np.random.default_rng(seed)
    height, width = mask.shape
    base = telea(picture, mask)
    known = picture.astype(np.float32)
    ring = (cv2.dilate(mask, np.ones((13, 13), np.uint8)) > 0) & (mask == 0)
    candidates = []
    for _ in range(CANDIDATES):
        dy, dx = rng.integers(-height, height) // 2, rng.integers(-width, width)
        source, valid = _shift(known, mask, dy, dx)
        reach = (valid & (mask > 0)).sum() / max(mask.sum(), 1)
        border = ring & valid
        if reach < 0.3 or border.sum() < 0.3 * ring.sum():
            continue
        error = np.abs(source - known).mean(2)
        candidates.append((error[border].mean() / reach, dy, dx))
    if not candidates:
        return base
    costs, sources = [], []
    for _, dy, dx in sorted(candidates)[:KEPT_SHIFTS]:
        source, valid = _shift(known, mask, dy, dx)
        error = np.where(ring & valid, np.abs(source - known).mean(2), 0).astype(np.float32)
        weight = (ring & valid).astype(np.float32)
        blur = (0, 0), max(height, width) / 16
        spread = cv2.GaussianBlur(error, *blur) / (cv2.GaussianBlur(weight, *blur) + 1e-4)
        costs.append(np.where(valid, spread, 1e6))
        sources.append(source)
    best = np.argmin(costs, axis=0)
    filled = np.take_along_axis(np.stack(sources), best[None, ..., None], axis=0)[0]
    usable = (mask > 0) & (np.min(costs, axis=0) < 1e6)
    return np.where(usable[..., None], filled, base).round().clip(0, 255).astype(np.uint8)


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


def _shift(picture: np.ndarray, mask: np.ndarray, dy: int, dx: int) -> tuple[np.ndarray, np.ndarray]:
    """`picture` moved by (dy, dx), and where it then shows known pixels."""
    matrix = np.float32([[1, 0, dx], [0, 1, dy]])
    size = (picture.shape[1], picture.shape[0])
    source = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_NEAREST)
    known = cv2.warpAffine(1 - mask, matrix, size, flags=cv2.INTER_NEAREST)
    return source, known > 0
