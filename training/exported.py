"""An exported model folder, run with stock diffusers and transformers classes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler
from transformers import CLIPTextModel, CLIPTokenizer

import fills
from low_rank import load_unet
from patch_transform import PATCH
from text import tokenise


@dataclass(frozen=True)
class Setting:
    """How the model is run, from pure noise."""

    steps: int
    guidance: float

    def __str__(self) -> str:
        return f"model alone, {self.steps} steps, guidance {self.guidance:g}"


class Model:
    """An exported model folder."""

    def __init__(self, folder: Path):
        self.autoencoder = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
        self.unet = load_unet(folder)
        self.text = CLIPTextModel.from_pretrained(folder / "text_encoder", torch_dtype=torch.float32)
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        self.scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """`[B, 3, H, W]` in −1…1 → codes `[B, 8, H/8, W/8]`."""
        return self.autoencoder.encode(pictures).latent_dist.mean

    def context(self, captions: list[str]) -> torch.Tensor:
        """The text encoder's states `[B, 77, 128]`."""
        return self.text(tokenise(self.tokenizer, captions)).last_hidden_state

    @torch.no_grad()
    def repaint(self, pictures: torch.Tensor, masks: torch.Tensor, prompts: list[str],
                setting: Setting, seed: int, negative: str = "", shown: torch.Tensor | None = None) -> torch.Tensor:
        """Repaint `pictures` `[B, 3, H, W]` in −1…1 where `masks` `[B, 1, H, W]` is 1.

        The kept part of the result is the kept part of `pictures`; the hole's border is
        corrected by a membrane. Guidance leads away from `negative`. `shown` is `pictures` with
        a guess in the hole; without one the network sees grey there.
        """
        context = self.context(prompts + [negative] * len(prompts))
        mask = F.max_pool2d(masks, PATCH)
        masked = self.encode(pictures * (masks < 0.5) if shown is None else shown)
        original = self.encode(pictures)
        shape = (1, *original.shape[1:])
        latents = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).expand_as(original)
        self.scheduler.set_timesteps(setting.steps)
        for timestep in self.scheduler.timesteps:
            inputs = torch.cat([latents, mask, masked], dim=1)
            velocity = self.unet(torch.cat([inputs] * 2), timestep, context).sample
            with_words, without = velocity.chunk(2)
            velocity = without + setting.guidance * (with_words - without)
            latents = self.scheduler.step(velocity, timestep, latents).prev_sample
        decoded = to_bytes(self.autoencoder.decode(mask * latents + (1 - mask) * original).sample)
        holes = (masks[:, 0] >= 0.5).byte().numpy()
        return to_tensor([fills.seamless(*parts) for parts in zip(decoded, to_bytes(pictures), holes)])


def to_bytes(pictures: torch.Tensor) -> np.ndarray:
    """`[B, 3, H, W]` in −1…1 → `[B, H, W, 3]` bytes."""
    scaled = (pictures.clamp(-1, 1) + 1) * 127.5
    return scaled.round().byte().permute(0, 2, 3, 1).numpy()


def to_tensor(pictures: list[np.ndarray]) -> torch.Tensor:
    """`[H, W, 3]` bytes → `[B, 3, H, W]` in −1…1."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
