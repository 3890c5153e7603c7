"""The vocabularies in `training/data`, and English captions put into Spanish and French."""

import csv
import re
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
LANGUAGES = ("en", "es", "fr")
# Last words that mean something else with a word before them: "baseball bat", "onion rings".
AMBIGUOUS = {"bat", "ring", "mouse", "ball", "glass", "nail"}


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of a tab-separated file of `training/data`."""
    with open(DATA / name, encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def load_words() -> dict[str, dict[str, str]]:
    """The tag vocabulary of photographs and textures: tag → language → word."""
    return {row["tag"]: row for row in read_table("words.tsv")}


def singular(phrase: str) -> str:
    """An English phrase with a regular plural ending taken off: a key, not prose."""
    for ending, replacement in (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x")):
        if phrase.endswith(ending) and len(phrase) > len(ending) + 2:
            return phrase[:-len(ending)] + replacement
    return phrase[:-1] if phrase.endswith("s") and not phrase.endswith("ss") else phrase


def heads(caption: str) -> list[str]:
    """The noun phrase a caption is about, longest first ("small red car on a road" →
    "small red car", "red car", "car"), as keys for a dictionary."""
    phrase = re.split(r",| (?:with|of|in|on|at|and|for|from|by|to|\w+ing) ", caption)[0].split()
    return [singular(" ".join(phrase[start:])) for start in range(len(phrase))]


class Dictionary:
    """Translations gathered from every source that has them; the first one added stays."""

    def __init__(self):
        self.entries: dict[str, dict[str, str]] = {}

    def add(self, row: dict[str, str]) -> None:
        """Take `en`, `es` and `fr` of a row."""
        self.entries.setdefault(singular(row["en"]), {name: row[name] for name in LANGUAGES})

    def lookup(self, caption: str) -> dict[str, str]:
        """Spanish and French of a caption, or of what it is about; empty if unknown."""
        whole = singular(caption)
        keys = [whole] + [key for key in heads(caption) if key not in AMBIGUOUS]
        return next((self.entries[key] for key in keys if key in self.entries), {})
