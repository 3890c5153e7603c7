"""Drawings and cut-out objects on a transparent ground, with captions and keywords.

Three sources: the bitmaps of an emoji font (`emoji.py`), the stamps of a painting program
(`stamps.py`) and clip art (`clip_art.py`). Stored as `prepared/<sha256 of the source>.png`,
RGBA, cropped to what is visible, the longer side at most 256 pixels.
"""

import math
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from .debian import sha256
from .pixels import VISIBLE_ALPHA, crop_visible, decode, fit, store_cut_out
from .words import LANGUAGES, Dictionary, heads, read_table, singular

SIDE = 256
MOST_ENLARGED = 2
RENDER_SECONDS = 5
RENDERED_SIDE = 640
KEYWORDS = 8
ORDINARY_WEIGHT, ORDINARY_COUNT = 8, 8
HELD_OUT_ONE_IN = 20

UNSUITABLE = re.compile(
    r"\b(guns?|pistols?|revolvers?|rifles?|shotguns?|weapons?|swords?|daggers?|bombs?|grenades?|missiles?"
    r"|cannons?|bullets?|ammo|ammunition|soldiers?|army|military|war|warrior|nazi|swastika|hitler|mortar"
    r"|communis\w*|sickle|nude|naked|sexy|breasts?|penis|bra|panty\w*|panties|lingerie|thong|condom"
    r"|underwear|cross|crucifix\w*|christ|christian\w*|jesus|mary|bible|church|cathedral|chapel|mosque"
    r"|kaaba|buddh\w*|menorah|dreidel|hanukkah|torah|pope|priest|nun|monk|communion|eucharist|islam\w*"
    r"|muslim|jew\w*|hindu\w*|pray\w*|worship\w*|relig\w*|shrine|synagogue|rosary|monstrance|chalice|nativity"
    r"|flags?|banner|coat of arms|heraldry|liberty|president|bush|lincoln|politic\w*|vot(e|es|ing)|ballot"
    r"|protest|democrat\w*|republican\w*|election|cigarettes?|smoking|cannabis|marijuana|drugs?|blood|gallows"
    r"|execution|guillotine|electric chair|coffin|noose|middle finger|poo|logos?|linux|tux|debian|gnome"
    r"|gravestone|tombstone|headstone|grave|graveyard|cemetery|monastery|bikini|briefs|hummer|roadsigns?"
    r"|kde|windows xp|microsoft|firefox|ubuntu|symbols?|signs?|letters? [a-z]|icons?|buttons?)\b",
    re.IGNORECASE,
)
NOT_WHAT_THE_LAST_WORD_SAYS = {
    "hot dog", "broken heart", "computer mouse", "onion ring", "thought balloon", "fish cake", "rice ball",
    "crystal ball", "mirror ball", "confetti ball", "oil drum", "cowboy hat face", "egg on muffin",
    "globe with meridians", "gnu calf", "smiling egg",
}
NOT_WANTED = "-"
LINE_ART = {"en": "black and white", "es": "en blanco y negro", "fr": "en noir et blanc"}


@dataclass
class Drawing:
    """One prepared drawing: where it is from, and what it shows in three languages."""

    package: str
    version: str
    path: str
    digest: str
    licence: str
    author: str
    captions: dict[str, str]
    keywords: dict[str, list[str]] = field(default_factory=dict)
    thumbnail: bytes = b""
    black_and_white: bool = False


def render_svg(path: Path) -> bytes | None:
    """Draw an SVG file as PNG bytes with librsvg; None if it fails or takes too long."""
    side = str(RENDERED_SIDE)
    command = ["rsvg-convert", "--keep-aspect-ratio", "-w", side, "-h", side, str(path)]
    try:
        result = subprocess.run(command, capture_output=True, timeout=RENDER_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return result.stdout if result.returncode == 0 else None


def cut_out(picture: np.ndarray | None) -> np.ndarray | None:
    """Crop and scale a drawing to `[H, W, 4]`.

    None for a drawing without transparency, one that is tiny, nearly empty, long and thin,
    a plain rectangle, or all of one colour.
    """
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != np.uint8:
        return None
    picture = crop_visible(picture)
    if picture is None:
        return None
    height, width = picture.shape[:2]
    if max(height, width) < 64 or max(height, width) > 4 * min(height, width):
        return None
    picture = fit(picture, SIDE, MOST_ENLARGED)
    coverage = (picture[..., 3] > VISIBLE_ALPHA).mean()
    if coverage < 0.12 or coverage > 0.97:
        return None
    solid = picture[picture[..., 3] > 128][:, :3].astype(np.int16)
    if len(solid) < 1000:
        return None
    apart = np.abs(solid - np.median(solid, axis=0)).max(axis=1)
    return picture if (apart > 40).mean() > 0.03 else None


def is_black_and_white(picture: np.ndarray) -> bool:
    """Whether the solid part of `[H, W, 4]` is black lines and white areas, with little grey."""
    solid = picture[picture[..., 3] > 128][:, :3].astype(np.int16)
    coloured = np.ptp(solid, axis=1) > 24
    grey = np.abs(solid.mean(axis=1) - 128) < 90
    return coloured.mean() < 0.01 and grey.mean() < 0.25


def prepare(data: bytes, drawing: Drawing, cache: Path, rendered: bytes | None = None) -> Drawing | None:
    """Store the drawing in a file's bytes (`rendered`: as PNG, for an SVG); None if it is unfit."""
    picture = cut_out(decode(rendered or data))
    if picture is None:
        return None
    digest = sha256(data)
    store_cut_out(picture, digest, cache)
    thumbnail = cv2.resize(picture, (16, 16), interpolation=cv2.INTER_AREA) // 16
    return replace(drawing, digest=digest, thumbnail=thumbnail.tobytes(),
                   black_and_white=is_black_and_white(picture))


def is_unsuitable(*texts: str) -> bool:
    """Whether a text names a weapon, a faith, a nation's or party's symbol, a sign or the like."""
    return any(UNSUITABLE.search(text) for text in texts)


def load_names() -> dict[str, str]:
    """Better names for titles and captions of the sources; `NOT_WANTED` for what to leave out."""
    return {row["title"]: row["name"] for row in read_table("drawing-names.tsv")}


class OrdinaryThings:
    """The things people ask for most, from `data/ordinary-things.tsv`."""

    def __init__(self):
        self.rows = {singular(row["en"]): row for row in read_table("ordinary-things.tsv")}

    def find(self, caption: str) -> dict[str, str] | None:
        """The thing that an English caption is about ("bored dog" → dog), or None."""
        caption = caption.removesuffix(" face")
        if any(phrase in caption for phrase in NOT_WHAT_THE_LAST_WORD_SAYS):
            return None
        return next((self.rows[head] for head in heads(caption) if head in self.rows), None)


def manifest_row(drawing: Drawing, things: OrdinaryThings) -> dict[str, str]:
    """The row of one drawing; the name of an ordinary thing leads its keywords."""
    thing = things.find(drawing.captions["en"])
    tags = {}
    for language in LANGUAGES:
        words = ([thing[language]] if thing else []) + drawing.keywords.get(language, [])
        tags[language] = ",".join(list(dict.fromkeys(words))[:KEYWORDS])
    captions = {language: drawing.captions.get(language, "").lower() for language in LANGUAGES}
    if drawing.black_and_white:
        captions = {language: f"{text}, {LINE_ART[language]}" if text else ""
                    for language, text in captions.items()}
    split = "held-out" if int(drawing.digest[:8], 16) % HELD_OUT_ONE_IN == 0 else "train"
    return {
        "split": split, "kind": "drawing", "package": drawing.package, "version": drawing.version,
        "path": drawing.path, "sha256": drawing.digest, "licence": drawing.licence,
        "author": drawing.author, "tags": tags["en"], "tags_es": tags["es"], "tags_fr": tags["fr"],
        **{f"caption_{language}": text for language, text in captions.items()},
        "thing": thing["en"] if thing else "",
    }


def weigh_and_keep(rows: list[dict[str, str]]) -> None:
    """Set the rows' weights, and train on at least one drawing of each ordinary thing.

    With `ORDINARY_COUNT` drawings of a thing each weighs `ORDINARY_WEIGHT`; where there are
    fewer each weighs more, where there are more less, by the square root and at most twice.
    """
    counts = Counter(row["thing"] for row in rows)
    trained = {row["thing"] for row in rows if row["split"] == "train"}
    for row in rows:
        factor = min(max(math.sqrt(ORDINARY_COUNT / counts[row["thing"]]), 0.5), 2)
        row["weight"] = f"{ORDINARY_WEIGHT * factor:.3g}" if row["thing"] else "1"
        if row["thing"] not in trained:
            row["split"] = "train"
            trained.add(row["thing"])


def build_drawings(cache: Path) -> list[dict[str, str]]:
    """Prepare the drawings of all sources; return their rows of the manifest."""
    from .clip_art import clip_art
    from .emoji import emoji
    from .stamps import stamps

    things, dictionary = OrdinaryThings(), Dictionary()
    for row in read_table("ordinary-things.tsv") + read_table("drawing-words.tsv"):
        dictionary.add(row)
    result, seen = [], set()
    for source in (emoji, stamps, clip_art):
        for drawing in source(cache, dictionary):
            if drawing.thumbnail not in seen and drawing.digest not in seen:
                seen |= {drawing.thumbnail, drawing.digest}
                result.append(manifest_row(drawing, things))
    weigh_and_keep(result)
    return result
