"""The denoiser's network, its noise schedule, and the training batches.

All latents are codes of the patch transform, `[B, 8, h, w]`, root mean square about 1.
"""

import queue
import random
import threading
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTokenizer

from captions import CaptionWriter
from patch_transform import CHANNELS, PATCH, PatchTransform
from pictures import Picture, random_crop, random_mask, random_scene_side
from text import WIDTH, tokenise

BLOCK_CHANNELS = (64, 128, 192)
TEXTURE_SHARE = 0.2


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
def make_batch(crops: list[np.ndarray], masks: list[np.ndarray], captions: list[str],
               transform: PatchTransform, tokenizer: CLIPTokenizer) -> Batch:
    """Encode pictures `[H, W, 3]` bytes and masks `[H, W]` (1 = repaint).

    The masked picture is grey (0 in −1…1) in the hole and is encoded like any picture; the
    mask is 1 for every latent cell that the hole touches.
    """
    pictures = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1
    mask = torch.from_numpy(np.stack(masks)).float()[:, None]
    return Batch(transform(pictures), F.max_pool2d(mask, PATCH), transform(pictures * (1 - mask)),
                 tokenise(tokenizer, captions))


class BatchSource:
    """Draws training batches on a thread of its own."""

    def __init__(self, photos: list[Picture], textures: list[Picture], transform: PatchTransform,
                 tokenizer: CLIPTokenizer, size: int, count: int, seed: int):
        self.photos, self.textures = photos, textures
        self.transform, self.tokenizer = transform, tokenizer
        self.size, self.count, self.rng = size, count, random.Random(seed)
        self.write_caption = CaptionWriter(self.rng)
        self.ready: queue.Queue[Batch] = queue.Queue(maxsize=3)
        threading.Thread(target=self._produce, daemon=True).start()

    def _produce(self) -> None:
        while True:
            crops, masks, captions = [], [], []
            for _ in range(self.count):
                source = self.textures if self.rng.random() < TEXTURE_SHARE else self.photos
                picture = self.rng.choice(source)
                side = random_scene_side(picture.pixels, self.rng)
                crops.append(random_crop(picture.pixels, side, self.size, self.rng))
                masks.append(random_mask(self.size, self.rng))
                captions.append(self.write_caption(picture.row))
            self.ready.put(make_batch(crops, masks, captions, self.transform, self.tokenizer))

    def next(self) -> Batch:
        return self.ready.get()


class Denoiser(torch.nn.Module):
    """The UNet and the text encoder, trained together."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: torch.nn.Module):
        super().__init__()
        self.unet = unet.to(memory_format=torch.channels_last)
        self.text_encoder = text_encoder
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
            context = self.text_encoder(batch.tokens).last_hidden_state
            velocity = self.unet(inputs, timesteps, context).sample
        return (velocity.float() - target).square()


def hole_error(error: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean of `error` `[B, 8, h, w]` where `mask` is 1, for each sample: `[B]`."""
    return (error * mask).sum((1, 2, 3)) / (mask.sum((1, 2, 3)) * error.shape[1])


def stratified_timesteps(count: int) -> torch.Tensor:
    """`[count]` timesteps in 0…999, one from each of `count` equal strata."""
    return ((torch.rand(1) + torch.arange(count) / count) % 1 * 1000).long()
