"""Write fixtures/parity/sampling: what torch draws and what diffusers' schedulers compute.

    python scripts/reference/make_sampling_fixtures.py [random|trajectories ...]

Versions: scripts/reference/requirements.txt. The torch draws need an x86-64 CPU with AVX2, where torch takes its
vectorised way. Deterministic: running it again writes the same bytes.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "parity" / "sampling"

# Each line is one generator: its seed and the sizes of consecutive draws.
DRAWS = [
    (0, [1]), (0, [15]), (0, [16]), (0, [17]), (1, [31]), (2, [32]), (3, [33, 4]),
    (42, [1, 1, 1, 16, 1, 3, 17, 2]), (7, [5, 640, 5]), (1234567890123, [100, 7, 100]),
    (2**64 - 1, [48]), (2**32, [20]), (5, [4 * 32 * 32]),
]


def philox(seed, sizes):
    """AUTOMATIC1111's modules/rng_philox.py (v1.10.1), restated: one counter an element, one offset a call."""
    results = []
    for offset, size in enumerate(sizes):
        counter = np.zeros((4, size), np.uint64)
        counter[0] = offset
        counter[2] = np.arange(size)
        key = np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint64)
        for round_ in range(10):
            if round_:
                key = (key + np.array([0x9E3779B9, 0xBB67AE85], np.uint64)) & 0xFFFFFFFF
            first = counter[0] * np.uint64(0xD2511F53)
            second = counter[2] * np.uint64(0xCD9E8D57)
            counter = np.stack([
                (second >> np.uint64(32)) ^ counter[1] ^ key[0], second & np.uint64(0xFFFFFFFF),
                (first >> np.uint64(32)) ^ counter[3] ^ key[1], first & np.uint64(0xFFFFFFFF)])
        unit = np.array([2.3283064e-10], np.float32)
        turn = np.array([2.3283064e-10 * 6.2831855], np.float32)
        u = counter[0].astype(np.uint32) * unit + unit / 2
        v = counter[1].astype(np.uint32) * turn + turn / 2
        results.append((np.sqrt(-2.0 * np.log(u)) * np.sin(v)).astype(np.float32))
    return results


def random():
    tensors, draws = {}, []
    for index, (seed, sizes) in enumerate(DRAWS):
        generator = torch.Generator("cpu").manual_seed(seed)
        tensors[f"torch.{index}"] = np.concatenate(
            [torch.randn(size, generator=generator).numpy() for size in sizes])
        draws.append({"source": "torch", "seed": str(seed), "sizes": sizes, "tensor": f"torch.{index}"})
    for index, (seed, sizes) in enumerate([(0, [12]), (123, [3, 40, 3]), (2**40 + 5, [16])]):
        tensors[f"philox.{index}"] = np.concatenate(philox(seed, sizes))
        draws.append({"source": "philox", "seed": str(seed), "sizes": sizes, "tensor": f"philox.{index}"})
    save_file(tensors, ROOT / "random.safetensors")
    (ROOT / "random.json").write_text(json.dumps(draws, indent=0) + "\n")


if __name__ == "__main__":
    ROOT.mkdir(parents=True, exist_ok=True)
    for part in sys.argv[1:] or ["random"]:
        globals()[part]()
