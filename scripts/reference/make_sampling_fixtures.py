"""Write fixtures/parity/sampling: what torch draws and what diffusers' schedulers compute.

    python scripts/reference/make_sampling_fixtures.py [random|trajectories ...]

Versions: scripts/reference/requirements.txt. The torch draws need an x86-64 CPU with AVX2, where torch takes its
vectorised way. Deterministic: running it again writes the same bytes.
"""
import json
import pathlib
import sys

import diffusers
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


# What the models of Stable Diffusion 1.x say, and variations of it.
SD1 = {
    "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_start": 0.00085, "beta_end": 0.012,
    "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "set_alpha_to_one": False,
    "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None, "clip_sample": False,
}
CLASSES = {
    "ddim": ("DDIMScheduler", {}), "pndm": ("PNDMScheduler", {}), "euler": ("EulerDiscreteScheduler", {}),
    "euler-ancestral": ("EulerAncestralDiscreteScheduler", {}), "heun": ("HeunDiscreteScheduler", {}),
    "dpmpp-2m": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "dpmpp-2m-sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "unipc": ("UniPCMultistepScheduler", {}), "lcm": ("LCMScheduler", {}),
}
SCHEDULES = {
    "karras": {"use_karras_sigmas": True}, "exponential": {"use_exponential_sigmas": True},
    "trailing": {"timestep_spacing": "trailing"},
}
SIGMA_KINDS = ("euler", "heun", "dpmpp-2m", "dpmpp-2m-sde", "unipc")
COUNT = 24


def cases():
    """Sampler, prediction, schedule (None: as configured), steps, strength, inpainting, configuration."""
    for kind in CLASSES:
        for prediction in ("epsilon", "v_prediction", "sample"):
            if prediction == "sample" and kind in ("pndm", "euler-ancestral"):
                continue
            schedules = [None, "trailing"] + (["karras", "exponential"] if kind in SIGMA_KINDS else [])
            for schedule in schedules:
                for steps, strength in ((10, 1.0), (7, 0.7)):
                    yield kind, prediction, schedule, steps, strength, False, {}
        yield kind, "epsilon", None, 10, 1.0, True, {}
        yield kind, "v_prediction", None, 20, 0.3, True, {}
        yield kind, "epsilon", None, 1, 1.0, False, {}
        yield kind, "epsilon", None, 50, 1.0, False, {}
        yield kind, "epsilon", None, 8, 0.75, False, {"timestep_spacing": "leading", "beta_schedule": "linear"}
        yield kind, "v_prediction", None, 6, 1.0, False, {"timestep_spacing": "linspace"}
        yield kind, "epsilon", None, 6, 1.0, False, {"beta_schedule": "squaredcos_cap_v2"}
        if kind not in ("pndm", "heun"):
            zero = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
            yield kind, "v_prediction", None, 10, 1.0, False, zero
            yield kind, "v_prediction", None, 10, 0.6, False, zero
    for kind in SIGMA_KINDS:
        cosine = {"beta_schedule": "squaredcos_cap_v2"}
        yield kind, "epsilon", "karras", 9, 1.0, False, cosine
        yield kind, "epsilon", "exponential", 9, 1.0, False, cosine
        yield kind, "epsilon", "karras", 50, 1.0, False, {}
        yield kind, "epsilon", "exponential", 33, 1.0, False, {}
        if kind != "heun":
            for schedule in (None, "karras"):
                yield kind, "epsilon", schedule, 10, 1.0, False, {"final_sigmas_type": "sigma_min"}
    yield "pndm", "epsilon", None, 10, 1.0, False, {"skip_prk_steps": False}
    yield "pndm", "v_prediction", None, 4, 1.0, False, {"skip_prk_steps": False}
    yield "pndm", "epsilon", None, 20, 0.5, False, {"skip_prk_steps": False}
    yield "ddim", "epsilon", None, 10, 1.0, False, {"set_alpha_to_one": True, "steps_offset": 0}
    yield "ddim", "epsilon", None, 10, 1.0, False, {"clip_sample": True}
    yield "ddim", "epsilon", None, 10, 1.0, False, {"thresholding": True, "sample_max_value": 1.5}
    yield "heun", "epsilon", None, 5, 1.0, False, {"clip_sample": True, "clip_sample_range": 0.8}
    yield "euler", "epsilon", "karras", 12, 1.0, False, {
        "_class_name": "EulerDiscreteScheduler", "sigma_min": 0.05, "sigma_max": 12.0}
    for kind in ("dpmpp-2m", "dpmpp-2m-sde"):
        for order in (1, 2, 3):
            for solver in ("midpoint", "heun"):
                yield kind, "epsilon", None, 9, 1.0, False, {"solver_order": order, "solver_type": solver}
        yield kind, "epsilon", None, 16, 1.0, False, {"solver_order": 3}
        yield kind, "epsilon", None, 16, 1.0, False, {"euler_at_final": True, "final_sigmas_type": "sigma_min"}
        yield kind, "epsilon", None, 9, 1.0, False, {
            "lower_order_final": False, "lambda_min_clipped": -5.1, "beta_schedule": "squaredcos_cap_v2"}
    for settings in (
            {"solver_order": 1}, {"solver_order": 3}, {"solver_type": "bh1", "final_sigmas_type": "sigma_min"},
            {"solver_type": "bh1", "solver_order": 3, "final_sigmas_type": "sigma_min"},
            {"predict_x0": False, "final_sigmas_type": "sigma_min"},
            {"predict_x0": False, "solver_order": 3, "final_sigmas_type": "sigma_min"}, {"disable_corrector": [0, 1]},
            {"lower_order_final": False, "final_sigmas_type": "sigma_min"}):
        yield "unipc", "epsilon", None, 9, 1.0, False, {"_class_name": "UniPCMultistepScheduler", **settings}
    yield "lcm", "epsilon", None, 4, 1.0, False, {"original_inference_steps": 50}
    yield "lcm", "epsilon", None, 6, 1.0, False, {"original_inference_steps": 40, "timestep_scaling": 5.0}


def network(latents, timestep):
    """A smooth stand-in for a network, of operations that every language rounds alike."""
    f = np.float32
    scaled = latents * f(0.8) + f(0.05)
    return (scaled / (f(1) + np.abs(scaled))) * (f(0.5) + f(timestep) / f(1000))


def trajectory(kind, prediction, schedule, steps, strength, inpaints, changes):
    config = {**SD1, "prediction_type": prediction, **changes}
    name, overrides = CLASSES[kind]
    scheduler = getattr(diffusers, name).from_config(config, **overrides, **SCHEDULES.get(schedule, {}))
    scheduler.set_timesteps(steps)
    # get_timesteps of the image-to-image and inpainting pipelines.
    start = max(steps - min(int(steps * strength), steps), 0) * scheduler.order
    timesteps = scheduler.timesteps[start:]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(start)

    generator = torch.Generator("cpu").manual_seed(steps)
    image = torch.randn((1, COUNT, 1, 1), generator=generator)
    noise = torch.randn((1, COUNT, 1, 1), generator=generator)
    mask = (torch.arange(COUNT).reshape(1, COUNT, 1, 1) % 3 == 0).float()
    if strength < 1:
        latents = scheduler.add_noise(image, noise, timesteps[:1])
    else:
        latents = noise * scheduler.init_noise_sigma
    extra = {"generator": generator} if kind in ("euler-ancestral", "dpmpp-2m-sde", "lcm") else {}
    all_latents = [latents]
    for index, timestep in enumerate(timesteps):
        scaled = scheduler.scale_model_input(latents, timestep)
        output = torch.from_numpy(network(scaled.numpy(), timestep.numpy()))
        latents = scheduler.step(output, timestep, latents, return_dict=False, **extra)[0]
        if inpaints:
            known = image
            if index < len(timesteps) - 1:
                known = scheduler.add_noise(image, noise, torch.tensor([timesteps[index + 1]]))
            latents = (1 - mask) * known + mask * latents
        all_latents.append(latents)
    assert torch.stack(all_latents).isfinite().all(), (kind, prediction, schedule, steps, changes)
    return scheduler.timesteps.numpy().astype(np.float32), torch.stack(all_latents).reshape(-1, COUNT).numpy()


def trajectories():
    tensors, rows = {}, []
    for index, case in enumerate(cases()):
        kind, prediction, schedule, steps, strength, inpaints, changes = case
        timesteps, latents = trajectory(*case)
        tensors[f"{index}.t"], tensors[f"{index}.x"] = timesteps, latents
        rows.append({"sampler": kind, "schedule": schedule, "steps": steps, "strength": strength,
                     "inpaints": inpaints, "configuration": {"prediction_type": prediction, **changes}})
    save_file(tensors, ROOT / "trajectories.safetensors")
    cases_ = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (ROOT / "trajectories.json").write_text(f'{{"base":{json.dumps(SD1)},\n"cases":[\n{cases_}\n]}}\n')


if __name__ == "__main__":
    ROOT.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for part in sys.argv[1:] or ["random", "trajectories"]:
        globals()[part]()
