"""Random captions of a scene, in three languages, from whole sentences down to one word."""

import random

from phrases import HERE, LANGUAGES, dressed, read_table

LANGUAGE_WEIGHTS = (2, 1, 1)
JOINERS = {"en": (", ", " and "), "es": (", ", " y "), "fr": (", ", " et ")}
ANY_DRAWING = {"en": "drawing", "es": "dibujo", "fr": "dessin"}
ANY_DRAWING_SHARE = 0.05
GROUNDS = {"en": (", ", " on ", " in front of "), "es": (", ", " sobre "), "fr": (", ", " sur ")}


class CaptionWriter:
    """Draws captions from a manifest row's sentences and tags; "" for one photograph or texture in ten.

    A drawing is never shown without words: no words mean scenery, and what a hole is mended with. One in twenty
    has words that say no more than that it is a drawing.
    """

    def __init__(self, rng: random.Random, empty_share: float = 0.1):
        self.words = {row["tag"]: row for row in read_table(HERE / "data" / "words.tsv")}
        self.rng, self.empty_share = rng, empty_share

    def scenery(self, row: dict[str, str]) -> str:
        """Of a photograph or a texture: a sentence, a part of one, or one to four tags."""
        rng = self.rng
        if rng.random() < self.empty_share:
            return ""
        language = rng.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        sentence = row[f"caption_{language}"].rstrip(".")
        form = rng.random()
        if form < 0.2:
            return sentence
        if form < 0.35:
            return rng.choice(sentence.split(", ")).strip()
        if form < 0.65:
            # As a thing is asked for: an article alone must not mean a drawing.
            return dressed(self.tag_words(row, language, 1), language, rng)
        return self.tag_words(row, language, rng.randint(1, 4))

    def name(self, words: dict[str, str]) -> str:
        """What `words` call something in one of the languages, as people type it."""
        language = self.rng.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        return dressed(words[language], language, self.rng)

    def drawing(self, row: dict[str, str], ground: dict[str, str] | None) -> str:
        """Of a drawing: its name or a keyword, now and then with what it stands on."""
        rng = self.rng
        known = [language for language in LANGUAGES if row[f"caption_{language}"]]
        weights = [LANGUAGE_WEIGHTS[LANGUAGES.index(language)] for language in known]
        language = rng.choices(known, weights)[0]
        if rng.random() < ANY_DRAWING_SHARE:
            return dressed(ANY_DRAWING[language], language, rng)
        name, form = row[f"caption_{language}"], rng.random()
        keywords = [word for word in self._keywords(row, language) if word]
        if keywords and form < 0.25:
            name = keywords[0]
        elif keywords and form < 0.35:
            name = rng.choice(keywords)
        text = dressed(name, language, rng)
        if ground and rng.random() < 0.25:
            text += rng.choice(GROUNDS[language]) + self.tag_words(ground, language, 1)
        return text

    def tag_words(self, row: dict[str, str], language: str, most: int) -> str:
        """Up to `most` of the row's tags, as words of `language`, in random order."""
        tags = [tag for tag in row["tags"].split(",") if tag in self.words]
        tags = self.rng.sample(tags, min(len(tags), most))
        return self.rng.choice(JOINERS[language]).join(self.words[tag][language] for tag in tags)

    @staticmethod
    def _keywords(row: dict[str, str], language: str) -> list[str]:
        return row["tags" if language == "en" else f"tags_{language}"].split(",")
