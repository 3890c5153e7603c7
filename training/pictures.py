"""The prepared pictures in memory, random crops of them, and random edit masks."""

import csv
import math
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent

# The side, in pixels, of the crops that make_fills.py fills.
FILL_SIDE = 320


@dataclass
class Picture:
    """One row of the manifest with its pixels, bytes: `[H, W, 3]` RGB, of a drawing `[H, W, 4]` RGBA."""

    row: dict[str, str]
    pixels: np.ndarray


def load_pictures(cache: Path, split: str, kind: str) -> list[Picture]:
    """Decode every picture of a split (`train`, `held-out`) and kind (`photo`, `texture`, `drawing`)."""
    with open(HERE / "manifest.tsv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t")
                if row["split"] == split and row["kind"] == kind]

    def decode(row: dict[str, str]) -> Picture:
        drawing = kind == "drawing"
        path = cache / "prepared" / f"{row['sha256']}.{'png' if drawing else 'jpg'}"
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED if drawing else cv2.IMREAD_COLOR)
        if pixels is None:
            raise SystemExit(f"{path} is missing: run build_dataset.py")
        return Picture(row, cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if drawing else cv2.COLOR_BGR2RGB))

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(decode, rows))


@dataclass
class FilledCrop:
    """A crop `[S, S, 3]`, its copy of which PatchMatch filled the hole, and the mask `[S, S]`; bytes."""

    pixels: np.ndarray
    filled: np.ndarray
    mask: np.ndarray


def load_fills(cache: Path) -> list[FilledCrop]:
    """What make_fills.py wrote; all of it is of the training split."""

    def decode(path: Path) -> FilledCrop:
        both = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        mask = cv2.imread(str(path.with_suffix(".png")), cv2.IMREAD_GRAYSCALE) // 255
        return FilledCrop(both[:len(mask)], both[len(mask):], mask)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(decode, sorted((cache / "fills").glob("[0-9]" * 5 + ".jpg"))))


def random_crop(picture: np.ndarray, side: int, size: int, rng: random.Random) -> np.ndarray:
    """Cut a square of `side` pixels, mirror it half of the time, scale it to `[size, size, 3]`."""
    height, width = picture.shape[:2]
    side = min(side, height, width)
    top, left = rng.randint(0, height - side), rng.randint(0, width - side)
    crop = picture[top:top + side, left:left + side]
    if side != size:
        method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        crop = cv2.resize(crop, (size, size), interpolation=method)
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def centre_crop(picture: np.ndarray, size: int) -> np.ndarray:
    """The largest centred square, scaled to `[size, size, 3]`."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    crop = picture[top:top + side, left:left + side]
    return cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)


def random_scene_side(picture: np.ndarray, rng: random.Random) -> int:
    """A crop's side: most of the height three times in four, else down to a third of it."""
    shorter = min(picture.shape[:2])
    low, high = (0.7, 1.0) if rng.random() < 0.75 else (0.35, 0.7)
    return int(shorter * rng.uniform(low, high))


def random_mask(size: int, rng: random.Random) -> np.ndarray:
    """An edit mask `[size, size]`, bytes, 1 = repaint.

    Brush strokes 26 %, boxes and ellipses 24 %, a band at a border (outpainting) 22 %,
    everything 28 %.
    """
    mask = np.zeros((size, size), np.uint8)
    unit = size / 256
    choice = rng.random()
    if choice < 0.26:
        draw_strokes(mask, unit, rng)
    elif choice < 0.50:
        _draw_shapes(mask, unit, rng)
    elif choice < 0.72:
        band = int(size * rng.choice([0.125, 0.25, 0.25, 0.375, 0.5]))
        edge = rng.randint(0, 3)
        band_slice = slice(size - band, size) if edge % 2 == 0 else slice(0, band)
        mask[(band_slice, slice(None)) if edge < 2 else (slice(None), band_slice)] = 1
        if rng.random() < 0.15:
            mask |= mask[::-1, ::-1]
    else:
        mask[:] = 1
    if mask.mean() < 0.02:
        mask[size // 4:size * 3 // 4, size // 4:size * 3 // 4] = 1
    return mask


def draw_strokes(mask: np.ndarray, unit: float, rng: random.Random) -> None:
    """Draw one to four bent brush strokes of value 1; `unit` is the picture's side over 256."""
    size = mask.shape[0]
    for _ in range(rng.randint(1, 4)):
        x, y = rng.uniform(0, size), rng.uniform(0, size)
        angle = rng.uniform(0, 2 * math.pi)
        for _ in range(rng.randint(3, 9)):
            angle += rng.uniform(-1.2, 1.2)
            length = rng.uniform(15, 70) * unit
            next_x, next_y = x + length * math.cos(angle), y + length * math.sin(angle)
            width = max(1, int(rng.uniform(10, 44) * unit))
            cv2.line(mask, (int(x), int(y)), (int(next_x), int(next_y)), 1, width)
            x, y = next_x, next_y


def _draw_shapes(mask: np.ndarray, unit: float, rng: random.Random) -> None:
    size = mask.shape[0]
    for _ in range(rng.randint(1, 2)):
        width, height = (int(rng.uniform(40, 150) * unit) for _ in range(2))
        x, y = rng.randint(0, size - width), rng.randint(0, size - height)
        if rng.random() < 0.6:
            cv2.rectangle(mask, (x, y), (x + width, y + height), 1, -1)
        else:
            centre, axes = (x + width // 2, y + height // 2), (width // 2, height // 2)
            cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, 1, -1)
