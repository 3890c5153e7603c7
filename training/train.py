"""Train the denoiser on the codes of the patch transform, with the text encoder as it is.

Run `train_autoencoder.py` (its `patch-transform.pt` is enough) and `train_text_encoder.py`
first. Writes `denoiser.pt` (weights, averages, optimiser) to the run folder every few minutes
and `losses.tsv`: minutes, samples, side in pixels, training loss, hole error of the training
samples, then the hole error of held-out photos with their own and with other photos' captions,
and the same of held-out drawings.

`--resume` takes either `denoiser.pt` or an exported model folder, of which the UNet is used;
`--forget-words` then starts its cross-attention anew, for another text encoder.
"""

import argparse
import copy
import os
import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from transformers import CLIPTextModel, CLIPTokenizer

from diffusion import (Batch, BatchSource, Denoiser, forget_words, hole_error, make_batch, make_unet,
                       random_timesteps)
from low_rank import add_low_rank, freeze_down, load_unet
from optimisers import MovingAverage, Optimisers
from parallel import Replicas
from patch_transform import PatchTransform
from scenes import Scene, SceneSource

WEIGHT_DECAY = 0.01
WARM_UP_STEPS = 50
KEPT_WEIGHT = 0.1
SAVE_MINUTES = 3
# A step that took longer was suspended: the schedule counts no more than this of it.
LONGEST_STEP_SECONDS = 20.0
HELD_OUT_SCENES = 64


class HeldOutTest:
    """The hole error on held-out scenes with fixed masks, noise and timesteps, 300…999."""

    def __init__(self, scenes: list[Scene], transform: PatchTransform, tokenizer: CLIPTokenizer):
        captions = [scene.caption for scene in scenes]
        others = [replace(scene, caption=caption) for scene, caption in zip(scenes, captions[1:] + captions[:1])]
        self.own = make_batch(scenes, transform, tokenizer)
        self.other = make_batch(others, transform, tokenizer)
        generator = torch.Generator().manual_seed(0)
        self.noise = torch.randn(self.own.codes.shape, generator=generator)
        order = torch.randperm(len(scenes), generator=generator)
        self.timesteps = (300 + torch.arange(len(scenes)) * 700 // len(scenes))[order]

    @torch.no_grad()
    def __call__(self, denoiser: Denoiser) -> list[float]:
        """Mean hole error with each scene's own caption and with another's."""
        device = next(denoiser.parameters()).device
        return [
            hole_error(denoiser.velocity_error(moved(batch, device), self.timesteps.to(device),
                                               self.noise.to(device)),
                       batch.mask.to(device)).mean().item()
            for batch in (self.own, self.other)]


def held_out_tests(cache: Path, size: int, transform: PatchTransform,
                   tokenizer: CLIPTokenizer) -> list[HeldOutTest]:
    """Tests on photographs and on drawings."""
    source = SceneSource(cache, "held-out", size, random.Random(0), empty_share=0)
    photos = [source.scenery(photo) for photo in source.photos]
    drawings = [source.drawing(drawing) for drawing in source.drawings[:HELD_OUT_SCENES]]
    return [HeldOutTest(scenes, transform, tokenizer) for scenes in (photos, drawings)]


def moved(batch: Batch, device: torch.device) -> Batch:
    return Batch(*(tensor.to(device, non_blocking=True) for tensor in vars(batch).values()))


def load_denoiser(run: Path, resume: Path | None, low_rank: int) -> tuple[Denoiser, dict | None]:
    """The run's text encoder and a UNet: new, from a checkpoint (returned too) or a model folder."""
    text_encoder = CLIPTextModel.from_pretrained(run / "text_encoder", torch_dtype=torch.float32)
    if resume and resume.is_dir():
        return Denoiser(load_unet(resume, low_rank), text_encoder), None
    denoiser = Denoiser(make_unet(), text_encoder)
    if low_rank:
        add_low_rank(denoiser.unet, low_rank)
    if not resume:
        return denoiser, None
    checkpoint = torch.load(resume, map_location="cpu", weights_only=True)
    denoiser.unet.load_state_dict(checkpoint["weights"])
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
    parser.add_argument("--minutes", type=float, default=60, help="time in which it was not suspended")
    parser.add_argument("--size", type=int, default=256, help="crop size in pixels, a multiple of 32")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--descent", type=float, default=0.3,
                        help="last part of the run over which the learning rate falls, 0…1")
    parser.add_argument("--average", type=float, default=0.995, help="decay of the averaged weights")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="denoiser.pt or a model folder")
    parser.add_argument("--fill-share", type=float, default=0,
                        help="share of samples whose hole make_fills.py filled, 0…1")
    parser.add_argument("--low-rank", type=int, default=0, metavar="RANK",
                        help="train changes of this rank to the weights, not the weights")
    parser.add_argument("--outer-only", action="store_true",
                        help="with --low-rank, leave the changes' inner factors as they are: a third of the file changes")
    parser.add_argument("--forget-words", action="store_true", help="start the cross-attention anew")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    transform = PatchTransform.load(arguments.run / "patch-transform.pt")
    tokenizer = CLIPTokenizer.from_pretrained(arguments.run / "tokenizer")
    denoiser, checkpoint = load_denoiser(arguments.run, arguments.resume, arguments.low_rank)
    if arguments.outer_only:
        freeze_down(denoiser.unet)
    averaged = copy.deepcopy(denoiser).to(device)
    if arguments.forget_words:
        forget_words(denoiser.unet)
    denoiser.to(device).unet.train()
    optimisers = Optimisers(denoiser, WEIGHT_DECAY)
    average = MovingAverage(denoiser.unet, arguments.average)
    samples = 0
    if checkpoint:
        samples = checkpoint["samples"]
        optimisers.load_state_dict(checkpoint["optimisers"])
        average.values, average.steps = checkpoint["average"], checkpoint["average_steps"]
    replicas = Replicas(denoiser, 1 if device.type == "cuda" else arguments.threads)
    tests = held_out_tests(arguments.cache, arguments.size, transform, tokenizer)
    scenes = SceneSource(arguments.cache, "train", arguments.size, random.Random(arguments.seed + samples),
                         fill_share=arguments.fill_share)
    source = BatchSource(scenes, transform, tokenizer, arguments.batch)
    log = open(arguments.run / "losses.tsv", "a", encoding="utf-8")

    def save() -> None:
        partial = arguments.run / "denoiser.partial"
        torch.save({"weights": denoiser.unet.state_dict(), "average": average.values,
                    "average_steps": average.steps, "optimisers": optimisers.state_dict(),
                    "samples": samples}, partial)
        os.replace(partial, arguments.run / "denoiser.pt")

    def report(minutes: float, tested: bool) -> None:
        errors = [float("nan")] * 2 * len(tests)
        if tested:
            averaged.unet.load_state_dict(average.values, strict=not arguments.low_rank)
            errors = [error for test in tests for error in test(averaged)]
        values = [*(np.mean(recent, axis=0) if recent else [float("nan")] * 2), *errors]
        recent.clear()
        log.write(f"{minutes:.1f}\t{samples}\t{arguments.size}\t"
                  + "\t".join(f"{value:.4f}" for value in values) + "\n")
        log.flush()

    minutes, recent = 0.0, []
    reported, tested, last = 0.0, 0.0, time.time()
    while minutes < arguments.minutes:
        batch = moved(source.next(), device)
        timesteps = random_timesteps(arguments.batch).to(device)
        tensors = [*vars(batch).values(), timesteps, torch.randn_like(batch.codes)]
        recent += replicas.backward(list(zip(*(t.chunk(replicas.count) for t in tensors))), training_loss)
        optimisers.step(learning_rate(samples // arguments.batch, minutes, arguments))
        average.update(denoiser.unet)
        samples += arguments.batch
        now = time.time()
        minutes, last = minutes + min(now - last, LONGEST_STEP_SECONDS) / 60, now
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
