"""Random captions of a picture, in three languages, from whole sentences down to one word."""

import csv
import random
from pathlib import Path

HERE = Path(__file__).resolve().parent
LANGUAGES = ("en", "es", "fr")
LANGUAGE_WEIGHTS = (2, 1, 1)
JOINERS = {"en": (", ", " and "), "es": (", ", " y "), "fr": (", ", " et ")}


class CaptionWriter:
    """Draws captions from a manifest row's sentences and tags; "" one time in ten."""

    def __init__(self, rng: random.Random, empty_share: float = 0.1):
        with open(HERE / "data" / "words.tsv", encoding="utf-8") as file:
            self.words = {row["tag"]: row for row in csv.DictReader(file, delimiter="\t")}
        self.rng, self.empty_share = rng, empty_share

    def __call__(self, row: dict[str, str]) -> str:
        rng = self.rng
        if rng.random() < self.empty_share:
            return ""
        language = rng.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        sentence = row[f"caption_{language}"].rstrip(".")
        form = rng.random()
        if form < 0.25:
            return sentence
        if form < 0.4:
            return rng.choice(sentence.split(", ")).strip()
        return self.tag_words(row, language)

    def tag_words(self, row: dict[str, str], language: str) -> str:
        """One to four of the row's tags, as words of `language`, in random order."""
        tags = [tag for tag in row["tags"].split(",") if tag in self.words]
        tags = self.rng.sample(tags, min(len(tags), self.rng.randint(1, 4)))
        return self.rng.choice(JOINERS[language]).join(self.words[tag][language] for tag in tags)


def all_texts() -> list[str]:
    """Every sentence and word of the captions: what the tokenizer learns its merges from."""
    texts = []
    with open(HERE / "manifest.tsv", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["kind"] == "photo":
                texts += [row[f"caption_{language}"] for language in LANGUAGES]
    with open(HERE / "data" / "words.tsv", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            texts += [row[language] for language in LANGUAGES] * 20
    return texts
