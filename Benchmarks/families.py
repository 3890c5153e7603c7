#!/usr/bin/env python3
"""Seconds a step and peak memory of an edit with each family of models, at its native size.

    python Benchmarks/families.py MODEL --editor .build/release/editor

The families' real shapes are written to a folder with all weights 0, as sparse files: what a step takes does not hang on
the values. Each model is used once, for an edit of few steps, with nothing kept from earlier runs (`--no-weight-cache`): the first
step packs the weights, the last one counts. MODEL is any folder in the diffusers layout with CLIP's tokenizer (make_model.py
in scripts/reference writes one). Needs torch, diffusers and transformers. Let nothing else run meanwhile.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import time

STEPS = 3
CROSS, PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"


@dataclasses.dataclass
class Family:
    name: str
    command: str  # what it is used for
    size: int
    channels: int
    text: tuple = ("L",)
    unet: dict = dataclasses.field(default_factory=dict)
    pipeline: str = "StableDiffusionPipeline"
    limit: str = ""  # of --max-memory, tried as well

    @property
    def is_xl(self) -> bool:
        return "G" in self.text


def ones(channels: int, **rest) -> dict:
    """SD 1.x and 2.x."""
    return dict(in_channels=channels, block_out_channels=(320, 640, 1280, 1280),
                down_block_types=(CROSS, CROSS, CROSS, PLAIN), attention_head_dim=8, cross_attention_dim=768) | rest


def twos(channels: int) -> dict:
    return ones(channels, attention_head_dim=[5, 10, 20, 20], cross_attention_dim=1024, use_linear_projection=True)


def xl(channels: int) -> dict:
    return dict(in_channels=channels, block_out_channels=(320, 640, 1280), down_block_types=(PLAIN, CROSS, CROSS),
                transformer_layers_per_block=[1, 2, 10], attention_head_dim=[5, 10, 20], cross_attention_dim=2048,
                use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=256,
                projection_class_embeddings_input_dim=2816)


def refiner() -> dict:
    return dict(in_channels=4, block_out_channels=(384, 768, 1536, 1536), down_block_types=(PLAIN, CROSS, CROSS, PLAIN),
                transformer_layers_per_block=4, attention_head_dim=[6, 12, 24, 24], cross_attention_dim=1280,
                use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=256,
                projection_class_embeddings_input_dim=2560)


XL, XL_INPAINT = "StableDiffusionXLPipeline", "StableDiffusionXLInpaintPipeline"
FAMILIES = [
    Family("SD 1.x", "generate", 512, 4, unet=ones(4)),
    Family("SD 1.x inpainting", "inpaint", 512, 9, unet=ones(9), pipeline="StableDiffusionInpaintPipeline", limit="2G"),
    Family("SD 2.x", "generate", 768, 4, ("H",), twos(4)),
    Family("SD 2.x inpainting", "inpaint", 512, 9, ("H",), twos(9), "StableDiffusionInpaintPipeline"),
    Family("InstructPix2Pix", "remix", 512, 8, unet=ones(8), pipeline="StableDiffusionInstructPix2PixPipeline"),
    Family("LCM", "generate", 512, 4, unet=ones(4, time_cond_proj_dim=256), pipeline="LatentConsistencyModelPipeline"),
    Family("SDXL", "generate", 1024, 4, ("L", "G"), xl(4), XL),
    Family("SDXL inpainting", "inpaint", 1024, 9, ("L", "G"), xl(9), XL_INPAINT, limit="3G"),
    Family("SDXL refiner", "remix", 1024, 4, ("", "G"), refiner(), "StableDiffusionXLImg2ImgPipeline"),
    Family("InstructPix2Pix of SDXL", "remix", 1024, 8, ("L", "G"), xl(8), "StableDiffusionXLInstructPix2PixPipeline"),
]


def write_zeros(model, folder: pathlib.Path, name: str) -> None:
    """A safetensors file in f16 whose data is a hole in the file."""
    header, end = {}, 0
    for key, value in model.state_dict().items():
        if key.endswith("position_ids"):
            continue
        header[key] = {"dtype": "F16", "shape": list(value.shape), "data_offsets": [end, end + 2 * value.numel()]}
        end += 2 * value.numel()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / name, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def write_model(family: Family, tokenizer: pathlib.Path, folder: pathlib.Path) -> None:
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection
    clip = {"L": (768, 3072, 12, 12, "quick_gelu"), "H": (1024, 4096, 23, 16, "gelu"), "G": (1280, 5120, 32, 20, "gelu")}
    index = {"_class_name": family.pipeline, "unet": ["diffusers", "UNet2DConditionModel"],
             "vae": ["diffusers", "AutoencoderKL"]}
    with torch.device("meta"):
        up = tuple(t.replace("Down", "Up") for t in reversed(family.unet["down_block_types"]))
        unet = UNet2DConditionModel(sample_size=family.size // 8, out_channels=4, layers_per_block=2,
                                    up_block_types=up, **family.unet)
        vae = AutoencoderKL(block_out_channels=(128, 256, 512, 512), down_block_types=("DownEncoderBlock2D",) * 4,
                            up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=2, latent_channels=4,
                            scaling_factor=0.13025 if family.is_xl else 0.18215)
        for number, kind in enumerate(family.text):
            if not kind:
                continue
            width, inner, layers, heads, activation = clip[kind]
            config = CLIPTextConfig(vocab_size=49408, hidden_size=width, intermediate_size=inner,
                                    num_hidden_layers=layers, num_attention_heads=heads, hidden_act=activation,
                                    projection_dim=width, eos_token_id=49407)
            made = CLIPTextModelWithProjection if kind == "G" else CLIPTextModel
            part = "text_encoder" if number == 0 else "text_encoder_2"
            (folder / part).mkdir()
            config.architectures = [made.__name__]
            config.save_pretrained(folder / part)
            write_zeros(made(config), folder / part, "model.safetensors")
            shutil.copytree(tokenizer, folder / part.replace("text_encoder", "tokenizer"))
            index[part] = ["transformers", made.__name__]
            index[part.replace("text_encoder", "tokenizer")] = ["transformers", "CLIPTokenizer"]
    for part, model in (("unet", unet), ("vae", vae)):
        model.save_config(folder / part)
        write_zeros(model, folder / part, "diffusion_pytorch_model.safetensors")
    (folder / "scheduler").mkdir()
    scheduler = {"_class_name": "DDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1,
                 "beta_schedule": "scaled_linear", "clip_sample": False}
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(scheduler))
    (folder / "model_index.json").write_text(json.dumps(index | {"scheduler": ["diffusers", "DDIMScheduler"]}))


def write_pictures(size: int, folder: pathlib.Path) -> None:
    from PIL import Image
    Image.linear_gradient("L").resize((size, size)).convert("RGB").save(folder / "picture.png")
    mask = Image.new("L", (size, size))
    mask.paste(255, (size // 4, size // 4, size * 3 // 4, size * 3 // 4))
    mask.save(folder / "mask.png")


def measure(family: Family, options: argparse.Namespace, folder: pathlib.Path, limit: str = "") -> tuple[float, float]:
    """Seconds of the last step, and the peak in GB."""
    inputs = {"generate": [], "remix": [folder / "picture.png"], "inpaint": [folder / "picture.png", folder / "mask.png"]}
    size = ["--size", f"{family.size}x{family.size}"] if family.command == "generate" else []
    limits = ["--max-memory", limit] if limit else []
    strength = ["--strength", 1] if family.command != "generate" else []
    command = [options.editor, family.command, *inputs[family.command], "a lighthouse", "--model", folder / "model",
               "--steps", STEPS, "--precision", options.precision, "--no-weight-cache", "--json", "--force", "-o",
               folder / "out.png", *size, *limits, *strength]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ends, log = [], []
    for line in process.stdout:
        log.append(line)
        if '"event":"step"' in line:
            ends.append(time.perf_counter())
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("".join(log[-5:]))
    return ends[STEPS - 1] - ends[STEPS - 2], usage.ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--editor", required=True)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--only", help="families whose name has this in it")
    parser.add_argument("--folder", help="where models are written; a temporary one by default")
    options = parser.parse_args()
    print("| family | command, size | parameters | s a step | peak, GB | with `--max-memory` |\n|---|---|---|---|---|---|")
    for family in FAMILIES:
        if options.only and options.only not in family.name:
            continue
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = pathlib.Path(name)
            (folder / "model").mkdir()
            write_model(family, options.model / "tokenizer", folder / "model")
            write_pictures(family.size, folder)
            parameters = sum(path.stat().st_size for path in folder.glob("model/*/*.safetensors")) / 2e9
            seconds, peak = measure(family, options, folder)
            limited = ""
            if family.limit:
                slower, less = measure(family, options, folder, family.limit)
                limited = f"{family.limit}: {less:.2f} GB, {slower:.2f} s"
            print(f"| {family.name} | `{family.command}`, {family.size}² | {parameters:.2f}·10⁹ | {seconds:.2f} | {peak:.2f} | "
                  f"{limited} |", flush=True)


if __name__ == "__main__":
    main()
