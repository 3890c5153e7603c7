"""The stamps of Tux Paint: drawings and cut-out photographs, captioned in many languages."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .debian import fetch
from .drawings import NOT_WANTED, Drawing, is_unsuitable, load_names, prepare, render_svg
from .words import LANGUAGES, Dictionary

PACKAGE = "tuxpaint-stamps-default"
ROOT = "usr/share/tuxpaint/stamps"
LONGEST_CAPTION_WORDS = 9
LEFT_OUT = re.compile(
    r"^(symbols/(?!shapes/|faces/)|military/|town/(flags|roadsigns)/|seasonal/hanukkah/|clothes/armor/)"
    r"|balloon\.(png|svg)$|people/body_parts/"
)
QUOTES = str.maketrans("’“”«»", "'\"\"\"\"", "\u200b")
ARTICLES = {
    "en": re.compile(r"^(a|an|the|some|this is a|this is an)\s+", re.IGNORECASE),
    "es": re.compile(r"^(un|una|unos|unas|algunos|algunas|el|la|los|las)\s+", re.IGNORECASE),
    "fr": re.compile(r"^(une?|des|du|de la|les?|la|de l'|l'|d')\s*(?<=[\s'])", re.IGNORECASE),
}


def first_phrase(text: str, language: str) -> str:
    """The first sentence in lower case, without its article and full stop; "" if it is long."""
    text = text.lower().translate(QUOTES).strip()
    text = re.split(r"(?<=\w)\s?[.!?;:…](?:\s|$)|[(—–]", text)[0]
    text = ARTICLES[language].sub("", text.strip(" .,!¡¿\"|")).strip()
    return text if len(text.split()) <= LONGEST_CAPTION_WORDS else ""


def captions_beside(path: Path) -> dict[str, str]:
    """The captions of a stamp: English in the first line, then `es.utf8=…`, `fr.utf8=…`."""
    lines = path.with_suffix(".txt").read_text(encoding="utf-8", errors="replace").splitlines()
    found = {"en": lines[0] if lines else ""}
    for line in lines[1:]:
        language, mark, text = line.partition(".utf8=")
        if mark and language in ("es", "fr"):
            found[language] = text
    captions = {language: first_phrase(found.get(language, ""), language) for language in LANGUAGES}
    if "," not in captions["en"]:
        captions = {language: text.split(",")[0] for language, text in captions.items()}
    return captions


def stamps(cache: Path, dictionary: Dictionary) -> Iterator[Drawing]:
    """Prepare the stamps, an SVG file rather than a PNG file of the same name."""
    package = fetch(PACKAGE, cache)
    root = package.folder / ROOT
    copyrights = package.copyright_file()
    own_names = load_names()
    paths = {}
    for path in sorted([*root.rglob("*.png"), *root.rglob("*.svg")]):
        if not LEFT_OUT.search(str(path.relative_to(root))) and path.with_suffix(".txt").exists():
            paths[path.with_suffix("")] = path

    def stamp(path: Path) -> Drawing | None:
        name = str(path.relative_to(root))
        captions = captions_beside(path)
        captions["en"] = captions["en"] or re.sub(r"[\W\d_]+", " ", path.stem).strip().lower()
        if captions["en"] in own_names:
            captions = {"en": own_names[captions["en"]], "es": "", "fr": ""}
        if captions["en"] == NOT_WANTED or is_unsuitable(captions["en"], name):
            return None
        folders = [part for part in Path(name).parts[:-1] if part not in ("cartoon", "seasonal", "town")]
        author, licence = copyrights.lookup("stamps/" + name)
        rendered = render_svg(path) if path.suffix == ".svg" else None
        if path.suffix == ".svg" and not rendered:
            return None
        drawing = Drawing(PACKAGE, package.version, f"{ROOT}/{name}", "", licence, author,
                          captions, {"en": folders[::-1]})
        return prepare(path.read_bytes(), drawing, cache, rendered)

    with ThreadPoolExecutor(2) as pool:
        drawings = [drawing for drawing in pool.map(stamp, paths.values()) if drawing]
    for drawing in drawings:
        if all(drawing.captions.values()):
            dictionary.add(drawing.captions)
        else:
            known = dictionary.lookup(drawing.captions["en"])
            drawing.captions = {language: drawing.captions[language] or known.get(language, "")
                                for language in LANGUAGES}
        yield drawing
