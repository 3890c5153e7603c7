"""Fit the patch transform and train the decoder that undoes it.

Writes `patch-transform.pt`, `decoder.pt` and `decoder-losses.tsv` to the run folder. Run
it again with `--resume` to go on.
"""

import argparse
import math
import random
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from optimisers import MovingAverage, Optimisers
from patch_transform import PatchTransform, make_autoencoder
from perceptual import PerceptualDistance
from pictures import Picture, centre_crop, load_pictures, random_crop, random_scene_side

LEARNING_RATE = 1e-3
WARM_UP_STEPS = 50
DECAY_FRACTION = 0.4
CODE_NOISE = 0.08
PERCEPTUAL_WEIGHT = 0.25
TEXTURE_SHARE = 0.3


def to_tensor(pictures: list[np.ndarray]) -> torch.Tensor:
    """`[H, W, 3]` bytes → `[B, 3, H, W]` in −1…1, channels last."""
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return batch.contiguous(memory_format=torch.channels_last)


def psnr(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio in dB of pictures in −1…1, for each picture: `[B]`."""
    return 10 * torch.log10(4 / (first - second).square().mean((1, 2, 3)))


def fit_transform(photos: list[Picture], rng: random.Random) -> PatchTransform:
    crops = [random_crop(photo.pixels, random_scene_side(photo.pixels, rng) // 2, 96, rng)
             for photo in photos for _ in range(16)]
    return PatchTransform.fit(to_tensor(crops).contiguous())


class Decoder(torch.nn.Module):
    """The learned half of the autoencoder: codes `[B, 8, h, w]` → `[B, 3, 8h, 8w]`."""

    def __init__(self):
        super().__init__()
        autoencoder = make_autoencoder()
        self.post_quant_conv, self.decoder = autoencoder.post_quant_conv, autoencoder.decoder

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.post_quant_conv(codes))


@torch.no_grad()
def evaluate(decoder: Decoder, average: MovingAverage, transform: PatchTransform,
             pictures: torch.Tensor, perceptual: PerceptualDistance, sheet: Path) -> str:
    """Decode the held-out pictures with the averaged weights; write a sheet; return a line."""
    averaged = Decoder().to(memory_format=torch.channels_last)
    averaged.load_state_dict(average.values)
    codes = transform(pictures)
    with torch.autocast("cpu", torch.bfloat16):
        decoded = torch.cat([averaged(part).float() for part in codes.split(4)]).clamp(-1, 1)
    linear = transform.linear_inverse(codes).clamp(-1, 1)
    rows = [torch.cat(list(part[:6]), dim=2) for part in (pictures, linear, decoded)]
    image = ((torch.cat(rows, dim=1).permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()
    cv2.imwrite(str(sheet), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return (f"held-out PSNR {psnr(decoded, pictures).mean():.2f} dB "
            f"(linear {psnr(linear, pictures).mean():.2f}), perceptual "
            f"{perceptual(decoded, pictures):.4f} (linear {perceptual(linear, pictures):.4f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/editor-training")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--size", type=int, default=128, help="crop size in pixels")
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    arguments.run.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    rng = random.Random(arguments.seed)

    photos = load_pictures(arguments.cache, "train", "photo")
    textures = load_pictures(arguments.cache, "train", "texture")
    held_out = to_tensor([centre_crop(photo.pixels, 256)
                          for photo in load_pictures(arguments.cache, "held-out", "photo")])
    transform_path, decoder_path = arguments.run / "patch-transform.pt", arguments.run / "decoder.pt"
    if transform_path.exists():
        transform = PatchTransform.load(transform_path)
    else:
        transform = fit_transform(photos, rng)
        torch.save(transform.state_dict(), transform_path)

    decoder = Decoder().to(memory_format=torch.channels_last)
    if arguments.resume:
        decoder.load_state_dict(torch.load(decoder_path, weights_only=True))
    perceptual = PerceptualDistance().to(memory_format=torch.channels_last)
    optimisers, average = Optimisers(decoder), MovingAverage(decoder, 0.997)
    log = open(arguments.run / "decoder-losses.tsv", "a", encoding="utf-8")

    start, step, recent, reported, saved = time.time(), 0, [], 0.0, 0.0
    while (minutes := (time.time() - start) / 60) < arguments.minutes:
        left = 1 - minutes / arguments.minutes
        decay = min(1.0, left / DECAY_FRACTION)
        learning_rate = LEARNING_RATE * min(1, (step + 1) / WARM_UP_STEPS) * max(decay, 0.02)
        crops = []
        for _ in range(arguments.batch):
            source = textures if rng.random() < TEXTURE_SHARE else photos
            pixels = rng.choice(source).pixels
            side = int(arguments.size * math.exp(rng.uniform(0, math.log(3.5))))
            crops.append(random_crop(pixels, side, arguments.size, rng))
        pictures = to_tensor(crops)
        codes = transform(pictures)
        codes = codes + torch.randn_like(codes) * CODE_NOISE * rng.random()
        with torch.autocast("cpu", torch.bfloat16):
            decoded = decoder(codes)
            feature_loss = perceptual(decoded, pictures)
        difference = decoded.float() - pictures
        loss = (difference.abs().mean() + difference.square().mean()
                + PERCEPTUAL_WEIGHT * feature_loss)
        loss.backward()
        optimisers.step(learning_rate)
        average.update(decoder)
        step += 1
        recent.append((difference.detach().abs().mean().item(), feature_loss.item()))
        if minutes - reported > 0.5:
            reported = minutes
            absolute, feature = np.mean(recent, axis=0)
            recent = []
            samples = step * arguments.batch
            log.write(f"{minutes:.1f}\t{samples}\t{absolute:.4f}\t{feature:.4f}\n")
            log.flush()
        if minutes - saved > 3:
            saved = minutes
            torch.save(average.values, decoder_path)
            line = evaluate(decoder, average, transform, held_out, perceptual,
                            arguments.run / "decoder.png")
            print(f"{minutes:.1f} min, {step * arguments.batch} samples: {line}", flush=True)
    torch.save(average.values, decoder_path)
    line = evaluate(decoder, average, transform, held_out, perceptual,
                    arguments.run / "decoder.png")
    print(f"end, {step * arguments.batch} samples: {line}", flush=True)


if __name__ == "__main__":
    main()
