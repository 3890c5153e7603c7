#!/usr/bin/env python3
"""Time whole inpaints by `editor` and by diffusers in bf16, in alternation, on the same machine.

    python scripts/reference/make_model.py MODEL --shape sd15 --inpaint
    python Benchmarks/compare-torch.py MODEL --editor .build/release/editor

Each job is a process of its own: 512×512, 20 steps, guidance 7.5, SD 1.5's inpainting shapes, from the files on disk to
a PNG. Prints for each job the seconds in all, the seconds a step and the peak resident memory as the system counts it,
then medians and ratios; exit status 1 if `editor` is not ahead in whole time and memory.

A warm-up job of each comes first, so that both find their files in the system's cache. Let nothing else run meanwhile.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

PROMPT, NEGATIVE = "a lighthouse on a cliff, oil painting", "blurry"


def peak_of(command: list, log: pathlib.Path) -> tuple[float, float]:
    """Runs `command` with its output in `log`; seconds and peak resident bytes."""
    start = time.perf_counter()
    with log.open("w") as out:
        process = subprocess.Popen([str(w) for w in command], stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        raise SystemExit(f"{command[0]} failed:\n{log.read_text()[-2000:]}")
    scale = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * scale


def last_json(log: pathlib.Path) -> dict:
    """The last line of `log` that is a JSON object."""
    for line in reversed(log.read_text().splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    return {}


def run_editor(options: argparse.Namespace, folder: pathlib.Path) -> dict:
    log = folder / "editor.log"
    command = [options.editor, "inpaint", folder / "picture.png", folder / "mask.png", PROMPT, "--model", options.model,
               "--seed", 1, "--steps", options.steps, "--guidance", 7.5, "--strength", 1.0, "--sampler", options.sampler,
               "--negative", NEGATIVE, "--precision", options.precision, "--area", "whole", "--composite", "raw",
               "--fill", "original", "--known-latents", "channels", "--threads", options.threads, "--json", "--force",
               "-o", folder / "editor.png"]
    seconds, peak = peak_of(command, log)
    done = last_json(log)
    return dict(engine="editor", seconds=seconds, step=done.get("secondsPerStep"), peak=peak, parts=done.get("seconds"))


def run_torch(options: argparse.Namespace, folder: pathlib.Path) -> dict:
    log = folder / "torch.log"
    command = [sys.executable, __file__, options.model, "--torch-job", folder, "--steps", options.steps,
               "--threads", options.threads, "--sampler", options.sampler]
    seconds, peak = peak_of(command, log)
    return dict(engine="torch", seconds=seconds, peak=peak, **last_json(log))


def torch_job(options: argparse.Namespace) -> None:
    """The reference's own process: bf16, channels_last, no gradients; times of the steps on stdout."""
    start = time.perf_counter()
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts/reference"))
    import torch
    from compare_pipelines import SAMPLERS
    from diffusers import StableDiffusionInpaintPipeline
    from PIL import Image

    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    pipe = StableDiffusionInpaintPipeline.from_pretrained(options.model, torch_dtype=torch.bfloat16, safety_checker=None)
    pipe.unet.to(memory_format=torch.channels_last)
    pipe.vae.to(memory_format=torch.channels_last)
    kind, changes = SAMPLERS[options.sampler]
    pipe.scheduler = kind.from_config(pipe.scheduler.config, **changes)
    pipe.set_progress_bar_config(disable=True)
    loaded = time.perf_counter()
    ends = []

    def step_end(_pipe, _step, _timestep, values):
        ends.append(time.perf_counter())
        return values

    folder = options.torch_job
    picture, mask = (Image.open(folder / f"{name}.png") for name in ("picture", "mask"))
    result = pipe(PROMPT, negative_prompt=NEGATIVE, image=picture, mask_image=mask, width=picture.width,
                  height=picture.height, strength=1.0, guidance_scale=7.5, num_inference_steps=options.steps,
                  generator=torch.Generator("cpu").manual_seed(1), callback_on_step_end=step_end)
    result.images[0].save(folder / "torch.png")
    steps = [b - a for a, b in zip(ends, ends[1:])] or [ends[0] - loaded]
    print(json.dumps(dict(step=statistics.median(steps), first=ends[0] - start,
                          parts=dict(load=loaded - start, decode=time.perf_counter() - ends[-1]))))


def write_inputs(folder: pathlib.Path, size: int) -> None:
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts/reference"))
    import input_pictures  # and not torch: a child counts its parent's memory at the fork as its own peak
    input_pictures.picture(size, size).save(folder / "picture.png")
    input_pictures.mask(size, size).save(folder / "mask.png")


def describe(figures: dict) -> str:
    step = f"{figures['step']:.2f} s a step" if figures.get("step") else "no step time"
    first = f", first step after {figures['first']:.1f} s" if figures.get("first") else ""
    return f"{figures['engine']:7} {figures['seconds']:7.1f} s, {step}{first}, {figures['peak'] / 1e9:.2f} GB"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="an inpainting model with 9 channels in, in the layout of diffusers")
    parser.add_argument("--editor", type=pathlib.Path, default=pathlib.Path(".build/release/editor"))
    parser.add_argument("--rounds", type=int, default=2, help="pairs of jobs after the warm-up")
    parser.add_argument("--no-warm-up", action="store_true")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--sampler", default="ddim")
    parser.add_argument("--precision", default="bf16", help="of editor")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--torch-job", type=pathlib.Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if options.torch_job:
        torch_job(options)
        return 0
    runs: dict[str, list] = {"editor": [], "torch": []}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_inputs(folder, options.size)
        if not options.no_warm_up:
            short = argparse.Namespace(**{**vars(options), "steps": 1})
            run_editor(short, folder), run_torch(short, folder)
        for round_number in range(options.rounds):
            for run in (run_editor, run_torch) if round_number % 2 == 0 else (run_torch, run_editor):
                figures = run(options, folder)
                runs[figures["engine"]].append(figures)
                print(describe(figures), json.dumps(figures.get("parts")), flush=True)
    ratios = {}
    for what in ("seconds", "step", "peak"):
        ours, theirs = (statistics.median([r[what] for r in runs[e] if r.get(what)] or [float("nan")]) for e in runs)
        ratios[what] = ours / theirs
        print(f"{what:8} editor {ours:.4g}  torch {theirs:.4g}  editor / torch {ours / theirs:.2f}")
    return 0 if ratios["seconds"] < 1 and ratios["peak"] < 1 else 1


if __name__ == "__main__":
    sys.exit(main())
