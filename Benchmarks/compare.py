#!/usr/bin/env python3
"""Hold `editor`, in bf16 and int8, against OpenVINO and PyTorch in bf16, on this machine, in turns.

    python scripts/reference/make_model.py MODEL --shape sd15 --inpaint
    python Benchmarks/compare.py MODEL --editor .build/release/editor

For each part of an edit the engines take turns, each in a process of its own, for `--rounds` rounds; medians of the
rounds, ratios to OpenVINO, and the project's goal for each are printed as a table. The whole edit (20 steps, process start
to saved file) is held against the sum of OpenVINO's parts, which leaves out its text encoder, its model's loading and
the picture files. A first edit, not counted, fills the caches. Let nothing else run meanwhile. `--candidates` also holds
four candidates of one edit against four edits.

The engines are installed into `Benchmarks/.venv` unless `--python` names an interpreter that has them. Stable
Diffusion in C++ is timed too where `--sd-cpp` names its binary.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PARTS = ("step", "encode", "decode")
GOALS = {
    "bf16": {"step": 0.80, "encode": 0.75, "decode": 0.65, "whole edit": 0.65},
    "int8": {"step": 0.55},
}
PEAK_GOALS_GB = {"bf16": 3.0, "int8": 2.0}
# Options of four candidates, their mask, and the share of four edits' time that they may take.
CANDIDATES = {
    "as one batch": (["--batch-size", 4], "mask.png", 0.9),
    "reusing what is known, mask of 10 %": (["--reuse-known"], "small.png", 0.5),
}
STEPS = 20


def environment() -> pathlib.Path:
    """The interpreter of the benchmark's own environment, made if it is not there."""
    python = HERE / ".venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", HERE / ".venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "torch", "diffusers==0.42.1", "transformers==5.23.0",
                        "openvino==2026.4.1", "numpy", "pillow"], check=True)
    return python


def json_lines(command: list) -> list[dict]:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in (done.stdout + done.stderr).splitlines() if line.startswith("{")]


def editor_parts(options: argparse.Namespace, precision: str) -> dict[str, float]:
    lines = json_lines([options.editor, "bench", "--model", options.model, "--precision", precision, "--threads",
                        options.threads, "--repeats", options.repeats, "--json"])
    return {line["part"]: line["seconds"] for line in lines if "seconds" in line}


def peer_parts(options: argparse.Namespace, python: pathlib.Path, engine: str) -> dict[str, float]:
    lines = json_lines([python, HERE / "peers.py", options.model, "--engine", engine, "--threads", options.threads,
                        "--repeats", options.repeats])
    return {line["part"]: line["seconds"] for line in lines if line.get("engine") == engine}


def sd_cpp_step(options: argparse.Namespace) -> dict[str, float]:
    """Seconds of a guided step as stable-diffusion.cpp prints them for the same model."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [options.sd_cpp, "-m", options.sd_cpp_model, "-p", "a lighthouse", "-W", "512", "-H", "512", "--steps", "3",
             "--cfg-scale", "7.5", "-t", str(options.threads), "-o", f"{folder}/o.png"],
            capture_output=True, text=True, check=True)
    found = re.findall(r"3/3 - ([0-9.]+)(s/it|it/s)", done.stdout + done.stderr)
    if not found:
        raise SystemExit("stable-diffusion.cpp printed no time a step")
    value, unit = found[-1]
    return {"step": float(value) if unit == "s/it" else 1 / float(value)}


def whole_edit(options: argparse.Namespace, precision: str, folder: pathlib.Path, steps: int = STEPS,
               mask: str = "mask.png", more: list | tuple = ()) -> dict[str, float]:
    """Seconds from process start to its end, and to its first step's beginning and end; the system's peak in GB."""
    log = folder / "edit.log"
    command = [options.editor, "inpaint", folder / "picture.png", folder / mask, "a red door", "--model",
               options.model, "--seed", 1, "--steps", steps, "--guidance", 7.5, "--strength", 1, "--sampler", "ddim",
               "--precision", precision, "--threads", options.threads, "--json", "--force", "-o", folder / "out.png", *more]
    with log.open("w") as out:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=subprocess.STDOUT)
        marks = {}
        seen = 0
        while process.poll() is None and "step" not in marks:
            time.sleep(0.02)
            text = log.read_text()
            for line in text[seen:].splitlines():
                for name, sign in (("begins", '"stage":"denoise"'), ("step", '"event":"step"')):
                    if sign in line:
                        marks.setdefault(name, time.perf_counter() - start)
            seen = text.rfind("\n") + 1
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        raise SystemExit(log.read_text()[-2000:])
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
    return {"whole edit": seconds, "first step begins": marks["begins"], "first step ends": marks["step"], "peak GB": peak}


def candidates(options: argparse.Namespace, folder: pathlib.Path) -> dict[str, float]:
    """What four candidates of one edit in bf16 take, as a share of four edits."""
    found = {}
    for name, (more, mask, _) in CANDIDATES.items():
        four = whole_edit(options, "bf16", folder, mask=mask, more=["-n", 4, *more])["whole edit"]
        found[name] = four / (4 * whole_edit(options, "bf16", folder, mask=mask)["whole edit"])
    return found


def write_inputs(python: pathlib.Path, folder: pathlib.Path) -> None:
    """A picture of 512×512 with a smooth ground, a mask over its middle quarter, and a small one over a tenth."""
    subprocess.run([python, "-c", f"""
import numpy
from PIL import Image
y, x = numpy.mgrid[:512, :512]
Image.fromarray(numpy.stack([x // 2, y // 2, (x + y) // 4], -1).astype('uint8')).save('{folder}/picture.png')
for name, reach in ('mask', 128), ('small', 81):
    mask = numpy.zeros((512, 512), 'uint8')
    mask[256 - reach:256 + reach, 256 - reach:256 + reach] = 255
    Image.fromarray(mask).save(f'{folder}/{{name}}.png')"""], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--editor", required=True)
    parser.add_argument("--python", type=pathlib.Path, help="an interpreter that has the engines")
    parser.add_argument("--peers", nargs="*", choices=("openvino", "torch"), default=("openvino", "torch"))
    parser.add_argument("--sd-cpp", help="stable-diffusion.cpp's binary")
    parser.add_argument("--sd-cpp-model", help="the model file that it reads")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--candidates", action="store_true", help="time four candidates too")
    options = parser.parse_args()
    python = options.python or environment()
    engines = {}
    for precision in GOALS:
        engines[f"editor {precision}"] = lambda precision=precision: (
            editor_parts(options, precision) | whole_edit(options, precision, folder))
    for peer in options.peers:
        engines[peer] = lambda peer=peer: peer_parts(options, python, peer)
    if options.candidates:
        engines["candidates"] = lambda: candidates(options, folder)
    if options.sd_cpp:
        engines["stable-diffusion.cpp"] = lambda: sd_cpp_step(options)

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_inputs(python, folder)
        for precision in GOALS:
            whole_edit(options, precision, folder, steps=1)
        figures: dict[str, dict[str, list[float]]] = {engine: {} for engine in engines}
        for number in range(options.rounds):
            for engine, run in engines.items():
                found = run()
                for part, value in found.items():
                    figures[engine].setdefault(part, []).append(value)
                print(f"round {number + 1}, {engine}: "
                      + ", ".join(f"{part} {value:.2f}" for part, value in found.items()), file=sys.stderr, flush=True)
    medians = {engine: {part: statistics.median(values) for part, values in parts.items()}
               for engine, parts in figures.items()}
    shares = medians.pop("candidates", {})
    if "openvino" in medians:
        parts = medians["openvino"]
        parts["whole edit"] = STEPS * parts["step"] + parts["encode"] + parts["decode"]
    print_table(medians)
    for name, share in shares.items():
        goal = CANDIDATES[name][2]
        print(f"Four candidates {name}: {share:.2f} of four edits (goal {goal:.2f}, {'met' if share <= goal else 'short'}).")


def print_table(medians: dict[str, dict[str, float]]) -> None:
    engines = list(medians)
    print("| | " + " | ".join(engines) + " | editor / OpenVINO | goal | |")
    print("|---" * (len(engines) + 4) + "|")
    for precision, goals in GOALS.items():
        for part, goal in goals.items():
            cells = [f"{medians[engine][part]:.2f} s" if part in medians[engine] else "" for engine in engines]
            own = medians[f"editor {precision}"][part]
            ratio = own / medians["openvino"][part] if "openvino" in medians else float("nan")
            print(f"| {part}, {precision} | " + " | ".join(cells)
                  + f" | {ratio:.2f} | {goal:.2f} | {'met' if ratio <= goal else 'short'} |")
    print()
    for precision, goal in PEAK_GOALS_GB.items():
        own = medians[f"editor {precision}"]
        print(f"{precision}: first step begins after {own['first step begins']:.1f} s and ends after "
              f"{own['first step ends']:.1f} s; whole edit {own['whole edit']:.1f} s; peak {own['peak GB']:.2f} GB "
              f"(goal {goal:.1f}).")


if __name__ == "__main__":
    main()
