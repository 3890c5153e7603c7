"""Clip art of the Open Clip Art Library: SVG files whose metadata dedicate them to the public
domain. Titles are often missing, copied, Italian or French: the file name helps with the first
two, `data/drawing-names.tsv` with the others."""

import html
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .debian import fetch, sha256
from .drawings import (KEYWORDS, NOT_WANTED, Drawing, is_unsuitable, load_names, prepare,
                       render_svg)
from .words import Dictionary, load_words

PACKAGE = "openclipart-svg"
ROOT = "usr/share/openclipart/svg"
LICENCE = "public-domain"
LEFT_OUT = re.compile(
    r"^(shapes/(stars|arrows|callouts|flowchart|jigsaw)/|computer/(icons|buttons|diagrams|network"
    r"|connectors|folders)/|logos/|special/|buttons/|signs_and_symbols/(?!weather/|clocks/)"
    r"|recreation/(religion|games/cards)/|tools/weapons/|unsorted/duplicates/"
    r"|.*_mateya_|unsorted/caterpillar|transportation/(roadsigns|aiga-symbols|vehicles/hummers)/|people/(clothing/pantyhose|stickmen)/"
    r"|geography/(?!astronomy/))"
)
GENERIC_TITLE = re.compile(r"clip ?art|collection|various|theme|etiquette|untitled|^\W*$", re.IGNORECASE)
GENERIC_TITLE_COUNT = 3
MEANINGLESS = {
    "architetto", "franc", "icon", "icons", "clipart", "clip", "art", "svg", "drawing", "remix",
    "contour", "illustration", "image", "picture", "vector", "lineart", "line", "page", "jean", "bw",
    "by", "de", "hash", "unsorted", "rpg", "map", "elements", "version", "final", "new", "aj", "amp",
    "bn", "ganson", "openclipart",
}
NOT_A_KEYWORD = re.compile(r"hash|0x|[()\d:/]|unsorted|signs_and_symbols|clip|musicstuff|^$")


@dataclass
class Metadata:
    """What an SVG file says of itself."""

    title: str
    creator: str
    keywords: list[str]
    public_domain: bool
    has_text: bool


def read_metadata(text: str) -> Metadata:
    """Read the RDF of an SVG file's text, by pattern: many of the files are not valid XML."""
    def find(pattern: str) -> str:
        match = re.search(pattern, text, re.DOTALL)
        return html.unescape(match[1]).strip() if match else ""

    return Metadata(
        title=find(r"<dc:title[^>]*>([^<]*)</dc:title>"),
        creator=find(r"<dc:creator[^>]*>.*?<dc:title[^>]*>([^<]*)</dc:title>"),
        keywords=[html.unescape(word).strip().lower().replace("_", " ")
                  for word in re.findall(r"<rdf:li[^>]*>([^<]*)</rdf:li>", text)
                  if not NOT_A_KEYWORD.search(word)],
        public_domain="licenses/publicdomain" in text.lower() or "cc/PublicDomain" in text,
        has_text="<text" in text or "<image" in text,
    )


def plain_words(text: str, creator: str) -> str:
    """A title or file name in lower case, without digits, its author and empty words."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    words = re.findall(r"[^\W\d_]+(?:'s)?", text.replace("’", "'").lower())
    names = re.findall(r"[^\W\d_]+", creator.lower())
    for position, word in enumerate(words):
        if len(word) > 2 and position and any(name.startswith(word) for name in names):
            words = words[:position]
            break
    text = " ".join(word for word in words if len(word) > 1 and word not in MEANINGLESS)
    return re.sub(r"^(and|an|the)\s+|\s+(and|with|in|of)$", "", text)


def clip_art(cache: Path, dictionary: Dictionary) -> Iterator[Drawing]:
    """Prepare the clip art; Spanish and French where the dictionary knows what it shows."""
    package = fetch(PACKAGE, cache)
    root = package.folder / ROOT
    for words in load_words().values():
        dictionary.add(words)
    own_names = load_names()
    files = {}
    for path in sorted(root.rglob("*.svg")):
        name = str(path.relative_to(root))
        if not LEFT_OUT.search(name):
            files[name] = read_metadata(path.read_text(encoding="utf-8", errors="replace"))
    titles = Counter(metadata.title for metadata in files.values())

    def draw(item: tuple[str, Metadata]) -> Drawing | None:
        name, metadata = item
        generic = GENERIC_TITLE.search(metadata.title) or titles[metadata.title] >= GENERIC_TITLE_COUNT
        caption = "" if generic else plain_words(metadata.title, metadata.creator)
        caption = caption or plain_words(Path(name).stem, metadata.creator)
        caption = own_names.get(caption, caption)
        if caption in ("", NOT_WANTED) or not metadata.public_domain or metadata.has_text:
            return None
        if is_unsuitable(name.replace("_", " "), caption, *metadata.keywords):
            return None
        captions = {**dictionary.lookup(caption), "en": caption}
        drawing = Drawing(PACKAGE, package.version, f"{ROOT}/{name}", "", LICENCE,
                          metadata.creator or "Open Clip Art Library", captions,
                          {"en": list(dict.fromkeys(metadata.keywords))[:KEYWORDS]})
        rendered = render_svg(root / name)
        return prepare((root / name).read_bytes(), drawing, cache, rendered) if rendered else None

    with ThreadPoolExecutor(2) as pool:
        yield from filter(None, pool.map(draw, files.items()))
