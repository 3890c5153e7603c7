"""Train the denoiser and its text encoder on the codes of the patch transform.

Run `train_autoencoder.py` first (its `patch-transform.pt` is enough). Writes, to the run
folder, `tokenizer/`, `denoiser.pt` (weights, averages, optimiser) every few minutes and
`losses.tsv`: minutes, samples, side in pixels, training loss, hole error of the training
samples, hole error of the held-out photos with their own and with other photos' captions.

`--resume` takes either `denoiser.pt` or an exported model folder (weights only).
"""

import argparse
import os
import random
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from diffusion import (Batch, BatchSource, Denoiser, hole_error, make_batch, make_unet,
                       stratified_timesteps)
from optimisers import MovingAverage, Optimisers
from parallel import Replicas
from patch_transform import PatchTransform
from pictures import centre_crop, load_pictures, random_mask
from text import make_text_encoder, write_tokenizer

WEIGHT_DECAY = 0.01
WARM_UP_STEPS = 50
KEPT_WEIGHT = 0.2
SAVE_MINUTES = 4


class HeldOutTest:
    """The hole error on held-out photos with fixed masks, noise and timesteps."""

    def __init__(self, cache: Path, transform: PatchTransform, tokenizer: CLIPTokenizer, size: int):
        rng = random.Random(0)
        photos = load_pictures(cache, "held-out", "photo")
        crops = [centre_crop(photo.pixels, size) for photo in photos]
        masks = [random_mask(size, rng) for _ in photos]
        captions = [photo.row["caption_en"] for photo in photos]
        others = captions[1:] + captions[:1]
        self.own = make_batch(crops, masks, captions, transform, tokenizer)
        self.other = make_batch(crops, masks, others, transform, tokenizer)
        generator = torch.Generator().manual_seed(0)
        self.noise = torch.randn(self.own.codes.shape, generator=generator)
        order = torch.randperm(len(photos), generator=generator)
        self.timesteps = (torch.arange(len(photos)) * 1000 // len(photos))[order]

    @torch.no_grad()
    def __call__(self, denoiser: Denoiser) -> tuple[float, float]:
        """Mean hole error with each photo's own caption and with another's."""
        device = next(denoiser.parameters()).device
        return tuple(
            hole_error(denoiser.velocity_error(moved(batch, device), self.timesteps.to(device),
                                               self.noise.to(device)),
                       batch.mask.to(device)).mean().item()
            for batch in (self.own, self.other))


def moved(batch: Batch, device: torch.device) -> Batch:
    return Batch(*(tensor.to(device, non_blocking=True) for tensor in vars(batch).values()))


def fresh_denoiser(tokenizer: CLIPTokenizer) -> Denoiser:
    return Denoiser(make_unet(), make_text_encoder(tokenizer))


def load_denoiser(path: Path, tokenizer: CLIPTokenizer) -> tuple[Denoiser, dict | None]:
    """A denoiser from a checkpoint (with the checkpoint) or from an exported folder."""
    if path.is_dir():
        unet = UNet2DConditionModel.from_pretrained(path / "unet", torch_dtype=torch.float32)
        text = CLIPTextModel.from_pretrained(path / "text_encoder", torch_dtype=torch.float32)
        return Denoiser(unet, text), None
    checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    denoiser = fresh_denoiser(tokenizer)
    denoiser.load_state_dict(checkpoint["weights"])
    return denoiser, checkpoint


def learning_rate(step: int, minutes: float, arguments: argparse.Namespace) -> float:
    """Warm-up, a constant stretch, then a linear descent over the last part of the run."""
    left = 1 - minutes / arguments.minutes
    descent = min(1.0, left / arguments.descent) if arguments.descent > 0 else 1.0
    return arguments.learning_rate * min(1.0, (step + 1) / WARM_UP_STEPS) * max(descent, 0.01)


def training_loss(denoiser: Denoiser, part: tuple) -> tuple[torch.Tensor, tuple[float, float]]:
    """The weighted velocity error of (codes, mask, masked codes, tokens, timesteps, noise).

    Besides the loss: its value, and the hole error.
    """
    *tensors, timesteps, noise = part
    batch = Batch(*tensors)
    error = denoiser.velocity_error(batch, timesteps, noise)
    weight = (KEPT_WEIGHT + (1 - KEPT_WEIGHT) * batch.mask).expand_as(error)
    loss = (error * weight).sum() / weight.sum()
    hole = hole_error(error.detach(), batch.mask).mean()
    return loss, (loss.item(), hole.item())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/editor-training")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--size", type=int, default=256, help="crop size in pixels, a multiple of 32")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--descent", type=float, default=0.3,
                        help="last part of the run over which the learning rate falls, 0…1")
    parser.add_argument("--average", type=float, default=0.995, help="decay of the averaged weights")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="denoiser.pt or a model folder")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    transform = PatchTransform.load(arguments.run / "patch-transform.pt")
    if not (arguments.run / "tokenizer").exists():
        write_tokenizer(arguments.run / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(arguments.run / "tokenizer")
    samples, checkpoint = 0, None
    if arguments.resume:
        denoiser, checkpoint = load_denoiser(arguments.resume, tokenizer)
    else:
        denoiser = fresh_denoiser(tokenizer)
    denoiser.train().to(device)
    optimisers = Optimisers(denoiser, WEIGHT_DECAY)
    average = MovingAverage(denoiser, arguments.average)
    if checkpoint:
        samples = checkpoint["samples"]
        optimisers.load_state_dict(checkpoint["optimisers"])
        average.values, average.steps = checkpoint["average"], checkpoint["average_steps"]
    replicas = Replicas(denoiser, 1 if device.type == "cuda" else arguments.threads)
    parts = 1 if device.type == "cuda" else 2 * arguments.threads
    averaged = fresh_denoiser(tokenizer).eval().to(device)
    held_out = HeldOutTest(arguments.cache, transform, tokenizer, arguments.size)
    source = BatchSource(load_pictures(arguments.cache, "train", "photo"),
                         load_pictures(arguments.cache, "train", "texture"),
                         transform, tokenizer, arguments.size, arguments.batch, arguments.seed)
    log = open(arguments.run / "losses.tsv", "a", encoding="utf-8")

    def save() -> None:
        partial = arguments.run / "denoiser.partial"
        torch.save({"weights": denoiser.state_dict(), "average": average.values,
                    "average_steps": average.steps, "optimisers": optimisers.state_dict(),
                    "samples": samples}, partial)
        os.replace(partial, arguments.run / "denoiser.pt")

    def report(minutes: float, tested: bool) -> None:
        own = other = float("nan")
        if tested:
            averaged.load_state_dict(average.values)
            own, other = held_out(averaged)
        mean_loss, mean_hole = np.mean(recent, axis=0)
        recent.clear()
        log.write(f"{minutes:.1f}\t{samples}\t{arguments.size}\t{mean_loss:.4f}\t{mean_hole:.4f}"
                  f"\t{own:.4f}\t{other:.4f}\n")
        log.flush()

    start, step, recent = time.time(), 0, []
    reported = tested = 0.0
    while (minutes := (time.time() - start) / 60) < arguments.minutes:
        batch = moved(source.next(), device)
        timesteps = stratified_timesteps(arguments.batch).to(device)
        tensors = [*vars(batch).values(), timesteps, torch.randn_like(batch.codes)]
        recent += replicas.backward(list(zip(*(t.chunk(parts) for t in tensors))), training_loss)
        optimisers.step(learning_rate(step, minutes, arguments))
        average.update(denoiser)
        step, samples = step + 1, samples + arguments.batch
        if minutes - reported > 1:
            reported, due = minutes, minutes - tested > SAVE_MINUTES
            report(minutes, due)
            if due:
                tested = minutes
                save()
    report(arguments.minutes, True)
    save()


if __name__ == "__main__":
    main()
