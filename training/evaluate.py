"""Judge an exported model on the held-out photos: contact sheets and figures.

Everything is loaded from the exported folder with stock diffusers and transformers
classes. For every kind of hole a sheet is written (columns: picture, hole, Telea, copied
patches, then the model's settings) and a table printed: PSNR inside the hole in dB, a
perceptual distance inside it (features of an ImageNet classifier; not LPIPS), gradient
energy in the hole relative to the true picture's, and seconds a picture.
"""

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

import fills
from perceptual import PerceptualDistance
from pictures import centre_crop, load_pictures, random_mask
from text import tokenise

KINDS = ("box", "strokes", "outpaint")
SUMMARY_WIDTH = 1024
PROMPTS = [
    "a sunset over the sea", "una montaña nevada", "une forêt dans le brouillard",
    "a brick wall", "a desert with dunes", "la ciudad de noche", "un champ vert sous un ciel bleu",
    "a beach", "wooden planks", "clouds", "un lago y montañas", "herbe",
]


@dataclass(frozen=True)
class Setting:
    """How the model is run: `strength` 1 starts from noise, less from the copied patches."""

    steps: int
    guidance: float
    strength: float

    def __str__(self) -> str:
        return f"{self.steps} steps, guidance {self.guidance:g}, strength {self.strength:g}"


class Model:
    """An exported model folder."""

    def __init__(self, folder: Path):
        self.autoencoder = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
        self.unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
        self.text = CLIPTextModel.from_pretrained(folder / "text_encoder", torch_dtype=torch.float32)
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        self.scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.autoencoder.encode(pictures).latent_dist.mean

    @torch.no_grad()
    def repaint(self, pictures: torch.Tensor, masks: torch.Tensor, start: torch.Tensor,
                prompts: list[str], setting: Setting, seed: int) -> torch.Tensor:
        """Repaint `pictures` `[B, 3, H, W]` in −1…1 where `masks` `[B, 1, H, W]` is 1.

        `start` is the picture that a run of strength < 1 starts from. The kept part of the
        result is the kept part of `pictures`; the hole's border is corrected by a membrane.
        """
        context = self.text(tokenise(self.tokenizer, prompts + [""] * len(prompts))).last_hidden_state
        mask = F.max_pool2d(masks, 8)
        masked = self.encode(pictures * (masks < 0.5))
        original, codes = self.encode(pictures), self.encode(start)
        noise = torch.randn(codes.shape, generator=torch.Generator().manual_seed(seed))
        self.scheduler.set_timesteps(setting.steps)
        count = max(1, round(setting.steps * setting.strength))
        timesteps = self.scheduler.timesteps[setting.steps - count:]
        latents = self.scheduler.add_noise(codes, noise, timesteps[:1]) if setting.strength < 1 else noise
        for index, timestep in enumerate(timesteps):
            inputs = torch.cat([latents, mask, masked], dim=1)
            velocity = self.unet(torch.cat([inputs] * 2), timestep, context).sample
            with_words, without = velocity.chunk(2)
            velocity = without + setting.guidance * (with_words - without)
            latents = self.scheduler.step(velocity, timestep, latents).prev_sample
            if index + 1 < len(timesteps):
                kept = self.scheduler.add_noise(original, noise, timesteps[index + 1:index + 2])
            else:
                kept = original
            latents = mask * latents + (1 - mask) * kept
        decoded = to_bytes(self.autoencoder.decode(latents).sample)
        holes = (masks[:, 0] >= 0.5).byte().numpy()
        return to_tensor([fills.seamless(*parts) for parts in zip(decoded, to_bytes(pictures), holes)])


def to_bytes(pictures: torch.Tensor) -> np.ndarray:
    """`[B, 3, H, W]` in −1…1 → `[B, H, W, 3]` bytes."""
    scaled = (pictures.clamp(-1, 1) + 1) * 127.5
    return scaled.round().byte().permute(0, 2, 3, 1).numpy()


def to_tensor(pictures: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def hole_masks(kind: str, size: int, count: int) -> list[np.ndarray]:
    """`count` masks of one kind: `box` (a quarter of the area), `strokes`, `outpaint` (right quarter)."""
    rng = random.Random(5)
    masks = []
    while len(masks) < count:
        mask = np.zeros((size, size), np.uint8)
        if kind == "box":
            mask[size // 4:size * 3 // 4, size // 4:size * 3 // 4] = 1
        elif kind == "outpaint":
            mask[:, size * 3 // 4:] = 1
        else:
            mask = random_mask(size, _StrokesOnly(rng.random()))
        masks.append(mask)
    return masks


class _StrokesOnly(random.Random):
    """A generator whose first draw picks strokes in `random_mask`."""

    def __init__(self, seed: float):
        super().__init__(seed)
        self.first = True

    def random(self) -> float:
        if self.first:
            self.first = False
            return 0.0
        return super().random()


def gradient_energy(pictures: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """The mean squared gradient inside the hole, for each picture: `[B]`."""
    across = (pictures[..., 1:, 1:] - pictures[..., 1:, :-1]).square().mean(1, keepdim=True)
    down = (pictures[..., 1:, 1:] - pictures[..., :-1, 1:]).square().mean(1, keepdim=True)
    weight = masks[..., 1:, 1:]
    return ((across + down) * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3))


def figures(result: torch.Tensor, truth: torch.Tensor, masks: torch.Tensor,
            perceptual: PerceptualDistance) -> str:
    error = ((result - truth).square() * masks).sum((1, 2, 3)) / (3 * masks.sum((1, 2, 3)))
    psnr = (10 * torch.log10(4 / error)).mean()
    distance = perceptual.inside(result, truth, masks).mean()
    energy = (gradient_energy(result, masks) / gradient_energy(truth, masks)).median()
    return f"{psnr:5.1f} | {distance:.3f} | {energy:.2f}"


def write_sheet(columns: list[torch.Tensor], path: Path, rows: int) -> None:
    """Tile `columns`, each `[B, 3, H, W]` in −1…1, as a PNG with one row a picture."""
    lines = [torch.cat([column[row] for column in columns], dim=2) for row in range(rows)]
    image = to_bytes(torch.cat(lines, dim=1)[None])[0]
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def judge_holes(model: Model, arguments: argparse.Namespace, settings: list[Setting]) -> None:
    perceptual = PerceptualDistance()
    photos = load_pictures(arguments.cache, "held-out", "photo")
    photos = photos[::max(1, len(photos) // arguments.count)][:arguments.count]
    crops = [centre_crop(photo.pixels, arguments.size) for photo in photos]
    captions = [photo.row["caption_en"] for photo in photos]
    pictures = to_tensor(crops)
    for kind in KINDS:
        arrays = hole_masks(kind, arguments.size, len(crops))
        masks = torch.from_numpy(np.stack(arrays)).float()[:, None]
        fast = to_tensor([fills.telea(crop, mask) for crop, mask in zip(crops, arrays)])
        copied = to_tensor([fills.shifted(crop, mask) for crop, mask in zip(crops, arrays)])
        print(f"\n{kind} | PSNR | perceptual | gradient | seconds\n--- | --- | --- | --- | ---")
        for name, result in (("Telea", fast), ("copied patches", copied)):
            print(f"{name} | {figures(result, pictures, masks, perceptual)} |")
        columns = [pictures, pictures * (1 - masks), fast, copied]
        for setting in settings:
            began = time.time()
            result = model.repaint(pictures, masks, copied, captions, setting, arguments.seed)
            seconds = (time.time() - began) / len(crops)
            print(f"{setting} | {figures(result, pictures, masks, perceptual)} | {seconds:.2f}", flush=True)
            columns.append(result)
        write_sheet(columns, arguments.output / f"{kind}.png", min(arguments.rows, len(crops)))


def write_prompts(model: Model, arguments: argparse.Namespace) -> None:
    """A sheet of pictures from words alone: one row a prompt, three seeds."""
    empty = torch.zeros(len(PROMPTS), 3, arguments.size, arguments.size)
    everything = torch.ones(len(PROMPTS), 1, arguments.size, arguments.size)
    setting = Setting(arguments.prompt_steps, arguments.prompt_guidance, 1.0)
    columns = [model.repaint(empty, everything, empty, PROMPTS, setting, seed) for seed in range(3)]
    half = len(PROMPTS) // 2
    write_sheet([part for column in columns for part in (column[:half], column[half:])],
                arguments.output / "prompts.png", half)


def write_summaries(folder: Path, size: int) -> None:
    """Small JPEGs for the documentation: two rows of every kind of hole, and the prompts."""
    rows = [cv2.imread(str(folder / f"{kind}.png"))[:2 * size] for kind in KINDS]
    sheets = {"holes.jpg": np.concatenate(rows), "prompts.jpg": cv2.imread(str(folder / "prompts.png"))}
    for name, sheet in sheets.items():
        height, width = sheet.shape[:2]
        scale = SUMMARY_WIDTH / width
        small = cv2.resize(sheet, (SUMMARY_WIDTH, round(height * scale)), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / name), small, [cv2.IMWRITE_JPEG_QUALITY, 85])


def parse_setting(text: str) -> Setting:
    steps, guidance, strength = text.split(",")
    return Setting(int(steps), float(guidance), float(strength))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/editor-training")
    parser.add_argument("--model", type=Path, required=True, help="exported model folder")
    parser.add_argument("--output", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--count", type=int, default=12, help="held-out photos to judge on")
    parser.add_argument("--rows", type=int, default=6, help="photos on a sheet")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--settings", type=parse_setting, nargs="*", metavar="STEPS,GUIDANCE,STRENGTH",
                        default=[Setting(8, 1.5, 1.0), Setting(8, 1.5, 0.75), Setting(8, 1.5, 0.5)])
    parser.add_argument("--prompt-steps", type=int, default=8)
    parser.add_argument("--prompt-guidance", type=float, default=3.0)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    model = Model(arguments.model)
    judge_holes(model, arguments, arguments.settings)
    write_prompts(model, arguments)
    write_summaries(arguments.output, arguments.size)


if __name__ == "__main__":
    main()
