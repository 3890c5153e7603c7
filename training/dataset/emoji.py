"""Emoji: the bitmaps of Noto Color Emoji, named by Unicode's CLDR in three languages."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from fontTools.ttLib import TTFont

from .debian import fetch
from .drawings import Drawing, is_unsuitable, prepare
from .words import LANGUAGES, Dictionary

PACKAGE = "fonts-noto-color-emoji"
FONT = "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
# The font is built from the Apache-licensed pictures; its copyright file has both.
PICTURES = "png/128"
LIST = "usr/share/unicode/emoji/emoji-test.txt"
ANNOTATIONS = "usr/share/unicode/cldr/common"

GROUPS = {
    "Smileys & Emotion", "People & Body", "Animals & Nature", "Food & Drink", "Travel & Places",
    "Activities", "Objects",
}
SUBGROUPS_LEFT_OUT = {
    "place-religious", "lock", "sound", "transport-sign", "family", "body-parts",
    "hand-single-finger", "person-symbol",
}
NAMES_LEFT_OUT = re.compile(
    r"japan|moai|tokyo|kiss:|couple with heart:|bubble|speech|symbol|hundred points|anger|zzz"
    r"|exclamation|dizzy$|collision|sweat droplets|hole$|dashing away|no one under|card index|folder"
    r"|clipboard|chart|level slider|control knob|ok hand|coffin|o'clock|-thirty|headstone|funeral urn|nazar|hamsa"
)


def bare(sequence: str) -> str:
    """A sequence without the selector that asks for the coloured form."""
    return sequence.replace("\ufe0f", "")


def listed(path: Path) -> Iterator[str]:
    """The sequences of Unicode's list in the groups wanted, without skin tones."""
    group = subgroup = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# group:"):
            group = line.split(": ")[1]
        elif line.startswith("# subgroup:"):
            subgroup = line.split(": ")[1]
        elif "; fully-qualified" in line and group in GROUPS and subgroup not in SUBGROUPS_LEFT_OUT:
            codes = [int(code, 16) for code in line.split(";")[0].split()]
            if not any(0x1F3FB <= code <= 0x1F3FF for code in codes):
                yield "".join(map(chr, codes))


def annotations(folder: Path, language: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Names and keywords of every sequence in one language."""
    names: dict[str, str] = {}
    keywords: dict[str, list[str]] = {}
    for part in ("annotations", "annotationsDerived"):
        for node in ElementTree.parse(folder / part / f"{language}.xml").iter("annotation"):
            sequence, text = bare(node.get("cp", "")), (node.text or "").replace("’", "'")
            if node.get("type") == "tts":
                names[sequence] = text.replace(": ", ", ")
            else:
                keywords[sequence] = [word.strip() for word in text.split("|") if "," not in word]
    return names, keywords


class EmojiFont:
    """The colour bitmaps of a CBDT font, by sequence."""

    def __init__(self, path: Path):
        font = TTFont(path)
        self.characters = font.getBestCmap()
        self.bitmaps = font["CBDT"].strikeData[0]
        self.ligatures: dict[tuple[str, ...], str] = {}
        for lookup in font["GSUB"].table.LookupList.Lookup:
            for table in lookup.SubTable:
                table = getattr(table, "ExtSubTable", table)
                for first, ligatures in getattr(table, "ligatures", {}).items():
                    for ligature in ligatures:
                        self.ligatures[(first, *ligature.Component)] = ligature.LigGlyph

    def bitmap(self, sequence: str) -> bytes | None:
        """The PNG bytes of a sequence, or None if the font lacks it."""
        glyphs = tuple(self.characters.get(ord(character), "") for character in bare(sequence))
        glyph = glyphs[0] if len(glyphs) == 1 else self.ligatures.get(glyphs)
        data = self.bitmaps.get(glyph)
        return bytes(data.imageData) if data else None


def emoji(cache: Path, dictionary: Dictionary) -> Iterator[Drawing]:
    """Prepare the emoji; their names join the dictionary."""
    package = fetch(PACKAGE, cache)
    font = EmojiFont(package.folder / FONT)
    folder = fetch("unicode-cldr-core", cache).folder / ANNOTATIONS
    author, licence = package.copyright_file().lookup(PICTURES)
    texts = {language: annotations(folder, language) for language in LANGUAGES}
    for sequence in listed(fetch("unicode-data", cache).folder / LIST):
        key = bare(sequence)
        names = {language: texts[language][0].get(key, "") for language in LANGUAGES}
        names["en"] = names["en"].lower()
        if not names["en"] or NAMES_LEFT_OUT.search(names["en"]) or is_unsuitable(names["en"]):
            continue
        if all(names.values()):
            dictionary.add(names)
        bitmap = font.bitmap(sequence)
        keywords = {language: texts[language][1].get(key, []) for language in LANGUAGES}
        codes = "_".join(f"{ord(character):x}" for character in key)
        drawing = Drawing(PACKAGE, package.version, f"{FONT}:emoji_u{codes}", "", licence, author,
                          names, keywords)
        prepared = prepare(bitmap, drawing, cache) if bitmap else None
        if prepared:
            yield prepared
