"""Build the training pictures from Debian packages and write the manifest.

The packages are downloaded with `apt-get download` and unpacked with `dpkg-deb -x`
into a cache folder; nothing is installed. Photographs are the rows of
`data/photo-captions.tsv` marked usable, checked by SHA-256. Textures are the opaque
colour images of four game-data packages whose file name holds a word of
`data/words.tsv`; their licences are read from the packages' machine-readable
copyright files.

Output, in the cache folder: `prepared/<sha256>.jpg`, RGB, photographs with the
shorter side at most 720 pixels, textures at most 512. In this folder:
`manifest.tsv`, one line a picture.
"""

import argparse
import csv
import fnmatch
import hashlib
import re
import subprocess
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
MANIFEST_COLUMNS = [
    "split", "kind", "package", "version", "path", "sha256", "licence", "author",
    "tags", "caption_en", "caption_es", "caption_fr",
]
PHOTO_SIDE = 720
TEXTURE_SIDE = 512
AUTHOR_LENGTH = 80

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


@dataclass(frozen=True)
class TextureSource:
    """Where a package keeps its textures, and what its copyright file calls that place."""

    package: str
    installed_root: str
    source_root: str
    archive: str | None = None


TEXTURE_SOURCES = [
    TextureSource("redeclipse-data", "usr/share/games/redeclipse/", ""),
    TextureSource("supertuxkart-data", "usr/share/games/supertuxkart/", ""),
    TextureSource("torcs-data", "usr/share/games/torcs/", "data/"),
    TextureSource("ufoai-textures", "usr/share/games/ufoai/base/", "base/", "0textures.pk3"),
]
NOT_A_COLOUR_MAP = re.compile(
    r"(_(n|nm|norm|normal|s|sm|spec|h|gm|lm|rm|mask|gloss|glow|bump|local|alpha|height)\d?\.)"
    r"|normal|gloss|bump|height|specular|icon|menu|font|skin|particle|shadow|caustic|minimap|splatt"
    r"|screenshot|sponsor|logo|banner|sign|wheel|kart|decal|lightmap|envmap|flag",
    re.IGNORECASE,
)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def fetch(package: str, cache: Path) -> Path:
    """Download and unpack one package; return the folder it was unpacked into."""
    unpacked = cache / "unpacked" / package
    if unpacked.exists():
        return unpacked
    downloads = cache / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    if not list(downloads.glob(f"{package}_*.deb")):
        subprocess.run(["apt-get", "-q", "download", package], cwd=downloads, check=True)
    archive = next(downloads.glob(f"{package}_*.deb"))
    partial = unpacked.with_suffix(".partial")
    partial.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "-x", str(archive), str(partial)], check=True)
    partial.rename(unpacked)
    return unpacked


def package_version(package: str, cache: Path) -> str:
    archive = next((cache / "downloads").glob(f"{package}_*.deb"))
    command = ["dpkg-deb", "-f", str(archive), "Version"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class CopyrightFile:
    """A Debian machine-readable copyright file (DEP-5): the last matching stanza wins."""

    def __init__(self, text: str):
        self.stanzas: list[tuple[list[str], str, str]] = []
        for stanza in re.split(r"\n\s*\n", text):
            fields: dict[str, str] = {}
            name = ""
            for line in stanza.splitlines():
                if line[:1] in (" ", "\t"):
                    fields[name] = fields.get(name, "") + "\n" + line.strip()
                elif ":" in line:
                    name, value = line.split(":", 1)
                    fields[name] = value.strip()
            if "Files" in fields:
                author = "; ".join(fields.get("Copyright", "").split("\n")).strip("; ")
                if len(author) > AUTHOR_LENGTH:
                    author = author[:AUTHOR_LENGTH] + " … (see the package's copyright file)"
                licence = fields.get("License", "").split("\n")[0]
                self.stanzas.append((fields["Files"].split(), author, licence))

    def lookup(self, path: str) -> tuple[str, str]:
        """Author and licence of one source path."""
        for patterns, author, licence in reversed(self.stanzas):
            if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
                return author, licence
        return "", ""


def load_words() -> dict[str, dict[str, str]]:
    """The tag vocabulary: tag → language → word."""
    with open(HERE / "data" / "words.tsv", encoding="utf-8") as file:
        return {row["tag"]: row for row in csv.DictReader(file, delimiter="\t")}


def shrink(picture: np.ndarray, side: int) -> np.ndarray:
    """Scale `[H, W, 3]` bytes so that the shorter side is at most `side` pixels."""
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    if scale >= 1:
        return picture
    size = (round(width * scale), round(height * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def store(picture: np.ndarray, digest: str, cache: Path) -> None:
    path = cache / "prepared" / f"{digest}.jpg"
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])


def photo_split(package: str, path: str, digest: str) -> str:
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
    with open(HERE / "data" / "photo-captions.tsv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["usable"] == "yes"]
    result = []
    for row in rows:
        if Path(row["path"]).name.split("@")[0] in ALTERED_COLOURS:
            continue
        data = (fetch(row["package"], cache) / row["path"]).read_bytes()
        if sha256(data) != row["sha256"]:
            raise SystemExit(f"{row['package']}: {row['path']} is not the described file")
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        store(shrink(picture, PHOTO_SIDE), row["sha256"], cache)
        split = photo_split(row["package"], row["path"], row["sha256"])
        result.append({**{name: row.get(name, "") for name in MANIFEST_COLUMNS},
                       "split": split, "kind": "photo"})
    return result


def texture_tags(path: str, words: dict[str, dict[str, str]]) -> list[str]:
    """Tags named in a file name, by tag or by its English word ("RustyPlank01" → rust, plank)."""
    name = Path(path).stem.lower()
    return [tag for tag in words if tag in name and tag not in ("ice", "sea", "sun", "object", "wall", "ground")] \
        or [tag for tag in ("wall", "ground") if tag in name]


def colour_texture(data: bytes) -> np.ndarray | None:
    """Decode a texture to `[H, W, 3]`; None for transparent, grey, flat, small or normal maps."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.dtype != np.uint8:
        return None
    if picture.shape[2] == 4:
        if picture[..., 3].mean() < 250:
            return None
        picture = picture[..., :3]
    height, width = picture.shape[:2]
    if min(height, width) < 256 or max(height, width) > 4 * min(height, width):
        return None
    colourfulness = np.ptp(picture.astype(np.int16), axis=2).mean()
    if colourfulness < 4:
        return None
    blue, green, red = picture.reshape(-1, 3).mean(axis=0)
    if picture.std() < 12 or (blue > 180 and blue > red + 40 and blue > green + 40):
        return None
    return shrink(picture, TEXTURE_SIDE)


def prepare_texture(task: tuple[str, str | None, str, Path]) -> str | None:
    """Decode and store one texture; return its SHA-256, or None when it is unfit."""
    path, archive, _, cache = task
    data = zipfile.ZipFile(archive).read(path) if archive else Path(path).read_bytes()
    picture = colour_texture(data)
    if picture is None:
        return None
    digest = sha256(data)
    store(picture, digest, cache)
    return digest


def texture_files(source: TextureSource, folder: Path) -> list[tuple[str, str | None, str]]:
    """(readable path, archive or None, path below the installed root) of every candidate."""
    root = folder / source.installed_root
    if source.archive:
        archive = str(root / source.archive)
        names = zipfile.ZipFile(archive).namelist()
        return [(name, archive, name) for name in names]
    return [(str(path), None, str(path.relative_to(root))) for path in root.rglob("*")]


def build_textures(cache: Path) -> list[dict[str, str]]:
    words = load_words()
    result, seen = [], set()
    for source in TEXTURE_SOURCES:
        folder = fetch(source.package, cache)
        version = package_version(source.package, cache)
        document = folder / "usr/share/doc" / source.package / "copyright"
        copyrights = CopyrightFile(document.read_text(encoding="utf-8"))
        tasks = [
            (path, archive, name, cache)
            for path, archive, name in sorted(texture_files(source, folder))
            if name.lower().endswith((".jpg", ".png", ".tga"))
            and texture_tags(name, words) and not NOT_A_COLOUR_MAP.search(name)
        ]
        with ProcessPoolExecutor(2) as pool:
            digests = list(pool.map(prepare_texture, tasks, chunksize=16))
        for (_, _, name, _), digest in zip(tasks, digests):
            if digest is None or digest in seen:
                continue
            seen.add(digest)
            tags = texture_tags(name, words)
            author, licence = copyrights.lookup(source.source_root + name)
            captions = {
                f"caption_{language}": ", ".join(words[tag][language] for tag in tags)
                for language in ("en", "es", "fr")
            }
            inner = source.archive + ":" if source.archive else ""
            result.append({
                "split": "train", "kind": "texture", "package": source.package,
                "version": version, "path": source.installed_root + inner + name,
                "sha256": digest, "licence": licence, "author": author,
                "tags": ",".join(tags), **captions,
            })
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/editor-training",
                        help="folder for downloads and prepared pictures (about 4 GB)")
    arguments = parser.parse_args()
    (arguments.cache / "prepared").mkdir(parents=True, exist_ok=True)
    (arguments.cache / "unpacked").mkdir(parents=True, exist_ok=True)
    rows = build_photos(arguments.cache) + build_textures(arguments.cache)
    with open(HERE / "manifest.tsv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, MANIFEST_COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for kind in ("photo", "texture"):
        for split in ("train", "held-out"):
            count = sum(row["kind"] == kind and row["split"] == split for row in rows)
            print(f"{kind} {split}: {count}")


if __name__ == "__main__":
    main()
