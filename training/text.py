"""The tokenizer (byte-pair encoding in CLIP's format) and the small text encoder."""

import json
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

MERGES = 8000
TOKENS = 77
WIDTH = 128
WORD_MARK = 0.05
START, END = "<|startoftext|>", "<|endoftext|>"
# CLIP's word pattern (openai/CLIP, clip/simple_tokenizer.py).
WORD_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def learn_merges(texts: list[str]) -> list[tuple[str, str]]:
    """The most useful merges of byte symbols, the last symbol of a word ending in `</w>`."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(WORD_PATTERN), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    trainer = trainers.BpeTrainer(vocab_size=20_000, end_of_word_suffix="</w>",
                                  min_frequency=2, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(merge) for merge in merges[:MERGES]]


def byte_symbols() -> list[str]:
    """The 256 printable stand-ins for bytes, in the order of CLIP's vocabulary."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1),
                 *range(ord("®"), ord("ÿ") + 1)]
    return [chr(byte) for byte in printable] + [chr(256 + n) for n in range(256 - len(printable))]


def write_tokenizer(folder: Path, texts: list[str]) -> None:
    """Write `vocab.json`, `merges.txt` and the configuration of a CLIPTokenizer for `texts`."""
    folder.mkdir(parents=True, exist_ok=True)
    merges = learn_merges(texts)
    symbols = byte_symbols()
    vocabulary = symbols + [symbol + "</w>" for symbol in symbols]
    vocabulary += dict.fromkeys(first + second for first, second in merges)
    vocabulary = [*dict.fromkeys(vocabulary), START, END]
    ids = {token: index for index, token in enumerate(vocabulary)}
    lines = ["#version: 0.2", *(f"{first} {second}" for first, second in merges)]
    configuration = {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": TOKENS, "do_lower_case": True,
        "add_prefix_space": False, "errors": "replace", "bos_token": START, "eos_token": END,
        "unk_token": END, "pad_token": END,
    }
    special = {name: configuration[name] for name in ("bos_token", "eos_token", "unk_token", "pad_token")}
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(configuration, indent=2) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")


def make_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Three CLIP layers, 128 wide, from token ids `[B, 77]` to states `[B, 77, 128]`."""
    model = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=512, projection_dim=WIDTH,
        num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=TOKENS,
        hidden_act="quick_gelu", bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    _attend_to_words(model, [tokenizer.bos_token_id, tokenizer.eos_token_id])
    return model


@torch.no_grad()
def _attend_to_words(model: CLIPTextModel, special_ids: list[int]) -> None:
    """Start the first layer so that every position, padding included, gathers the words before it.

    A caption is a few tokens among some 70 of padding. Attention that starts out uniform
    loses the words among them, and the UNet learns to look away. One dimension of the
    embedding marks words from special tokens; one dimension of each head's queries and keys
    reads it, so that special tokens get e⁻¹⁰ of a word's attention.
    """
    model.embeddings.token_embedding.weight[:, 0] = WORD_MARK
    model.embeddings.token_embedding.weight[special_ids, 0] = -WORD_MARK
    model.embeddings.position_embedding.weight[:, 0] = 0
    attention = model.encoder.layers[0].self_attn
    for row in range(0, WIDTH, attention.head_dim):
        attention.q_proj.weight[row] = 0
        attention.q_proj.bias[row] = 4
        attention.k_proj.weight[row] = 0
        attention.k_proj.weight[row, 0] = 4


def tokenise(tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    """Token ids `[B, 77]`, padded with the end token as the engines do."""
    return tokenizer(captions, padding="max_length", max_length=TOKENS, truncation=True,
                     return_tensors="pt").input_ids
