"""The words that the denoiser was taught to paint, for the editor to say which it was not."""

import re
from collections import Counter

from phrases import (ARTICLES, CIRCUMSTANCES, COLOURS, FRAMES, HERE, LANGUAGES, MADE_OF, RELATIONS, photo_captions,
                     read_table, scenery, synonyms)

# A word in the descriptions of so many training photographs was seen often enough.
PHOTOS = 2
# What ties words together and shows nothing.
FUNCTION_WORDS = ("as at by for from of to two three very como de del con al dos tres muy comme du aux au deux trois très "
                  "par l d")


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())


def known_words() -> list[str]:
    """In lower case, of all languages, sorted.

    Of the pictures of `data/typical.tsv` those that the model's results can be told for, by eye (`seen`).
    """
    typical = read_table(HERE / "data" / "typical.tsv")
    vague = {row["en"] for row in typical if row["seen"] == "no"}
    texts = [row[language] for row in typical if row["en"] not in vague for language in LANGUAGES]
    texts += [form for phrase in scenery() + synonyms() if phrase.english not in vague
              for forms in phrase.forms.values() for form in forms]
    texts += [form for table in (COLOURS, RELATIONS, CIRCUMSTANCES, MADE_OF) for forms in table for form in forms]
    texts += [text for table in (ARTICLES, FRAMES) for forms in table.values() for text in forms]
    texts.append(FUNCTION_WORDS)
    counts = Counter(word for phrase in photo_captions() for forms in phrase.forms.values()
                     for word in set(words(forms[0])))
    described = {word for word, count in counts.items() if count >= PHOTOS}
    return sorted({word for text in texts for word in words(text)} | described)
