"""What `--coherence` does for a model without channels for the mask.

    python coherence.py --editor .build/release/editor --out FOLDER [--times 0 1 2 5 10] [--seeds 4] [--methods repaint lanpaint]

The embedded model takes 8 + 1 + 8 channels. Here it becomes one of 8: what its first convolution makes of "all is masked" and
a grey picture is a constant, which goes into the bias (at the very border, where the convolution's zeros are, it is a
little off). So it knows of the picture by the held latents only, as everybody's checkpoint of 4 channels does. It paints the
middle of landscape crops with and without `--coherence`, by each method; printed is the mean jump of neighbouring pixels across the
mask's edge over that of neighbours 6 pixels inside and outside: 1 is no seam; then the root mean square difference from
what was there, of 6 × 6 averages of the hole. Pictures are written to FOLDER.

Needs numpy, pillow, safetensors, torch, diffusers.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import time

import numpy
import torch
from diffusers import AutoencoderKL
from PIL import Image
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).parents[1]
SIDE, HOLE = 256, (80, 176)
PICTURES = ["hills", "lake", "mountain", "dunes"]


def fold(out: pathlib.Path) -> pathlib.Path:
    """Writes the embedded model as one that takes the noisy latents alone."""
    model = out / "model"
    shutil.rmtree(model, ignore_errors=True)
    shutil.copytree(ROOT / "Sources/CBundledModel/model", model)
    vae = AutoencoderKL.from_pretrained(model / "vae", torch_dtype=torch.float32)
    with torch.no_grad():
        grey = vae.encode(torch.zeros(1, 3, SIDE, SIDE)).latent_dist.mode()
        grey = (grey - (vae.config.shift_factor or 0)) * vae.config.scaling_factor
    constant = torch.cat([torch.ones(1), grey[0, :, 8:-8, 8:-8].mean((1, 2))])
    file = model / "unet/diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    first, channels = weights["conv_in.weight"].float(), grey.shape[1]
    bias = weights["conv_in.bias"].float() + torch.einsum("oikl,i->o", first[:, channels:], constant)
    weights["conv_in.bias"] = bias.half()
    weights["conv_in.weight"] = first[:, :channels].half().contiguous()
    save_file(weights, file)
    config = json.loads((model / "unet/config.json").read_text())
    (model / "unet/config.json").write_text(json.dumps(config | {"in_channels": channels}))
    return model


def jump(picture: Image.Image) -> float:
    values = numpy.asarray(picture.convert("RGB"), float).sum(2)
    low, high = HOLE

    def across(offset: int) -> float:
        a, b, along = low - offset, high + offset, slice(low, high)
        return sum(numpy.abs(one - other).sum() for one, other in (
            (values[along, a], values[along, a - 1]), (values[along, b], values[along, b - 1]),
            (values[a, along], values[a - 1, along]), (values[b, along], values[b - 1, along])))

    return across(0) / ((across(6) + across(-6)) / 2)


def miss(picture: Image.Image, original: Image.Image) -> float:
    """How far the hole is from the original at the scale of a sixth of it: tones and where the horizon is."""
    low, high = HOLE
    small = [numpy.asarray(one.convert("RGB").crop((low, low, high, high)).resize((6, 6), Image.Resampling.BOX), float)
             for one in (picture, original)]
    return float(numpy.sqrt(((small[0] - small[1]) ** 2).mean()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--editor", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--times", type=int, nargs="+", default=[0, 1, 2, 5, 10])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--methods", nargs="+", default=["repaint", "lanpaint"])
    parser.add_argument("--pictures", nargs="+", default=PICTURES)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    model = fold(out)
    mask = numpy.zeros((SIDE, SIDE), numpy.uint8)
    mask[slice(*HOLE), slice(*HOLE)] = 255
    Image.fromarray(mask).save(out / "mask.png")
    for name in options.pictures:
        whole = Image.open(ROOT / f"fixtures/images/{name}.jpg").convert("RGB")
        left, top = (whole.width - SIDE) // 2, (whole.height - SIDE) // 2
        crop = whole.crop((left, top, left + SIDE, top + SIDE))
        crop.save(out / f"{name}.png")
        print(f"{name}: original {jump(crop):.2f}")
        for method in options.methods:
            line = [f"  {method}"]
            for times in options.times:
                # Pasted as the network made it: what compositing mends must not be credited to the network.
                jumps, errors, start = [], [], time.perf_counter()
                for seed in range(options.seeds):
                    made = out / f"{name}-{method}-{times}-{seed}.png"
                    subprocess.run(
                        [options.editor, "inpaint", out / f"{name}.png", out / "mask.png", "--model", model, "--seed", str(seed),
                         "--steps", str(options.steps), "--strength", "1", "--detail", "model", "--area", "whole", "--grow", "0",
                         "--feather", "0", "--fill", "noise", "--composite", "paste", "--coherence", str(times),
                         "--coherence-method", method, "-q", "-o", made, "--force"], check=True, stdout=subprocess.DEVNULL)
                    jumps.append(jump(Image.open(made)))
                    errors.append(miss(Image.open(made), crop))
                line.append(
                    f"{times}: {numpy.mean(jumps):.2f}, {numpy.mean(errors):.1f} "
                    f"({(time.perf_counter() - start) / options.seeds:.1f} s)")
            print(", ".join(line), flush=True)


main()
