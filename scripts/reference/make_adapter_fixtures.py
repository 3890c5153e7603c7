"""Write small LoRAs and embeddings in the layouts that people have, and what the reference makes of them.

    python make_adapter_fixtures.py [--out fixtures/parity/adapters]

The model is `fixtures/parity/pipelines/sd1`. Needs peft and lycoris-lora (`pip install peft==0.21.2 lycoris-lora==4.1.3`).

* `kohya.safetensors`: linear and convolution layers of the denoiser and linear ones of the text encoder, with alphas;
  `original-names.safetensors` the same changes of the denoiser under the names of the original code (`lora_unet_input_blocks_…`);
  `peft.safetensors` all of it as diffusers saves it. One picture stands for kohya and peft.
* `processors.safetensors`: attention only, in the names of diffusers' attention processors.
* `numbered.safetensors`: cloneofsimo's layout, in the order of its own `_find_modules_v2`, with a learned word; the same
  changes as its older lists, `numbered.pt` and `numbered.text_encoder.pt`.
* `lycoris.safetensors`: a layer each of LoCon with a core, LoHa, LoHa with cores, LoKr in five forms and DoRA, and in
  `merged.safetensors` what LyCORIS makes of those layers' weights (F32, at weight 1, `LAYER.weight`).
* `words.pt` (AUTOMATIC1111's), `words.safetensors` (`emb_params`), `learned_embeds.bin` (diffusers'): a textual inversion of
  two vectors (one in the last).
* `results.safetensors`: `NAME/picture` (U8, `[H, W, 3]`) by diffusers; `cases.json` with their settings.
"""
import argparse
import json
import pathlib

import numpy
import torch
from diffusers import LCMScheduler, StableDiffusionPipeline
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule
from safetensors.torch import save_file
from torch import nn

ROOT = pathlib.Path(__file__).parents[2]
SIZE, STEPS, SEED, GUIDANCE = (64, 48), 4, 3, 5.0
PROMPT, NEGATIVE = "a lighthouse on a cliff, oil painting", "blurry"
RANK, ALPHA = 2, 3.0
LINEAR = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "time_emb_proj")
CONVOLUTION = ("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv")
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


def load() -> StableDiffusionPipeline:
    pipe = StableDiffusionPipeline.from_pretrained(
        ROOT / "fixtures/parity/pipelines/sd1", torch_dtype=torch.float32, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def picture(pipe: StableDiffusionPipeline, prompt: str = PROMPT, negative: str = NEGATIVE, steps: int = STEPS,
            guidance: float = GUIDANCE) -> torch.Tensor:
    image = pipe(prompt=prompt, negative_prompt=negative, num_inference_steps=steps, guidance_scale=guidance,
                 width=SIZE[0], height=SIZE[1], generator=torch.Generator("cpu").manual_seed(SEED)).images[0]
    return torch.from_numpy(numpy.array(image.convert("RGB")))


class Draws:
    """Numbers that f16 holds exactly."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int, std: float = 0.4) -> torch.Tensor:
        return (torch.randn(shape, generator=self.generator) * std).half()


def layers(root: nn.Module, endings: tuple[str, ...]):
    for name, layer in root.named_modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)) and name.endswith(tuple("." + e for e in endings)):
            yield name, layer


def low_rank(layer: nn.Module, draw: Draws) -> tuple[torch.Tensor, torch.Tensor]:
    """Down and up of a layer, as peft shapes them."""
    if isinstance(layer, nn.Linear):
        return draw(RANK, layer.in_features), draw(layer.out_features, RANK)
    kernel = layer.kernel_size
    return draw(RANK, layer.in_channels, *kernel, std=0.2), draw(layer.out_channels, RANK, 1, 1)


def original_names(names: list[str], levels: int, resnets: int) -> dict[str, str]:
    """What the original code calls the denoiser's layers, after diffusers' own renaming of single files, inverted."""
    parts = {"conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "conv2": "out_layers.3",
             "conv_shortcut": "skip_connection"}
    found = {}
    for name in names:
        words = name.split(".")
        if words[0] == "mid_block":
            block = "middle_block." + ("1" if words[1] == "attentions" else str(2 * int(words[2])))
            rest = words[3:]
        else:
            level, kind, index, rest = int(words[1]), words[2], int(words[3]), words[4:]
            if words[0] == "down_blocks":
                base = 1 + level * (resnets + 1)
                block = {"resnets": f"input_blocks.{base + index}.0", "attentions": f"input_blocks.{base + index}.1",
                         "downsamplers": f"input_blocks.{base + resnets}.0"}[kind]
                rest = ["op"] if kind == "downsamplers" else rest
            else:
                base = level * (resnets + 1)
                place = "2" if any(n.startswith(f"up_blocks.{level}.attentions") for n in names) else "1"
                block = {"resnets": f"output_blocks.{base + index}.0", "attentions": f"output_blocks.{base + index}.1",
                         "upsamplers": f"output_blocks.{base + resnets}.{place}"}[kind]
        if len(rest) == 1:
            rest = [parts.get(rest[0], rest[0])]
        found[name] = ".".join([block, *rest])
    return found


def write_full(out: pathlib.Path) -> None:
    pipe, draw = load(), Draws(1)
    kohya, original, peft = {}, {}, {}
    denoiser = list(layers(pipe.unet, LINEAR + CONVOLUTION))
    names = original_names([n for n, _ in denoiser], 2, 1)
    for name, layer in denoiser:
        down, up = low_rank(layer, draw)
        for prefix, target in (("lora_unet_" + name.replace(".", "_"), kohya),
                               ("lora_unet_" + names[name].replace(".", "_"), original)):
            target |= {f"{prefix}.lora_down.weight": down, f"{prefix}.lora_up.weight": up,
                       f"{prefix}.alpha": torch.tensor(ALPHA)}
        peft |= {f"unet.{name}.lora_A.weight": down, f"unet.{name}.lora_B.weight": up * (ALPHA / RANK)}
    for name, layer in layers(pipe.text_encoder, TEXT):
        down, up = low_rank(layer, draw)
        prefix = "lora_te_text_model_" + name.removeprefix("text_model.").replace(".", "_")
        kohya |= {f"{prefix}.lora_down.weight": down, f"{prefix}.lora_up.weight": up, f"{prefix}.alpha": torch.tensor(ALPHA)}
        peft |= {f"text_encoder.{name}.lora_A.weight": down, f"text_encoder.{name}.lora_B.weight": up * (ALPHA / RANK)}
    save_file({k: v.contiguous() for k, v in kohya.items()}, out / "kohya.safetensors", {"ss_network_dim": str(RANK)})
    save_file({k: v.contiguous() for k, v in original.items()}, out / "original-names.safetensors")
    save_file({k: v.contiguous() for k, v in peft.items()}, out / "peft.safetensors")


def write_processors(out: pathlib.Path) -> None:
    pipe, draw, found = load(), Draws(2), {}
    for name, layer in layers(pipe.unet, LINEAR[:4]):
        down, up = low_rank(layer, draw)
        attention, _, key = name.partition(".to_")
        stem = f"unet.{attention}.processor.to_{key.removesuffix('.0')}_lora"
        found |= {f"{stem}.down.weight": down, f"{stem}.up.weight": up}
    save_file(found, out / "processors.safetensors")


def numbered(root: nn.Module, classes: set[str]):
    """The order of cloneofsimo/lora's `_find_modules_v2`: the linear layers below each module of those classes."""
    for module in root.modules():
        if type(module).__name__ in classes:
            for _, layer in module.named_modules():
                if isinstance(layer, nn.Linear):
                    yield layer


def write_numbered(out: pathlib.Path) -> StableDiffusionPipeline:
    """Writes the file; returns the model with the changes at 0.5 (W + 0.5 · up · down) and the word."""
    pipe, draw, found, metadata = load(), Draws(3), {}, {}
    for part, root, classes in (("unet", pipe.unet, {"CrossAttention", "Attention", "GEGLU"}),
                                ("text_encoder", pipe.text_encoder, {"CLIPAttention"})):
        metadata[part] = json.dumps(sorted(classes))
        for index, layer in enumerate(numbered(root, classes)):
            down, up = low_rank(layer, draw)
            found |= {f"{part}:{index}:down": down, f"{part}:{index}:up": up}
            metadata[f"{part}:{index}:rank"] = str(RANK)
            with torch.no_grad():
                layer.weight += 0.5 * (up.float() @ down.float())
    word = draw(pipe.text_encoder.config.hidden_size, std=1.0).float()
    found["<s1>"], metadata["<s1>"] = word, "<embed>"
    save_file(found, out / "numbered.safetensors", metadata)
    for part, file in (("unet", "numbered.pt"), ("text_encoder", "numbered.text_encoder.pt")):
        count = sum(k.startswith(part) and k.endswith(":up") for k in found)
        torch.save([found[f"{part}:{i}:{side}"] for i in range(count) for side in ("up", "down")], out / file)
    pipe.load_textual_inversion({"<s1>": word})
    return pipe


def write_lycoris(out: pathlib.Path) -> None:
    pipe, draw, found, merged = load(), Draws(4), {}, {}
    modules = dict(pipe.unet.named_modules())

    def add(name: str, module, **tensors: torch.Tensor) -> None:
        """Fills a LyCORIS module with those tensors, takes what it merges, and keeps the tensors."""
        with torch.no_grad():
            for key, value in tensors.items():
                target = module
                for word in key.split("."):
                    target = getattr(target, word)
                target.copy_(value.reshape(target.shape).float())
            weight = modules[name].weight
            if isinstance(module, LoConModule):
                changed = module.get_merged_weight(multiplier=1)[0]
            else:
                # As its `forward` adds it: `get_diff_weight` of LyCORIS 4.1.3 counts alpha / rank twice.
                changed = weight + module.get_weight(weight.shape)
        merged[name + ".weight"] = changed.float().contiguous()
        stem = "lora_unet_" + name.replace(".", "_")
        found.update({f"{stem}.{key}": value.contiguous() for key, value in tensors.items()})
        found[f"{stem}.alpha"] = torch.tensor(float(ALPHA))

    attention, resnet = "down_blocks.0.attentions.0.transformer_blocks.0", "down_blocks.0.resnets.0"
    settings = dict(multiplier=1.0, lora_dim=RANK, alpha=ALPHA)

    def made(cls, name: str, **more):
        return cls("x", modules[name], **settings, **more)

    def filled(name: str, cls, keys: list[str], **more) -> None:
        module = made(cls, name, **more)
        own = dict(module.named_parameters())
        add(name, module, **{key: draw(*own[key].shape) for key in keys})

    core = ["lora_up.weight", "lora_mid.weight", "lora_down.weight"]
    filled(f"{resnet}.conv1", LoConModule, core, use_tucker=True)
    hada = ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"]
    filled(f"{attention}.attn1.to_q", LohaModule, hada)
    filled(f"{resnet}.conv2", LohaModule, hada)
    filled("down_blocks.1.resnets.0.conv1", LohaModule, hada + ["hada_t1", "hada_t2"], use_tucker=True)
    filled(f"{attention}.attn1.to_k", LokrModule, ["lokr_w1", "lokr_w2"], full_matrix=True, factor=4)
    filled(f"{attention}.attn1.to_v", LokrModule, ["lokr_w1", "lokr_w2_a", "lokr_w2_b"], factor=2)
    filled(f"{attention}.ff.net.0.proj", LokrModule, ["lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b"], factor=8,
           decompose_both=True)
    filled("down_blocks.1.resnets.0.conv2", LokrModule, ["lokr_w1", "lokr_w2_a", "lokr_w2_b"], factor=2)
    filled("up_blocks.1.resnets.0.conv2", LokrModule, ["lokr_w1", "lokr_w2_a", "lokr_w2_b", "lokr_t2"], factor=2,
           use_tucker=True)
    lora = ["lora_up.weight", "lora_down.weight"]
    for name, on_out in ((f"{attention}.attn2.to_q", True), (f"{attention}.attn2.to_k", False),
                         ("mid_block.resnets.0.conv1", True), ("mid_block.resnets.0.conv2", False)):
        module = made(LoConModule, name, weight_decompose=True, wd_on_out=on_out)
        own = dict(module.named_parameters())
        scale = (module.dora_scale.detach() * (1 + draw(*module.dora_scale.shape).float().abs())).half()
        add(name, module, dora_scale=scale, **{key: draw(*own[key].shape) for key in lora})
    save_file(found, out / "lycoris.safetensors")
    save_file(merged, out / "merged.safetensors")


def write_words(out: pathlib.Path, width: int) -> None:
    draw = Draws(5)
    vectors = draw(2, width, std=1.0).float()
    torch.save({"string_to_token": {"*": 265}, "string_to_param": {"*": vectors}, "name": "words", "step": 100,
                "sd_checkpoint": None, "sd_checkpoint_name": None}, out / "words.pt")
    save_file({"emb_params": vectors}, out / "words.safetensors")
    torch.save({"<cat>": draw(width, std=1.0).float()}, out / "learned_embeds.bin")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "fixtures/parity/adapters")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    results, cases = {}, []

    def keep(name: str, pipe, *, loras=(), embeddings=(), **more) -> None:
        results[f"{name}/picture"] = picture(pipe, **more)
        cases.append({"name": name, "loras": list(loras), "embeddings": list(embeddings), "prompt": PROMPT,
                      "negative": NEGATIVE, "steps": STEPS, "guidance": GUIDANCE, "seed": SEED, "sampler": None} | more)

    def loaded(*files: tuple[str, float]):
        pipe = load()
        for index, (file, _) in enumerate(files):
            pipe.load_lora_weights(str(out), weight_name=file, adapter_name=f"a{index}")
        pipe.set_adapters([f"a{i}" for i in range(len(files))], [weight for _, weight in files])
        pipe.fuse_lora(adapter_names=[f"a{i}" for i in range(len(files))])
        return pipe

    write_full(out)
    write_processors(out)
    changed = write_numbered(out)
    write_lycoris(out)
    write_words(out, load().text_encoder.config.hidden_size)

    keep("plain", load())
    keep("kohya", loaded(("kohya.safetensors", 0.8)), loras=["kohya.safetensors:0.8"])
    keep("peft", loaded(("peft.safetensors", 0.8)), loras=["peft.safetensors:0.8"])
    keep("processors", loaded(("processors.safetensors", 1.0)), loras=["processors.safetensors:1"])
    keep("two", loaded(("kohya.safetensors", 0.5), ("processors.safetensors", -0.75)),
         loras=["kohya.safetensors:0.5", "processors.safetensors:-0.75"])
    keep("numbered", changed, loras=["numbered.safetensors:0.5"], prompt="a painting of <s1>, oil")
    pipe = loaded(("kohya.safetensors", 1.0))
    pipe.scheduler = LCMScheduler.from_config(pipe.scheduler.config)
    keep("lcm", pipe, loras=["kohya.safetensors:1"], guidance=1.0)
    cases[-1]["sampler"] = "lcm"
    for file, word in (("words.pt", "words"), ("words.safetensors", "words"), ("learned_embeds.bin", "<cat>")):
        pipe = load()
        pipe.load_textual_inversion(str(out), weight_name=file, token=word)
        keep(file, pipe, embeddings=[file], prompt=f"a photo of {word} by the sea", negative=f"blurry, {word}, text")
    save_file(results, out / "results.safetensors")
    (out / "cases.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
