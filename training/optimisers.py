"""Muon for matrices and convolutions, AdamW for the rest, and moving averages of weights."""

import torch


def orthogonalise(matrices: torch.Tensor) -> torch.Tensor:
    """The nearest semi-orthogonal matrices to `[N, R, C]`, roughly, in bfloat16.

    The quintic Newton–Schulz iteration of Jordan et al., "Muon: An optimizer for hidden
    layers in neural networks" (2024), with its coefficients.
    """
    x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    x = x.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.mT if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Nesterov momentum whose update is orthogonalised and scaled to a root mean square of 0.2.

    Parameters are seen as matrices `[out, everything else]`.
    """

    def __init__(self, parameters, lr: float, momentum: float = 0.95, weight_decay: float = 0.0):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            by_shape: dict[tuple, list] = {}
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(state["momentum"], group["momentum"])
                update = update.reshape(parameter.shape[0], -1)
                by_shape.setdefault(tuple(update.shape), []).append((parameter, update))
            for shape, members in by_shape.items():
                updates = orthogonalise(torch.stack([update for _, update in members]))
                for (parameter, _), update in zip(members, updates):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    step = group["lr"] * 0.2 * max(shape) ** 0.5
                    parameter.add_(update.reshape(parameter.shape), alpha=-step)


class Optimisers:
    """Muon and AdamW over one set of modules, sharing a learning rate."""

    def __init__(self, modules: torch.nn.Module, weight_decay: float = 0.0):
        matrices, others = [], []
        for name, parameter in modules.named_parameters():
            if not parameter.requires_grad:
                continue
            wide = parameter.ndim >= 2 and parameter.shape[0] >= 16 and parameter[0].numel() >= 16
            (matrices if wide and "embedding" not in name else others).append(parameter)
        self.parameters = matrices + others
        self.members = []
        if matrices:
            self.members.append(Muon(matrices, lr=0.0, weight_decay=weight_decay))
        if others:
            self.members.append(torch.optim.AdamW(others, lr=0.0, betas=(0.9, 0.99), weight_decay=0.0))

    def step(self, learning_rate: float) -> float:
        """Clip the gradient to length 1, update, clear; return the gradient's length."""
        length = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for member in self.members:
            for group in member.param_groups:
                group["lr"] = learning_rate
            member.step()
            member.zero_grad()
        return float(length)

    def state_dict(self) -> list:
        return [member.state_dict() for member in self.members]

    def load_state_dict(self, states: list) -> None:
        for member, state in zip(self.members, states):
            member.load_state_dict(state)


class MovingAverage:
    """Exponential moving average of what is trained of a module, shorter while there are few steps."""

    def __init__(self, module: torch.nn.Module, decay: float):
        self.decay, self.steps = decay, 0
        self.values = {name: p.detach().clone() for name, p in module.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self, module: torch.nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, parameter in module.named_parameters():
            if name in self.values:
                self.values[name].lerp_(parameter, 1 - decay)
