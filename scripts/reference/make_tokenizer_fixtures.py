"""Write fixtures/parity/tokenizer: a small byte-pair vocabulary in CLIP's form, and what transformers makes of texts.

    python scripts/reference/make_tokenizer_fixtures.py

Versions: scripts/reference/requirements.txt. The vocabulary is learned here from the sentences below (ours).
Deterministic: running it again writes the same bytes.
"""
import collections
import json
import pathlib
import random

from transformers import CLIPTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "parity" / "tokenizer"
MERGES = 400
CORPUS = """
A photo of a red fox in the snow, highly detailed, 4k. An oil painting of a ship on a stormy sea at sunset.
The old lighthouse doesn't sleep; it's keeping watch over the harbour. They'll see that we've painted the sky.
A wide landscape photograph of mountains, a lake and a wooden cabin, soft morning light, fog in the valley.
Portrait of an old man with a beard, studio lighting, black and white. I'm sure she'd like the watercolour, and they're
happy. Street with houses, cars and trees in autumn; leaves on the ground. A cat's paw. A bowl of fruit on a table,
still life, in the style of the old masters. Blue sky with white clouds over green hills, sheep and a stone wall.
Ein Fuchs im Schnee. Une forêt au bord de la mer, très détaillée. Una città antica con torri e canali. Gökyüzü mavi.
Красная лиса в снегу и старый дом у реки. Ένα μικρό καράβι στη θάλασσα. 雪の中の赤い狐、古い家と川。
"""
TEXTS = [
    "", " ", "a", "a photo of a red fox", "A PHOTO of a Red FOX!", "  spaces\tand\nnew\r\nlines  ", "don't DON'T they'll we'VE i'm",
    "'s 't ''s '''re 'x x's' 'd'd", "(masterpiece:1.2), best quality, 8k -- \"quoted\" [x] {y} <z>", "100% 3.14 ½ ② Ⅷ ٣ 1234567890",
    "!!! ... ?!?! --- ___ ~~~ :-) ;) </w> <w>", "forêt très détaillée", "fore\u0302t tre\u0300s de\u0301taille\u0301e",
    "İstanbul ışık ŞĞÜ", "Straße STRASSE ẞ", "ΣΊΣΥΦΟΣ σίσυφος Ὀδυσσεύς", "красная ЛИСА", "雪の中の赤い狐", "한국어 한국어",
    "\u1112\u1161\u11ab\u1100\u116e\u11a8", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "😀😃 fox 🦊❄️ 👩‍👩‍👧‍👦 🇩🇪 ☃️", "a\u00a0b\u2003c\u3000d\u0085e\u2028f\u200bg\ufeffh\u180ei",
    "nul\u0000 bell\u0007 esc\u001b fs\u001c us\u001f del\u007f", "<|startoftext|>a fox<|endoftext|>", "x<|endoftext|>y", "<|STARTOFTEXT|> <|EndOfText|>!!",
    "!<|ENDOFTEXT|>'s", "<|endoftext", "Å Å Å ﬁ ﬀ ǅ Ω Ω K", "a\u0301\u0323 a\u0323\u0301 \u0301 q\u0307\u0323", "\u0344 \u0958 \u2126 \u212b \ufb1d", "ﷺ 🄰 🅱 ⓐ Ⓐ 𝒜𝓫𝔠 𐐀𐐨 Ꭰꭰ",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "photophotophoto-photo", "the the the", "x" * 300, "snow, " * 60, "❄" * 40,
]


def characters():
    """Texts of characters from all over Unicode."""
    source = random.Random(7)
    ranges = [(0x20, 0x7F), (0x80, 0x250), (0x300, 0x370), (0x370, 0x600), (0x900, 0xE00), (0x1E00, 0x2100), (0x2100, 0x2C00),
              (0x3000, 0x3200), (0xA640, 0xA700), (0xAC00, 0xAD00), (0xF900, 0xFB50), (0x10400, 0x10450), (0x1D100, 0x1D500),
              (0x1F300, 0x1F700)]
    for _ in range(120):
        low, high = source.choice(ranges)
        words = ["".join(chr(source.randrange(low, high)) for _ in range(source.randrange(1, 8))) for _ in range(4)]
        yield " ".join(words)


def alphabet():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]


def learn():
    """The merges of plain byte-pair encoding over the corpus' pieces."""
    letters = alphabet()
    base = {**{c: i for i, c in enumerate(letters + [c + "</w>" for c in letters])}}
    pre = CLIPTokenizer(vocab={**base, "<|startoftext|>": 512, "<|endoftext|>": 513}, merges=[]).backend_tokenizer
    words = collections.Counter(
        piece for piece, _ in pre.pre_tokenizer.pre_tokenize_str(pre.normalizer.normalize_str(CORPUS)))
    words = {tuple(word[:-1]) + (word[-1] + "</w>",): count for word, count in words.items()}
    merges = []
    while len(merges) < MERGES:
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged = {}
        for word, count in words.items():
            parts, index = [], 0
            while index < len(word):
                if word[index:index + 2] == best:
                    parts.append(best[0] + best[1])
                    index += 2
                else:
                    parts.append(word[index])
                    index += 1
            merged[tuple(parts)] = merged.get(tuple(parts), 0) + count
        words = merged
    vocabulary = letters + [c + "</w>" for c in letters] + ["".join(pair) for pair in merges]
    vocabulary = list(dict.fromkeys(vocabulary)) + ["<|startoftext|>", "<|endoftext|>"]
    return {token: index for index, token in enumerate(vocabulary)}, [" ".join(pair) for pair in merges]


def write_cases(path, cases):
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


def write_saved(padded):
    """The same as transformers 5 saves it, with words added as learning them adds them, read again from that file alone."""
    folder = ROOT / "saved"
    padded.add_tokens(["<s1>", "Foo Bar"])
    padded.add_tokens(["<S2>"], special_tokens=True)
    padded.save_pretrained(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    texts = TEXTS[:31] + ["a <s1> b, <S1>x", "foo bar FOO   BAR FooBar", "x<s2> <S2>y", "!<s1>!"]
    write_cases(folder / "cases.json", [
        {"text": text, "window": tokenizer(text, padding="max_length", max_length=77, truncation=True).input_ids}
        for text in texts])


def main():
    ROOT.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = learn()
    (ROOT / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (ROOT / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    names = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
             "unk_token": "<|endoftext|>"}
    (ROOT / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "do_lower_case": True, "model_max_length": 77, **names}, indent=1) + "\n")
    (ROOT / "special_tokens_map.json").write_text(json.dumps(names, indent=1) + "\n")
    plain = CLIPTokenizer.from_pretrained(ROOT)
    # Stable Diffusion 2.x fills windows up with '!'.
    padded = CLIPTokenizer.from_pretrained(ROOT, pad_token="!")
    cases = []
    for text in [*TEXTS, *characters()]:
        window = padded(text, padding="max_length", max_length=77, truncation=True).input_ids
        cases.append({"text": text, "tokens": plain(text).input_ids[1:-1], "window": window if len(text) < 30 else None})
    write_cases(ROOT / "cases.json", cases)
    write_saved(padded)


if __name__ == "__main__":
    main()
