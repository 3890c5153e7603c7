"""Phrases in English, Spanish and French, each with the English phrase that says the same.

What the tokenizer learns its merges from and what the text encoder learns to understand:
the captions and words of the data set, the names of emoji (Unicode CLDR), the entries of
the FreeDict dictionaries, and compositions of these ("a red heart on the sand").
"""

import csv
import gzip
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

from dataset.debian import fetch
from dataset.emoji import ANNOTATIONS, annotations

HERE = Path(__file__).resolve().parent
LANGUAGES = ("en", "es", "fr")
DICTIONARIES = {
    "dict-freedict-spa-eng": "es", "dict-freedict-fra-eng": "fr",
    "dict-freedict-eng-spa": "es", "dict-freedict-eng-fra": "fr",
}
LONGEST_NAME_WORDS = 4

COLOURS = [
    ("red", "rojo|roja", "rouge"), ("orange", "naranja", "orange"), ("yellow", "amarillo|amarilla", "jaune"),
    ("green", "verde", "vert|verte"), ("blue", "azul", "bleu|bleue"), ("purple", "morado|morada", "violet|violette"),
    ("pink", "rosa", "rose"), ("brown", "marrón", "brun|marron"), ("black", "negro|negra", "noir|noire"),
    ("white", "blanco|blanca", "blanc|blanche"), ("grey", "gris", "gris|grise"),
    ("golden", "dorado|dorada", "doré|dorée"), ("big", "grande", "grand|grande"),
    ("small", "pequeño|pequeña", "petit|petite"), ("old", "viejo|vieja", "vieux|vieille"),
    ("dark", "oscuro|oscura", "sombre"), ("bright", "brillante", "brillant|brillante"),
    ("snowy", "nevado|nevada", "enneigé|enneigée"), ("misty", "con niebla", "brumeux|brumeuse"),
]
RELATIONS = [
    ("on", "sobre", "sur"), ("in", "en", "dans"), ("under", "bajo", "sous"), ("over", "sobre", "au-dessus de"),
    ("with", "con", "avec"), ("and", "y", "et"), (",", ",", ","), ("near", "cerca de", "près de"),
    ("in front of", "delante de", "devant"),
]
CIRCUMSTANCES = [
    ("at night", "de noche", "de nuit"), ("at sunset", "al atardecer", "au coucher du soleil"),
    ("in the snow", "en la nieve", "dans la neige"), ("in the fog", "en la niebla", "dans le brouillard"),
    ("in winter", "en invierno", "en hiver"), ("in autumn", "en otoño", "en automne"),
    ("by the sea", "junto al mar", "au bord de la mer"), ("in the rain", "bajo la lluvia", "sous la pluie"),
]
MADE_OF = [
    ("wall", "pared de|muro de", "mur de|mur en"), ("floor", "suelo de|piso de", "sol de|sol en"),
    ("field", "campo de", "champ de"), ("road", "camino de|carretera de", "route de|chemin de"),
]
ARTICLES = {
    "en": ("a", "an", "the", "some", "one"),
    "es": ("un", "una", "el", "la", "los", "las", "unos", "unas"),
    "fr": ("un", "une", "le", "la", "les", "des"),
}
FRAMES = {
    "en": ("a photo of {}", "a drawing of {}", "a picture of {}", "an image of {}", "there is {}", "please draw {}"),
    "es": ("una foto de {}", "un dibujo de {}", "una imagen de {}", "hay {}"),
    "fr": ("une photo de {}", "un dessin de {}", "une image de {}", "il y a {}"),
}


@dataclass
class Phrase:
    """One meaning: `forms[language]` are ways to say it, `english` is what the teacher reads."""

    english: str
    forms: dict[str, list[str]] = field(default_factory=dict)


def phrase(texts: dict[str, str]) -> Phrase:
    """A phrase from a row's texts; languages that it lacks are left out."""
    return Phrase(texts["en"].lower(), {language: [texts[language]] for language in LANGUAGES
                                        if texts.get(language)})


def read_table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def scenery() -> list[Phrase]:
    """The tags of photographs and textures."""
    return [phrase(row) for row in read_table(HERE / "data" / "words.tsv")]


def ordinary_things() -> list[Phrase]:
    """What people ask for most."""
    return [phrase(row) for row in read_table(HERE / "data" / "ordinary-things.tsv")]


def synonyms() -> list[Phrase]:
    """Other ways to ask for scenery and ordinary things."""
    return [Phrase(row["en"], {language: row[f"forms_{language}"].split("|") for language in LANGUAGES})
            for row in read_table(HERE / "data" / "synonyms.tsv")]


def plural(text: str, language: str) -> str:
    """A regular plural of the first word (of the last in English); now and then a wrong one."""
    first, _, rest = (text, "", "") if language == "en" else text.partition(" ")
    ending = "es" if language == "es" and first[-1:] not in "aeiouáéó" else "s"
    ending = "" if first[-1:] in "sxz" else ending
    return f"{first}{ending} {rest}".strip()


def named_things(cache: Path) -> list[Phrase]:
    """Ordinary things, the drawings of the manifest with their keywords, and the emoji."""
    found = ordinary_things()
    for row in read_table(HERE / "manifest.tsv"):
        if row["kind"] == "drawing":
            found.append(phrase({language: row[f"caption_{language}"] for language in LANGUAGES}))
            found += [phrase({"en": word}) for word in row["tags"].split(",") if word]
    folder = fetch("unicode-cldr-core", cache).folder / ANNOTATIONS
    names = {language: annotations(folder, language)[0] for language in LANGUAGES}
    found += [phrase({language: names[language].get(key, "") for language in LANGUAGES})
              for key in names["en"]]
    return merged(found)


def merged(phrases: list[Phrase]) -> list[Phrase]:
    """One phrase a meaning, with all its forms."""
    result: dict[str, Phrase] = {}
    for one in phrases:
        known = result.setdefault(one.english, Phrase(one.english))
        for language, forms in one.forms.items():
            own = known.forms.setdefault(language, [])
            own += [form for form in forms if form not in own]
    return list(result.values())


def photo_captions() -> list[Phrase]:
    """The sentences that describe photographs of the training split."""
    return [phrase({language: row[f"caption_{language}"].rstrip(".") for language in LANGUAGES})
            for row in read_table(HERE / "manifest.tsv")
            if row["kind"] == "photo" and row["split"] == "train"]


def dictionary_entries(cache: Path) -> list[Phrase]:
    """Words of the FreeDict dictionaries with their first translations."""
    found = []
    for package, language in DICTIONARIES.items():
        folder = fetch(package, cache).folder / "usr/share/dictd"
        text = gzip.open(next(folder.glob("*.dict.dz")), "rt", encoding="utf-8").read()
        headword = ""
        for line in text.splitlines():
            if head := re.match(r"(\S[^/]*?) /.*/", line):
                headword = head[1]
            elif headword:
                translation = re.sub(r"^\d+\. ", "", line).split(",")[0].strip()
                if translation and "<" not in translation and len(translation.split()) <= 2:
                    english = translation if package.endswith("-eng") else headword
                    foreign = headword if package.endswith("-eng") else translation
                    found.append(phrase({"en": english, language: foreign}))
                headword = ""
    return merged(found)


class Composer:
    """Draws compositions of named things and scenery, in every language that can say them."""

    def __init__(self, things: list[Phrase], places: list[Phrase], rng: random.Random):
        short = [one for one in things if len(one.english.split()) <= LONGEST_NAME_WORDS]
        complete = [one for one in short if len(one.forms) == len(LANGUAGES)]
        self.things, self.complete, self.places, self.rng = short, complete, places, rng

    def thing(self) -> Phrase:
        choice = self.rng.random()
        source = self.places if choice < 0.3 else self.complete if choice < 0.7 else self.things
        return self.rng.choice(source)

    def __call__(self) -> Phrase:
        rng, thing = self.rng, self.thing()
        choice = rng.random()
        if choice < 0.35:
            colour = dict(zip(LANGUAGES, rng.choice(COLOURS)))
            return self._joined([thing], lambda language, name: (
                f"{colour['en']} {name}" if language == "en"
                else f"{name} {rng.choice(colour[language].split('|'))}"))
        if choice < 0.42:
            made = dict(zip(LANGUAGES, rng.choice(MADE_OF)))
            return self._joined([thing], lambda language, name: (
                f"{name} {made['en']}" if language == "en"
                else f"{rng.choice(made[language].split('|'))} {name}"))
        if choice < 0.55:
            circumstance = dict(zip(LANGUAGES, rng.choice(CIRCUMSTANCES)))
            return self._joined([thing], lambda language, name: f"{name} {circumstance[language]}")
        relation = dict(zip(LANGUAGES, rng.choice(RELATIONS)))
        other = rng.choice(self.places) if rng.random() < 0.6 else self.thing()
        return self._joined([thing, other], lambda language, name, second: (
            f"{name}{relation[language]} {second}" if relation[language] == ","
            else f"{name} {relation[language]} {second}"))

    def _joined(self, parts: list[Phrase], join) -> Phrase:
        forms = {language: [join(language, *(self.rng.choice(part.forms[language]) for part in parts))]
                 for language in LANGUAGES if all(language in part.forms for part in parts)}
        return Phrase(join("en", *(part.english for part in parts)), forms)


def dressed(text: str, language: str, rng: random.Random) -> str:
    """`text` as people type it: bare, with an article, or in a frame such as "a photo of"."""
    if len(text.split()) <= 2 and rng.random() < 0.1:
        text = plural(text, language)
    choice = rng.random()
    if choice < 0.5:
        return text
    if choice < 0.75 or len(text.split()) > LONGEST_NAME_WORDS:
        return f"{rng.choice(ARTICLES[language])} {text}"
    return rng.choice(FRAMES[language]).format(
        text if rng.random() < 0.5 else f"{rng.choice(ARTICLES[language])} {text}")
