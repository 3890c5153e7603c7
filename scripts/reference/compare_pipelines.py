"""Compare pictures made by `editor` with those of diffusers' three Stable Diffusion pipelines.

    python compare_pipelines.py MODEL --editor .build/release/editor [--quick]
    python compare_pipelines.py MODEL                     the reference against itself, see below

MODEL is a folder in the layout of diffusers (make_model.py writes such). For every sampler, and several seeds,
guidances, strengths and sizes, the same picture is made by both, in f32, and the peak signal-to-noise ratio between
the two 8-bit pictures is printed; then the minimum. Exit status 1 if any is below the bound (50 dB).

The reference's pictures are kept in the work folder (`--work`), so a run that was stopped continues, and a second run
takes only the editor's own time. Without `--editor` the reference is compared with itself under another order of
summation (channels_last convolutions): what rounding alone costs on this model, the ceiling for anybody.

Where the reference behaves in its own way, and what is done about it:

* Samplers are put in place with `Class.from_config(pipe.scheduler.config)`. That keeps only the keys that
  scheduler_config.json states; the others take the *new* class's defaults. So with no `timestep_spacing` in the file,
  ddim, pndm and lcm space "leading", the others "linspace"; with no `clip_sample`, ddim clips x0 to ±1; with no
  `skip_prk_steps`, pndm begins with Runge-Kutta steps. A key that the class does not know is ignored: pndm and heun
  know no `rescale_betas_zero_snr`, pndm, ddim and lcm no `use_karras_sigmas`.
* Before that, the pipeline has mended the configuration of the model's own scheduler: `steps_offset` other than 1 becomes
  1, and, in the inpainting pipeline, `skip_prk_steps` false becomes true, in the other two `clip_sample` true becomes
  false. What was mended is carried over where the file states the key, and lost (again the new class's default) where it
  does not. So a file with `steps_offset: 0` gives an offset of 1 with every sampler, a file without it gives 0 with every
  sampler that is put in place of the model's own. make_model.py always states the key.
* Its inpainting pipeline brings the mask to latent cells by nearest neighbour, ours by maximum: the masks here are made
  of whole 8-pixel cells, where both agree.
* Its inpainting pipeline always encodes the masked picture and draws for it, also where the network has no channels for
  it: the stochastic samplers' noise comes after that draw. Order of draws: [posterior of the picture], noise of the
  start, posterior of the masked picture, then one a step. The first draw is made for c channels always, for 2c + 1
  channels at strengths below 1 only.
* At strength 1 the inpainting pipeline starts from pure noise times `init_noise_sigma`; image-to-image starts from the
  noised picture.
* A network of 2c + 1 channels has no text-to-image or image-to-image there: only inpainting is compared.
* Its inpainting pipeline accepts 4 and 9 channels and nothing else. For other numbers of latent channels the check is
  passed by a number that equals them (`Channels`); the rest of the pipeline does not depend on it.
* The order-2 samplers (heun) run twice the network calls less one; `timesteps` has as many entries, and the known
  latents of a c-channel network are written back after every entry.
* Pictures of exactly the wanted size are given: no resizing in the image processor takes part.
"""
import argparse
import dataclasses
import itertools
import math
import pathlib
import subprocess
import sys
import tempfile
import time

import diffusers
import numpy
import torch
from diffusers import (
    DDIMScheduler, DiffusionPipeline, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler,
    HeunDiscreteScheduler, LCMScheduler, PNDMScheduler, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline,
    StableDiffusionPipeline, UniPCMultistepScheduler)
from PIL import Image

from input_pictures import mask, picture

#: Final pictures must agree to this, from DESIGN: f32 is the reference precision.
BOUND_DB = 50.0

#: Identical pictures have no finite ratio; this stands for it in minima.
IDENTICAL_DB = 99.0

SAMPLERS = {
    "ddim": (DDIMScheduler, {}),
    "pndm": (PNDMScheduler, {}),
    "euler": (EulerDiscreteScheduler, {}),
    "euler-ancestral": (EulerAncestralDiscreteScheduler, {}),
    "heun": (HeunDiscreteScheduler, {}),
    "dpmpp-2m": (DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++", "solver_order": 2}),
    "dpmpp-2m-sde": (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++", "solver_order": 2}),
    "unipc": (UniPCMultistepScheduler, {}),
    "lcm": (LCMScheduler, {}),
}

PROMPTS = {0: ("a lighthouse on a cliff, oil painting", ""), 1: ("ein roter Apfel, 50% off!", "blurry, low quality"),
           42: ("photo", "text, watermark")}


class Channels(int):
    """A number of input channels that also equals the one the inpainting pipeline asks for."""

    def __new__(cls, value: int, alias: int):
        self = super().__new__(cls, value)
        self.alias = alias
        return self

    def __eq__(self, other):
        return int(self) == int(other) or self.alias == int(other)

    def __ne__(self, other):
        return not self == other

    __hash__ = int.__hash__


@dataclasses.dataclass(frozen=True)
class Case:
    mode: str
    sampler: str
    size: tuple[int, int]  # width, height
    guidance: float
    strength: float
    seed: int
    steps: int

    @property
    def name(self) -> str:
        return (f"{self.mode}-{self.sampler}-{self.size[0]}x{self.size[1]}-g{self.guidance}-s{self.strength}"
                f"-seed{self.seed}-n{self.steps}")

    @property
    def prompts(self) -> tuple[str, str]:
        return PROMPTS[self.seed]


def cases(options: argparse.Namespace, inpaint_only: bool) -> list[Case]:
    modes = [m for m in options.modes if m == "inpaint" or not inpaint_only]
    found = []
    for mode, sampler in itertools.product(modes, options.samplers):
        strengths = [1.0] if mode == "generate" else options.strengths
        if options.quick:
            # Every mode with every sampler and strength; guidance, size and seed take turns.
            for turn, strength in enumerate(strengths):
                turn += options.samplers.index(sampler)
                found.append(Case(mode, sampler, options.sizes[turn % len(options.sizes)],
                                  options.guidances[turn // 2 % len(options.guidances)], strength,
                                  options.seeds[turn % len(options.seeds)], options.steps))
        else:
            found += [Case(mode, sampler, *rest, options.steps) for rest in itertools.product(
                options.sizes, options.guidances, strengths, options.seeds)]
    return found


# Inputs


def inputs(work: pathlib.Path, size: tuple[int, int]) -> tuple[pathlib.Path, pathlib.Path]:
    """Files of the picture and the mask of that size."""
    files = tuple(work / f"{what}-{size[0]}x{size[1]}.png" for what in ("picture", "mask"))
    for file, make in zip(files, (picture, mask)):
        if not file.exists():
            make(*size).save(file)
    return files


# The two sides


class Reference:
    """diffusers' pipelines over one set of networks, loaded when first needed."""

    def __init__(self, model: pathlib.Path, work: pathlib.Path, channels_last: bool = False):
        self.model, self.work, self.channels_last, self.parts = model, work, channels_last, None

    def load(self) -> None:
        pipe = DiffusionPipeline.from_pretrained(self.model, torch_dtype=torch.float32, safety_checker=None)
        self.parts = dict(pipe.components)
        unet, latents = self.parts["unet"], self.parts["vae"].config.latent_channels
        alias = 9 if unet.config.in_channels == 2 * latents + 1 else 4
        unet.register_to_config(in_channels=Channels(unet.config.in_channels, alias))
        if self.channels_last:
            unet.to(memory_format=torch.channels_last)
            self.parts["vae"].to(memory_format=torch.channels_last)

    def pipeline(self, case: Case):
        kind = {"generate": StableDiffusionPipeline, "remix": StableDiffusionImg2ImgPipeline,
                "inpaint": StableDiffusionInpaintPipeline}[case.mode]
        # Read anew: the pipelines change the configuration of the scheduler that they are given.
        own = type(self.parts["scheduler"]).from_pretrained(self.model / "scheduler")
        pipe = kind(**dict(self.parts, scheduler=own), requires_safety_checker=False)
        cls, changes = SAMPLERS[case.sampler]
        pipe.scheduler = cls.from_config(pipe.scheduler.config, **changes)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def run(self, case: Case, photo: Image.Image, hole: Image.Image, **extra) -> Image.Image:
        """The picture that the reference makes; `extra` goes to the pipeline's call."""
        if self.parts is None:
            self.load()
        width, height = case.size
        settings = {
            "generate": dict(width=width, height=height),
            "remix": dict(image=photo, strength=case.strength),
            "inpaint": dict(image=photo, mask_image=hole, strength=case.strength, width=width, height=height),
        }[case.mode]
        prompt, negative = case.prompts
        return self.pipeline(case)(
            prompt=prompt, negative_prompt=negative, num_inference_steps=case.steps, guidance_scale=case.guidance,
            generator=torch.Generator("cpu").manual_seed(case.seed), **settings, **extra).images[0]

    def make(self, case: Case) -> Image.Image:
        file = self.work / f"{case.name}-{'self' if self.channels_last else 'reference'}.png"
        if not file.exists():
            part = file.with_suffix(".part.png")
            self.run(case, *(Image.open(f) for f in inputs(self.work, case.size))).save(part)
            part.rename(file)
        return Image.open(file).convert("RGB")


class Editor:
    """Our command line, one process a picture."""

    def __init__(self, binary: pathlib.Path, model: pathlib.Path, work: pathlib.Path, inpaint_only: bool):
        self.binary, self.model, self.work, self.inpaint_only = binary.resolve(), model, work, inpaint_only

    def command(self, case: Case, out: pathlib.Path) -> list[str]:
        photo, hole = inputs(self.work, case.size)
        prompt, negative = case.prompts
        shared = ["--model", self.model, "--seed", case.seed, "--steps", case.steps, "--guidance", case.guidance,
                  "--sampler", case.sampler, "--negative", negative, "--precision", "f32", "--rng", "torch", "-o", out,
                  "--force", "--quiet"]
        around = ["--area", "whole", "--composite", "raw", "--strength", case.strength]
        known = ["--known-latents", "channels"] if self.inpaint_only else []
        forms = {
            "generate": ["generate", prompt, "--size", f"{case.size[0]}x{case.size[1]}"],
            "remix": ["remix", photo, prompt, *around],
            "inpaint": ["inpaint", photo, hole, prompt, *around, "--fill", "original", *known],
        }
        return [str(word) for word in [self.binary, *forms[case.mode], *shared]]

    def make(self, case: Case) -> Image.Image:
        out = self.work / f"{case.name}-editor.png"
        command = self.command(case, out)
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f"exit status {done.returncode}: {done.stderr.strip()[-400:]}\n  {' '.join(command)}")
        return Image.open(out).convert("RGB")


# Figures


def psnr(a: Image.Image, b: Image.Image) -> tuple[float, int]:
    """Peak signal-to-noise ratio in dB and the largest difference, of 8-bit pictures."""
    if a.size != b.size:
        raise RuntimeError(f"sizes differ: {a.size} and {b.size}")
    difference = numpy.asarray(a, numpy.float64) - numpy.asarray(b, numpy.float64)
    error = numpy.square(difference).mean()
    ratio = IDENTICAL_DB if error == 0 else min(IDENTICAL_DB, 10 * math.log10(255**2 / error))
    return ratio, int(numpy.abs(difference).max())


def degeneracy(image: Image.Image) -> str:
    """Says why equality with this picture would prove little, or nothing."""
    values = numpy.asarray(image, numpy.float64)
    clipped = ((values == 0) | (values == 255)).mean()
    if values.std() < 15:
        return f"flat: deviation {values.std():.1f} of 255"
    return f"{clipped:.0%} of the samples clipped" if clipped > 0.4 else ""


def compare(case: Case, reference: Reference, other) -> tuple[float, str]:
    start = time.perf_counter()
    expected = reference.make(case)
    middle = time.perf_counter()
    try:
        ratio, largest = psnr(expected, other.make(case))
        note = degeneracy(expected)
    except RuntimeError as error:
        ratio, largest, note = 0.0, 255, str(error)
    end = time.perf_counter()
    width, height = case.size
    return ratio, (f"{case.mode:9}{case.sampler:16}{width}x{height}  {case.guidance:<5}{case.strength:<6}{case.seed:<5}"
                   f"{ratio:6.1f} dB {largest:4d}  {middle - start:6.1f} {end - middle:6.1f} s  {note}")


def size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--editor", type=pathlib.Path, help="our binary; without it the reference is compared with itself")
    parser.add_argument("--work", type=pathlib.Path, help="folder for pictures (default: in the system's temporary "
                        "folder, by the model's path); delete it after changing the model")
    parser.add_argument("--quick", action="store_true", help="every mode, sampler and strength once, the rest in turns")
    parser.add_argument("--modes", nargs="+", default=["generate", "remix", "inpaint"],
                        choices=["generate", "remix", "inpaint"])
    parser.add_argument("--samplers", nargs="+", default=list(SAMPLERS), choices=list(SAMPLERS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 42], choices=list(PROMPTS))
    parser.add_argument("--guidances", nargs="+", type=float, default=[7.5, 1.0])
    parser.add_argument("--strengths", nargs="+", type=float, default=[0.3, 0.75, 1.0])
    parser.add_argument("--sizes", nargs="+", type=size, default=[(256, 256), (384, 256)])
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, help="of the reference")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    torch.set_grad_enabled(False)
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    if options.threads:
        torch.set_num_threads(options.threads)
    model = options.model.resolve()
    work = options.work or pathlib.Path(tempfile.gettempdir()) / "editor-compare" / str(model).strip("/").replace("/", "-")
    work.mkdir(parents=True, exist_ok=True)

    reference = Reference(model, work)
    reference.load()
    latents = reference.parts["vae"].config.latent_channels
    inpaint_only = int(reference.parts["unet"].config.in_channels) == 2 * latents + 1
    other = Editor(options.editor, model, work, inpaint_only) if options.editor else Reference(model, work, channels_last=True)

    print("mode     sampler         size     guid. str.  seed    PSNR   max   reference  other", flush=True)
    ratios = {}
    for case in cases(options, inpaint_only):
        ratios[case], line = compare(case, reference, other)
        print(line, flush=True)
    for sampler in options.samplers:
        own = [ratio for case, ratio in ratios.items() if case.sampler == sampler]
        if own:
            print(f"minimum {sampler:16}{min(own):6.1f} dB of {len(own)}")
    low = [case for case, ratio in ratios.items() if ratio < BOUND_DB]
    print(f"minimum {min(ratios.values()):.1f} dB of {len(ratios)}; {len(low)} below {BOUND_DB:g} dB")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
