"""Gradients from several single-threaded copies of a module at once.

On a busy machine this is much faster than threads inside every operation: the copies meet
once a step, not thousands of times, and a copy on a busy core simply takes fewer parts.
"""

import copy
import queue
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import torch


class Replicas:
    """`count` copies of `module` that share its parameters but not its gradients."""

    def __init__(self, module: torch.nn.Module, count: int):
        self.module, self.count = module, count
        others = [copy.deepcopy(module) for _ in range(count - 1)]
        for other in others:
            for parameter, own in zip(other.parameters(), module.parameters()):
                parameter.data = own.data
        self.others = others
        self.idle: queue.Queue[torch.nn.Module] = queue.Queue()
        for replica in [module, *others]:
            self.idle.put(replica)
        self.pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))

    def backward(self, parts: list, loss: Callable) -> list:
        """Accumulate the gradient of the mean over `parts` of `loss(replica, part)[0]`.

        `loss` returns a scalar tensor and anything else; the list of what it returned besides
        is the result.
        """
        def run(part):
            replica = self.idle.get()
            try:
                value, rest = loss(replica, part)
                (value / len(parts)).backward()
                return rest
            finally:
                self.idle.put(replica)

        results = list(self.pool.map(run, parts))
        for other in self.others:
            for parameter, own in zip(other.parameters(), self.module.parameters()):
                if parameter.grad is not None:
                    own.grad = parameter.grad if own.grad is None else own.grad.add_(parameter.grad)
                    parameter.grad = None
        return results
