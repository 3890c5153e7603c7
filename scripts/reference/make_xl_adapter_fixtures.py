"""Write small LoRAs and an embedding for SDXL, with both of its text encoders, and what diffusers makes of them.

    python make_xl_adapter_fixtures.py [--out fixtures/parity/adapters-xl]

The model is `fixtures/parity/families/sdxl`. Needs peft and lycoris-lora, as `make_adapter_fixtures.py`, whose head says more.

* `kohya.safetensors`: attention of the denoiser in the names of the original code (`lora_unet_input_blocks_…`), as LoRAs for
  SDXL come, and both text encoders (`lora_te1_…`, `lora_te2_…`), with alphas.
* `diffusers.safetensors`: other changes in the names of diffusers (`unet.…`, `text_encoder.…`, `text_encoder_2.…`).
* `words.safetensors`: a word of two vectors for each text encoder, `clip_l` and `clip_g`.
* `results.safetensors`: `NAME/picture` (U8, `[H, W, 3]`) by diffusers; `cases.json` with their settings.
"""
import argparse
import json
import pathlib

import diffusers
import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from make_adapter_fixtures import (ALPHA, GUIDANCE, LINEAR, NEGATIVE, PROMPT, RANK, ROOT, SEED, STEPS, TEXT, Draws, layers,
                                   low_rank, original_names, picture)
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

MODEL = ROOT / "fixtures/parity/families/sdxl"
ENCODERS = (("te1", "text_encoder"), ("te2", "text_encoder_2"))


def load() -> StableDiffusionXLPipeline:
    kinds = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel,
             "text_encoder_2": CLIPTextModelWithProjection}
    parts = {part: kind.from_pretrained(MODEL / part, torch_dtype=torch.float32) for part, kind in kinds.items()}
    parts |= {part: CLIPTokenizer.from_pretrained(MODEL / part) for part in ("tokenizer", "tokenizer_2")}
    pipe = StableDiffusionXLPipeline(
        scheduler=EulerDiscreteScheduler.from_pretrained(MODEL / "scheduler"), force_zeros_for_empty_prompt=True,
        add_watermarker=False, **parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def write(out: pathlib.Path) -> None:
    pipe, kohya, own = load(), {}, {}
    draw, other = Draws(11), Draws(12)
    attention = list(layers(pipe.unet, LINEAR[:4]))
    names = original_names([name for name, _ in attention], 2, 1)
    for name, layer in attention:
        down, up = low_rank(layer, draw)
        stem = "lora_unet_" + names[name].replace(".", "_")
        kohya |= {f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up, f"{stem}.alpha": torch.tensor(ALPHA)}
        down, up = low_rank(layer, other)
        own |= {f"unet.{name}.lora_A.weight": down, f"unet.{name}.lora_B.weight": up}
    for short, part in ENCODERS:
        for name, layer in layers(getattr(pipe, part), TEXT):
            name = "text_model." + name.removeprefix("text_model.")
            down, up = low_rank(layer, draw)
            stem = f"lora_{short}_{name.replace('.', '_')}"
            kohya |= {f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up, f"{stem}.alpha": torch.tensor(ALPHA)}
            down, up = low_rank(layer, other)
            own |= {f"{part}.{name}.lora_A.weight": down, f"{part}.{name}.lora_B.weight": up}
    words = {key: draw(2, getattr(pipe, part).config.hidden_size, std=1.0).float()
             for key, part in (("clip_l", "text_encoder"), ("clip_g", "text_encoder_2"))}
    save_file({k: v.contiguous() for k, v in kohya.items()}, out / "kohya.safetensors", {"ss_network_dim": str(RANK)})
    save_file({k: v.contiguous() for k, v in own.items()}, out / "diffusers.safetensors")
    save_file(words, out / "words.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "fixtures/parity/adapters-xl")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    diffusers.utils.logging.set_verbosity_error()
    write(out)
    results, cases = {}, []

    def keep(name: str, pipe, *, loras=(), embeddings=(), **more) -> None:
        results[f"{name}/picture"] = picture(pipe, **more)
        cases.append({"name": name, "loras": list(loras), "embeddings": list(embeddings), "prompt": PROMPT,
                      "negative": NEGATIVE, "steps": STEPS, "guidance": GUIDANCE, "seed": SEED, "sampler": None} | more)

    keep("plain", load())
    for file in ("kohya", "diffusers"):
        pipe = load()
        pipe.load_lora_weights(str(out), weight_name=f"{file}.safetensors", adapter_name="a")
        adapted = [part for _, part in ENCODERS if getattr(getattr(pipe, part), "peft_config", None)]
        assert adapted == ["text_encoder", "text_encoder_2"], adapted
        pipe.set_adapters(["a"], [0.8])
        keep(file, pipe, loras=[f"{file}.safetensors:0.8"])
    pipe = load()
    vectors = load_file(out / "words.safetensors")
    pipe.load_textual_inversion(vectors["clip_l"], token="words", text_encoder=pipe.text_encoder, tokenizer=pipe.tokenizer)
    pipe.load_textual_inversion(vectors["clip_g"], token="words", text_encoder=pipe.text_encoder_2, tokenizer=pipe.tokenizer_2)
    keep("words", pipe, embeddings=["words.safetensors"], prompt="a photo of words by the sea", negative="blurry, words, text")
    save_file(results, out / "results.safetensors")
    (out / "cases.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n")
    print({name: round(tensor.float().std().item()) for name, tensor in results.items()})


if __name__ == "__main__":
    main()
