"""The denoiser's network, its noise schedule, and the training batches.

All latents are codes of the patch transform, `[B, 8, h, w]`, root mean square about 1.
"""

import queue
import threading
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTokenizer

from patch_transform import CHANNELS, PATCH, PatchTransform
from scenes import Scene, SceneSource
from text import WIDTH, tokenise

BLOCK_CHANNELS = (64, 128, 192)
HIGH_NOISE = 0.6


def make_unet() -> UNet2DConditionModel:
    """10.9 M parameters; inputs: 8 noisy + 1 mask + 8 masked-picture channels."""
    return UNet2DConditionModel(
        sample_size=32, in_channels=2 * CHANNELS + 1, out_channels=CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=BLOCK_CHANNELS, layers_per_block=1, cross_attention_dim=WIDTH,
        attention_head_dim=4, norm_num_groups=16, use_linear_projection=True)


def make_scheduler() -> DDIMScheduler:
    """The noise schedule: Stable Diffusion's betas, rescaled to end in pure noise.

    Lin et al., "Common diffusion noise schedules and sample steps are flawed",
    arXiv:2305.08891, algorithm 1; with it, velocity prediction and trailing timesteps.
    """
    return DDIMScheduler(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012,
        beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=True, steps_offset=1,
        prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing")


@dataclass
class Batch:
    """`codes` and `masked_codes` `[B, 8, h, w]`, `mask` `[B, 1, h, w]` in {0, 1}, `tokens` `[B, 77]`."""

    codes: torch.Tensor
    mask: torch.Tensor
    masked_codes: torch.Tensor
    tokens: torch.Tensor


@torch.no_grad()
def make_batch(scenes: list[Scene], transform: PatchTransform, tokenizer: CLIPTokenizer) -> Batch:
    """Encode scenes.

    The masked picture is the scene's fill or, without one, grey (0 in −1…1) in the hole, and is
    encoded like any picture; the mask is 1 for every latent cell that the hole touches.
    """
    pixels = torch.from_numpy(np.stack([scene.pixels for scene in scenes]))
    pictures = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
    mask = torch.from_numpy(np.stack([scene.mask for scene in scenes])).float()[:, None]
    masked = pictures * (1 - mask)
    for index, scene in enumerate(scenes):
        if scene.filled is not None:
            masked[index] = torch.from_numpy(scene.filled.copy()).permute(2, 0, 1).float() / 127.5 - 1
    return Batch(transform(pictures), F.max_pool2d(mask, PATCH), transform(masked),
                 tokenise(tokenizer, [scene.caption for scene in scenes]))


class BatchSource:
    """Draws training batches on a thread of its own."""

    def __init__(self, scenes: SceneSource, transform: PatchTransform, tokenizer: CLIPTokenizer, count: int):
        self.scenes, self.transform, self.tokenizer, self.count = scenes, transform, tokenizer, count
        self.ready: queue.Queue[Batch] = queue.Queue(maxsize=3)
        threading.Thread(target=self._produce, daemon=True).start()

    def _produce(self) -> None:
        torch.set_num_threads(1)
        while True:
            drawn = [self.scenes.draw() for _ in range(self.count)]
            self.ready.put(make_batch(drawn, self.transform, self.tokenizer))

    def next(self) -> Batch:
        return self.ready.get()


class Denoiser(torch.nn.Module):
    """The UNet and the text encoder, which is not trained here."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: torch.nn.Module):
        super().__init__()
        self.unet = unet.to(memory_format=torch.channels_last)
        self.text_encoder = text_encoder.eval().requires_grad_(False)
        if not torch.cuda.is_available():
            # On a CPU the fused attention's backward pass is slower than plain matrix products.
            self.unet.set_attn_processor(AttnProcessor())
            self.text_encoder.set_attn_implementation("eager")
        signal = make_scheduler().alphas_cumprod
        self.register_buffer("signal", signal.sqrt(), persistent=False)
        self.register_buffer("noise", (1 - signal).sqrt(), persistent=False)

    def velocity_error(self, batch: Batch, timesteps: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Squared error of the predicted velocity, `[B, 8, h, w]`.

        v = α·ε − σ·x₀ (Salimans and Ho, "Progressive distillation", arXiv:2202.00512, app. D),
        with α `signal`, σ `noise` at `timesteps` `[B]`.
        """
        alpha = self.signal[timesteps].view(-1, 1, 1, 1)
        sigma = self.noise[timesteps].view(-1, 1, 1, 1)
        noisy = alpha * batch.codes + sigma * noise
        target = alpha * noise - sigma * batch.codes
        inputs = torch.cat([noisy, batch.mask, batch.masked_codes], dim=1)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        device = inputs.device.type
        with torch.autocast(device, torch.bfloat16):
            with torch.no_grad():
                context = self.text_encoder(batch.tokens).last_hidden_state
            velocity = self.unet(inputs, timesteps, context).sample
        return (velocity.float() - target).square()


def hole_error(error: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean of `error` `[B, 8, h, w]` where `mask` is 1, for each sample: `[B]`."""
    return (error * mask).sum((1, 2, 3)) / (mask.sum((1, 2, 3)) * error.shape[1])


def forget_words(unet: UNet2DConditionModel) -> None:
    """Start the cross-attention anew, at first without effect, for another text encoder."""
    for name, module in unet.named_modules():
        if name.endswith("attn2"):
            module.to_k.reset_parameters()
            module.to_v.reset_parameters()
            torch.nn.init.zeros_(module.to_out[0].weight)
            torch.nn.init.zeros_(module.to_out[0].bias)


def random_timesteps(count: int) -> torch.Tensor:
    """`[count]` timesteps in 0…999, evenly spread: half over all, half over the noisiest 40 %.

    What a picture shows is decided at high noise, and there the caption matters most.
    """
    spread = (torch.rand(1) + torch.randperm(count) / count) % 1
    high = torch.arange(count) % 2 == 1
    return (torch.where(high, HIGH_NOISE + (1 - HIGH_NOISE) * spread, spread) * 1000).long().clamp(max=999)
