"""Decode, scale, crop and store pictures. Arrays are OpenCV's: blue, green, red(, alpha)."""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

VISIBLE_ALPHA = 8


def decode(data: bytes) -> np.ndarray | None:
    """Decode a file's bytes as stored; None if unreadable. Pillow reads TGA, OpenCV does not."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is not None:
        return picture
    try:
        image = Image.open(io.BytesIO(data))
        if image.mode not in ("RGB", "RGBA"):
            return None
        code = cv2.COLOR_RGBA2BGRA if image.mode == "RGBA" else cv2.COLOR_RGB2BGR
        return cv2.cvtColor(np.asarray(image), code)
    except (UnidentifiedImageError, OSError):
        return None


def shrink(picture: np.ndarray, side: int) -> np.ndarray:
    """Scale `[H, W, 3]` bytes so that the shorter side is at most `side` pixels."""
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    if scale >= 1:
        return picture
    size = (round(width * scale), round(height * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def crop_visible(picture: np.ndarray) -> np.ndarray | None:
    """Cut `[H, W, 4]` to the box of its visible pixels; None if there are none."""
    left, top, width, height = cv2.boundingRect((picture[..., 3] > VISIBLE_ALPHA).astype(np.uint8))
    return picture[top:top + height, left:left + width] if width and height else None


def fit(picture: np.ndarray, side: int, most: float) -> np.ndarray:
    """Scale `[H, W, 4]` bytes so that the longer side is `side`, enlarging at most `most` times.

    Colours are weighted by alpha, so that what is hidden does not bleed into the edges.
    """
    height, width = picture.shape[:2]
    scale = min(side / max(height, width), most)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    alpha = picture[..., 3:].astype(np.float32) / 255
    weighted = np.concatenate([picture[..., :3] * alpha, alpha], axis=2)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    weighted = cv2.resize(weighted, size, interpolation=method)
    alpha = weighted[..., 3:].clip(0, 1)
    colour = np.where(alpha > 0, weighted[..., :3] / np.maximum(alpha, 1e-6), 0)
    return np.concatenate([colour, alpha * 255], axis=2).round().clip(0, 255).astype(np.uint8)


def store_opaque(picture: np.ndarray, digest: str, cache: Path) -> None:
    """Write `[H, W, 3]` as a JPEG file into the folder of prepared pictures."""
    path = cache / "prepared" / f"{digest}.jpg"
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])


def store_cut_out(picture: np.ndarray, digest: str, cache: Path) -> None:
    """Write `[H, W, 4]` as a PNG file into the folder of prepared pictures."""
    cv2.imwrite(str(cache / "prepared" / f"{digest}.png"), picture)
