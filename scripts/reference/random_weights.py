"""Random weights that hide nothing.

A freshly constructed network is a poor test: its norms are the identity, its biases are small or zero, its text
branch hardly reaches the output. Here every parameter is drawn anew, seeded, with a size that keeps activations of
order one through the network, and is rounded to a value that f16 holds exactly, so that a reference that runs in f32
and an engine that reads the f16 file start from the same numbers.
"""
import torch
from torch import nn

#: Standard deviation of biases, of norm biases, and of norm weights around 1.
BIAS_STD = 0.1
NORM_STD = 0.2

#: Factor on queries and keys, so that attention weights are visibly uneven (logits of order 2 rather than 1).
ATTENTION_GAIN = 1.5


def round_to_half(module: nn.Module) -> nn.Module:
    """Rounds every parameter to the nearest f16 value, in place; the parameters stay f32."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.half().float())
    return module


def randomise(module: nn.Module, seed: int) -> nn.Module:
    """Draws every parameter of `module` anew from `seed`, in place, and returns it in f32 and evaluation mode.

    Weights of linear and convolution layers are normal with standard deviation 1/sqrt(fan in); biases, norm weights
    and norm biases are random too; embeddings are standard normal.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(like: torch.Tensor, std: float, mean: float = 0.0) -> torch.Tensor:
        return torch.randn(like.shape, generator=generator) * std + mean

    module = module.float().eval()
    with torch.no_grad():
        for name, layer in module.named_modules():
            own = dict(layer.named_parameters(recurse=False))
            for key, parameter in own.items():
                if isinstance(layer, (nn.GroupNorm, nn.LayerNorm)):
                    parameter.copy_(normal(parameter, NORM_STD, 1.0 if key == "weight" else 0.0))
                elif isinstance(layer, nn.Embedding):
                    parameter.copy_(normal(parameter, 1.0 if "token" in name else 0.5))
                elif parameter.dim() < 2:
                    parameter.copy_(normal(parameter, BIAS_STD))
                else:
                    gain = ATTENTION_GAIN if name.endswith(("to_q", "to_k", "q_proj", "k_proj")) else 1.0
                    parameter.copy_(normal(parameter, gain / parameter[0].numel() ** 0.5))
    return round_to_half(module)
