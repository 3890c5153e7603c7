"""The encoder: a linear transform of 8×8 patches, fitted by principal components.

A patch (192 numbers in −1…1) is projected on its 8 leading principal components. Each
code is divided by the square root of its standard deviation, then all by one number, so
that the root mean square over the 8 channels is 1. `write_encoder` expresses exactly this
transform in the weights of a stock diffusers `AutoencoderKL`.
"""

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

PATCH = 8
CHANNELS = 8
# The encoder and the decoder share these. 16 ≥ 3·2², 48 = 3·4²: see `write_encoder`.
BLOCK_CHANNELS = (16, 48, 64, 128)
GROUPS = 8
# The constant that holds GroupNorm's variance still: an error of about E[x²] / 2K².
ANCHOR = 256.0
LOG_VARIANCE = -30.0


class PatchTransform(torch.nn.Module):
    """`[B, 3, H, W]` in −1…1 → codes `[B, 8, H/8, W/8]`, root mean square about 1."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor):
        """`weight` `[8, 3, 8, 8]` and `bias` `[8]` of a convolution with stride 8."""
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    @classmethod
    def fit(cls, pictures: torch.Tensor) -> "PatchTransform":
        """Principal components of the patches of `pictures` `[N, 3, H, W]`."""
        patches = F.unfold(pictures, PATCH, stride=PATCH).transpose(1, 2).reshape(-1, 3 * PATCH**2)
        mean = patches.mean(0)
        centred = (patches - mean).double()
        variance, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
        variance, vectors = variance.flip(0)[:CHANNELS], vectors.flip(1)[:, :CHANNELS]
        scale = variance.pow(-0.25)
        scale = scale / (variance * scale**2).mean().sqrt()
        weight = (vectors * scale).T.float()
        return cls(weight.reshape(CHANNELS, 3, PATCH, PATCH).contiguous(), -(weight @ mean))

    @classmethod
    def load(cls, path: Path) -> "PatchTransform":
        state = torch.load(path, weights_only=True)
        return cls(state["weight"], state["bias"])

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return F.conv2d(pictures, self.weight, self.bias, stride=PATCH)

    def linear_inverse(self, codes: torch.Tensor) -> torch.Tensor:
        """The least-squares picture `[B, 3, H, W]` of `codes`: what no decoder should fall below."""
        matrix = self.weight.reshape(CHANNELS, -1)
        inverse = torch.linalg.pinv(matrix)
        # The bias is −W·mean and the rows span the components, so the mean's part outside
        # that span is lost; it is small for patches whose mean is nearly grey.
        patches = torch.einsum("pc,bchw->bphw", inverse, codes - self.bias.view(1, -1, 1, 1))
        batch, _, height, width = codes.shape
        return F.fold(patches.reshape(batch, -1, height * width),
                      (height * PATCH, width * PATCH), PATCH, stride=PATCH)


def make_autoencoder() -> AutoencoderKL:
    """An AutoencoderKL with a learned decoder (1.7 M) around the patch transform's encoder."""
    levels = len(BLOCK_CHANNELS)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=BLOCK_CHANNELS, layers_per_block=1, latent_channels=CHANNELS,
        norm_num_groups=GROUPS, sample_size=256, scaling_factor=1.0,
        mid_block_add_attention=False, force_upcast=False,
    )


@torch.no_grad()
def write_encoder(autoencoder: AutoencoderKL, transform: PatchTransform) -> None:
    """Set the encoder's weights so that it computes `transform`.

    Every residual block is the identity (its last convolution is zero, its shortcut copies).
    Each downsampler reads only the 2×2 taps inside its window: the first two stack the
    pixels of a cell (3 → 12 → 48 channels), the third applies the patch transform to
    48 × 2×2 = 192 numbers. The activation before the last convolution is undone: with
    codes x and −x both present, silu(x) − silu(−x) = x. The group normalisation before it
    is undone by constants ±K in every group: its mean is 0, its variance (x² + K²) / 8.
    """
    encoder = autoencoder.encoder
    for parameter in encoder.parameters():
        parameter.zero_()
    centre = (1, 1)
    for channel in range(3):
        encoder.conv_in.weight[channel, channel][centre] = 1

    blocks = encoder.down_blocks
    for row in range(2):
        for column in range(2):
            for channel in range(3):
                target = (row * 2 + column) * 3 + channel
                blocks[0].downsamplers[0].conv.weight[target, channel, row, column] = 1
    for channel in range(12):
        blocks[1].resnets[0].conv_shortcut.weight[channel, channel] = 1
    for row in range(2):
        for column in range(2):
            for channel in range(12):
                target = (row * 2 + column) * 12 + channel
                blocks[1].downsamplers[0].conv.weight[target, channel, row, column] = 1
    for channel in range(48):
        blocks[2].resnets[0].conv_shortcut.weight[channel, channel] = 1
    for channel, row, column in _patch_positions():
        tap = _stacked_channel(channel, row, column), row >> 2, column >> 2
        blocks[2].downsamplers[0].conv.weight[(slice(CHANNELS), *tap)] = \
            transform.weight[:, channel, row, column]

    # One code a group: channels (x, −x, +K, −K, 0 …).
    width = BLOCK_CHANNELS[-1] // GROUPS
    shortcut = blocks[3].resnets[0].conv_shortcut
    gain = ((1.0 + ANCHOR**2) * 2 / width) ** 0.5
    for code in range(CHANNELS):
        first = code * width
        shortcut.weight[first, code] = 1
        shortcut.weight[first + 1, code] = -1
        shortcut.bias[first] = transform.bias[code]
        shortcut.bias[first + 1] = -transform.bias[code]
        shortcut.bias[first + 2], shortcut.bias[first + 3] = ANCHOR, -ANCHOR
        encoder.conv_norm_out.weight[first:first + 2] = gain
        encoder.conv_out.weight[code, first][centre] = 1
        encoder.conv_out.weight[code, first + 1][centre] = -1
    encoder.conv_out.bias[CHANNELS:] = LOG_VARIANCE
    autoencoder.quant_conv.weight.copy_(torch.eye(2 * CHANNELS)[:, :, None, None])
    autoencoder.quant_conv.bias.zero_()


@torch.no_grad()
def read_transform(autoencoder: AutoencoderKL) -> PatchTransform:
    """The transform that `write_encoder` wrote."""
    blocks = autoencoder.encoder.down_blocks
    stored = blocks[2].downsamplers[0].conv.weight
    weight = torch.empty(CHANNELS, 3, PATCH, PATCH)
    for channel, row, column in _patch_positions():
        tap = _stacked_channel(channel, row, column), row >> 2, column >> 2
        weight[:, channel, row, column] = stored[(slice(CHANNELS), *tap)]
    width = BLOCK_CHANNELS[-1] // GROUPS
    bias = blocks[3].resnets[0].conv_shortcut.bias[:CHANNELS * width:width]
    return PatchTransform(weight, bias.clone())


def _patch_positions() -> list[tuple[int, int, int]]:
    """Every (colour channel, row, column) of a patch."""
    return list(itertools.product(range(3), range(PATCH), range(PATCH)))


def _stacked_channel(channel: int, row: int, column: int) -> int:
    """Where the first two downsamplers put a pixel of a 4×4 cell: 0…47.

    Bit 0 of the coordinates chose the tap of the first, bit 1 that of the second; bit 2 is
    left to the third.
    """
    outer = (row >> 1 & 1) * 2 + (column >> 1 & 1)
    inner = (row & 1) * 2 + (column & 1)
    return outer * 12 + inner * 3 + channel
