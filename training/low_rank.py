"""Low-rank changes to a network that itself stays as it is (LoRA), and their file.

Hu et al., "LoRA: Low-rank adaptation of large language models", arXiv:2106.09685: a weight
matrix W becomes W + B·A, of which only B `[out, rank]` and A `[rank, in]` are trained; of a
convolution A is a convolution to `rank` channels. A may stay as it is as well (Zhang et al.,
"LoRA-FA", arXiv:2308.03303).
"""

import math
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch.nn.utils import parametrize

FILE_NAME = "pytorch_lora_weights.safetensors"
# Steps to which a factor's numbers are rounded, in their root mean square: finer ones would be noise to store. The
# change is then off by 11 % of its size, at random (with 3: 14 %; with 6: 7 %, and a tenth more to store).
STEPS_IN_RMS = 4


class LowRank(torch.nn.Module):
    """`weight` `[out, in, …]` → `weight` + B·A; at first A is random and B zero."""

    def __init__(self, weight: torch.Tensor, rank: int):
        super().__init__()
        inputs = weight[0].numel()
        self.rank, self.scale = min(rank, weight.shape[0], inputs), 1 / math.sqrt(inputs)
        self.down = torch.nn.Parameter(torch.randn(self.rank, inputs))
        self.up = torch.nn.Parameter(torch.zeros(weight.shape[0], self.rank))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        change = (self.up * self.scale) @ self.down
        return weight + change.view(weight.shape).contiguous(memory_format=memory_format(weight))


def memory_format(weight: torch.Tensor) -> torch.memory_format:
    return torch.channels_last if weight.ndim == 4 else torch.contiguous_format


def add_low_rank(network: torch.nn.Module, rank: int) -> None:
    """Freeze `network` and give each of its matrices and convolutions a change of rank `rank`."""
    network.requires_grad_(False)
    layers = [module for module in network.modules() if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))]
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank))


def freeze_down(network: torch.nn.Module) -> None:
    """Leave B alone to be trained."""
    for change in low_rank_layers(network).values():
        change.down.requires_grad_(False)


def rank_of(values: dict[str, torch.Tensor]) -> int:
    """The rank of the changes in a network's trained values; 0 where it was trained itself."""
    return max((value.shape[1] for name, value in values.items() if name.endswith("parametrizations.weight.0.up")),
               default=0)


def has_down(values: dict[str, torch.Tensor]) -> bool:
    """Whether A is among a network's trained values."""
    return any(name.endswith("parametrizations.weight.0.down") for name in values)


def low_rank_layers(network: torch.nn.Module) -> dict[str, LowRank]:
    """The changes by the names of their layers."""
    return {name: module.parametrizations.weight[0] for name, module in network.named_modules()
            if parametrize.is_parametrized(module, "weight")}


@torch.no_grad()
def write_low_rank(network: torch.nn.Module, path: Path, known: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Write the changes with peft's names, as `load_lora_weights` of diffusers reads them, in f16.

    `known` are factors as of `read_low_rank`, of which A was not trained and is written as it was, bit for bit; of other
    layers both factors are written anew.
    """
    tensors = {}
    for name, change in low_rank_layers(network).items():
        if name in known:
            down = known[name][1]
            up = rounded((change.up * change.scale / row_lengths(down)).mT).mT
        else:
            down, up = balanced(change.down * change.scale, change.up)
            down, up = rounded(down), rounded(up.mT).mT
        kernel = network.get_submodule(name).weight.shape[2:]
        tensors[f"unet.{name}.lora_A.weight"] = down.view(change.rank, -1, *kernel).half().contiguous()
        tensors[f"unet.{name}.lora_B.weight"] = up.reshape(*up.shape, *(1 for _ in kernel)).half().contiguous()
    save_file(tensors, path, metadata={"format": "pt"})


def row_lengths(down: torch.Tensor) -> torch.Tensor:
    """What A's rows `[rank, in]` are divided by to have a root mean square of 1."""
    return down.square().mean(1).sqrt().clamp(min=1e-12)


def balanced(down: torch.Tensor, up: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Factors with the product `up` · `down` whose columns and rows are orthogonal and of equal lengths."""
    first, middle = torch.linalg.qr(up.double())
    second, lower = torch.linalg.qr(down.double().mT)
    left, sizes, right = torch.linalg.svd(middle @ lower.mT)
    root = sizes.sqrt()
    return ((root[:, None] * right) @ second.mT).float(), (first @ left * root).float()


def rounded(rows: torch.Tensor) -> torch.Tensor:
    """`rows` `[rank, any]`, each to multiples of a power of two, so that f16 holds them and compression finds little else."""
    size = rows.square().mean(1, keepdim=True).sqrt().clamp(min=1e-12)
    step = torch.exp2((size / STEPS_IN_RMS).log2().round())
    return (rows / step).round() * step


def read_low_rank(path: Path) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """The factors `up` `[out, rank]` and `down` `[rank, in]` of a file, by the names of the layers."""
    tensors = load_file(path)
    ending = ".lora_A.weight"
    return {name.removeprefix("unet.").removesuffix(ending):
            (tensors[name.replace(".lora_A.", ".lora_B.")].float().flatten(1), tensors[name].float().flatten(1))
            for name in tensors if name.endswith(ending)}


@torch.no_grad()
def load_unet(model: Path, rank: int = 0) -> UNet2DConditionModel:
    """The UNet of an exported model folder, with the changes it brings along.

    They are in the weights, or with a `rank` (theirs at least) trainable beside them.
    """
    unet = UNet2DConditionModel.from_pretrained(model / "unet", torch_dtype=torch.float32)
    path = model / FILE_NAME
    factors = read_low_rank(path) if path.exists() else {}
    if rank == 0:
        for name, (up, down) in factors.items():
            weight = unet.get_submodule(name).weight
            weight += (up @ down).view(weight.shape)
        return unet
    add_low_rank(unet, rank)
    for name, change in low_rank_layers(unet).items():
        if name in factors:
            up, down = factors[name]
            known, length = len(down), row_lengths(down)
            # As they were while they were trained: the rows of A of length about 1 before its scale.
            change.down[:known] = down / length[:, None]
            change.up[:, :known] = up * length / change.scale
    return unet
