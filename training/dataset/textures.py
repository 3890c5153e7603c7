"""Textures: the opaque colour images of game-data packages whose file name holds a word of
`data/words.tsv`. Stored as `prepared/<sha256>.jpg`, RGB, the shorter side at most 512 pixels.
"""

import re
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .debian import fetch, sha256
from .pixels import decode, shrink, store_opaque
from .words import LANGUAGES, load_words

SIDE = 512


@dataclass(frozen=True)
class TextureSource:
    """Where a package keeps its textures, and what its copyright file calls that place.

    `rights` is (author, licence) for a package whose copyright file is free text.
    """

    package: str
    installed_root: str
    source_root: str
    archive: str | None = None
    rights: tuple[str, str] | None = None


SOURCES = [
    TextureSource("redeclipse-data", "usr/share/games/redeclipse/", ""),
    TextureSource("supertuxkart-data", "usr/share/games/supertuxkart/", ""),
    TextureSource("torcs-data", "usr/share/games/torcs/", "data/"),
    TextureSource("ufoai-textures", "usr/share/games/ufoai/base/", "base/", "0textures.pk3"),
    TextureSource("nexuiz-textures", "usr/share/games/nexuiz/data/", "", "textures.pk3",
                  ("2002-2009 Alientrap, Lee Vermeulen", "GPL-2+")),
    TextureSource("openarena-081-textures", "usr/share/games/openarena/baseoa/", "",
                  "pak4-textures.pk3"),
    TextureSource("colobot-common-textures", "usr/share/games/colobot/textures/",
                  "data/textures/"),
]
NOT_A_COLOUR_MAP = re.compile(
    r"(_(n|nm|norm|normal|s|sm|spec|h|gm|lm|rm|mask|gloss|glow|bump|local|alpha|height)\d?\.)"
    r"|normal|gloss|bump|height|specular|icon|menu|font|skin|particle|shadow|caustic|minimap|splatt"
    r"|screenshot|sponsor|logo|banner|sign|wheel|kart|decal|lightmap|envmap|flag"
    r"|_(luma|shirt|pants|fx|reflect)\.|lens|effect|nodraw|/objects/|/interface/",
    re.IGNORECASE,
)


def tags_of(path: str, words: dict[str, dict[str, str]]) -> list[str]:
    """Tags named in a file name ("RustyPlank01" → rust, plank); wall and ground only alone."""
    name = re.sub("street|rocket", "", Path(path).stem.lower())
    vague = ("ice", "sea", "sun", "object", "wall", "ground")
    return [tag for tag in words if tag in name and tag not in vague] \
        or [tag for tag in ("wall", "ground") if tag in name]


def colour_texture(data: bytes) -> np.ndarray | None:
    """Decode a texture to `[H, W, 3]`; None for transparent, grey, flat, small or normal maps."""
    picture = decode(data)
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
    if picture.std() < 12 or picture.std(axis=(0, 1)).max() < 4 or (blue > 180 and blue > red + 40 and blue > green + 40):
        return None
    return shrink(picture, SIDE)


def prepare(task: tuple[str, str | None, str, Path]) -> str | None:
    """Decode and store one texture; return its SHA-256, or None when it is unfit."""
    path, archive, _, cache = task
    data = zipfile.ZipFile(archive).read(path) if archive else Path(path).read_bytes()
    picture = colour_texture(data)
    if picture is None:
        return None
    digest = sha256(data)
    store_opaque(picture, digest, cache)
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
    """Prepare the textures; return their rows of the manifest."""
    cv2.setNumThreads(1)
    words = load_words()
    result, seen = [], set()
    for source in SOURCES:
        package = fetch(source.package, cache)
        copyrights = package.copyright_file()
        tasks = [
            (path, archive, name, cache)
            for path, archive, name in sorted(texture_files(source, package.folder))
            if name.lower().endswith((".jpg", ".png", ".tga"))
            and tags_of(name, words) and not NOT_A_COLOUR_MAP.search(name)
        ]
        with ProcessPoolExecutor(2) as pool:
            digests = list(pool.map(prepare, tasks, chunksize=16))
        for (_, _, name, _), digest in zip(tasks, digests):
            if digest is None or digest in seen:
                continue
            seen.add(digest)
            tags = tags_of(name, words)
            author, licence = source.rights or copyrights.lookup(source.source_root + name)
            captions = {
                f"caption_{language}": ", ".join(words[tag][language] for tag in tags)
                for language in LANGUAGES
            }
            inner = source.archive + ":" if source.archive else ""
            result.append({
                "split": "train", "kind": "texture", "package": source.package,
                "version": package.version, "path": source.installed_root + inner + name,
                "sha256": digest, "licence": licence, "author": author,
                "tags": ",".join(tags), **captions,
            })
    return result
