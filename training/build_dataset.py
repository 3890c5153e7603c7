"""Build the training pictures from Debian packages and write the manifest.

The packages are downloaded with `apt-get download` and unpacked with `dpkg-deb -x`
into a cache folder; nothing is installed. `dataset/` has a module for each kind.

Output: `prepared/<sha256>.jpg` (photographs, textures) and `.png` (drawings) in the
cache folder; `manifest.tsv` in this folder, one line a picture.
"""

import argparse
import csv
from pathlib import Path

from dataset.drawings import build_drawings
from dataset.photos import build_photos
from dataset.textures import build_textures

HERE = Path(__file__).resolve().parent
MANIFEST_COLUMNS = [
    "split", "kind", "package", "version", "path", "sha256", "licence", "author",
    "tags", "caption_en", "caption_es", "caption_fr", "weight", "tags_es", "tags_fr",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/editor-training",
                        help="folder for downloads and prepared pictures (about 7 GB)")
    arguments = parser.parse_args()
    (arguments.cache / "prepared").mkdir(parents=True, exist_ok=True)
    (arguments.cache / "unpacked").mkdir(parents=True, exist_ok=True)
    rows = [row for build in (build_photos, build_textures, build_drawings)
            for row in build(arguments.cache)]
    with open(HERE / "manifest.tsv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, MANIFEST_COLUMNS, delimiter="\t", lineterminator="\n",
                                extrasaction="ignore")
        writer.writeheader()
        writer.writerows({"weight": "1", **row} for row in rows)
    for kind in ("photo", "texture", "drawing"):
        for split in ("train", "held-out"):
            count = sum(row["kind"] == kind and row["split"] == split for row in rows)
            print(f"{kind} {split}: {count}")


if __name__ == "__main__":
    main()
