"""Write two tiny whole models and the pictures that diffusers' pipelines make with them.

    python make_pipeline_fixtures.py [--out fixtures/parity/pipelines]

`sd1` has the parts of SD 1 (4 channels in, convolutional projections, noise prediction, PNDM's configuration), `sd2-inpaint`
those of SD 2 inpainting (9 channels in, linear projections, v prediction, zero terminal SNR). Beside each model's folders:

* `picture.png`, `mask.png`: what image-to-image and inpainting start from; the mask is made of whole 8-pixel cells;
* `cases.json`: the settings of every case, in the words of the command line;
* `results.safetensors`: `CASE/picture` (U8, `[H, W, 3]`) and `CASE/latents` (F32, `[1, c, h, w]`, before decoding); for
  the cases marked `stages` also `token_ids` (I32, `[2, 77]`, negative first), `text` (`[2, 77, D]`), `unet.sample`,
  `unet.timestep`, `unet.output` of the first network call, `latents.N` after step N.

The tokenizer is that of fixtures/parity/tokenizer.
"""
import argparse
import dataclasses
import json
import pathlib
import shutil

import diffusers
import numpy
import torch
from safetensors.torch import save_file

from compare_pipelines import SAMPLERS, Case, Reference
from input_pictures import mask, picture
from make_model import SD15_SCHEDULE, Shape, write_model

SIZE, STEPS = (64, 48), 6
CROSS, PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"


def shapes(vocabulary: int) -> dict[str, Shape]:
    sd1 = Shape(
        unet_channels=(16, 24), unet_layers=1, down_types=(CROSS, PLAIN), transformer_layers=1, heads=4,
        linear_projection=False, unet_groups=4, latent_channels=4, inpaint=False, text_width=16, text_layers=2,
        text_heads=2, text_ff=32, activation="quick_gelu", vae_channels=(8, 8, 16), vae_layers=1, vae_groups=4,
        scaling_factor=0.18215, scheduler="PNDMScheduler", schedule=SD15_SCHEDULE, vocabulary=vocabulary)
    schedule = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction",
                    clip_sample=False, set_alpha_to_one=False, skip_prk_steps=True, steps_offset=1,
                    timestep_spacing="trailing", rescale_betas_zero_snr=True)
    return {"sd1": sd1, "sd2-inpaint": dataclasses.replace(
        sd1, heads=[2, 3], linear_projection=True, inpaint=True, activation="gelu", scheduler="DDIMScheduler",
        schedule=schedule)}


def cases(inpaint_only: bool) -> list[Case]:
    found = []
    for turn, sampler in enumerate(SAMPLERS):
        seed, guidance = (0, 1, 42)[turn % 3], (7.5, 1.0)[turn % 2]
        if inpaint_only:
            found.append(Case("inpaint", sampler, SIZE, guidance, (0.75, 1.0)[turn % 2], seed, STEPS))
        else:
            found += [Case("generate", sampler, SIZE, guidance, 1.0, seed, STEPS),
                      Case("remix", sampler, SIZE, guidance, 0.75, seed, STEPS),
                      Case("inpaint", sampler, SIZE, guidance, (1.0, 0.5)[turn % 2], seed, STEPS)]
    for sampler in ("ddim", "euler-ancestral"):
        found.append(Case("inpaint", sampler, SIZE, 7.5, 0.34, 1, STEPS))
        if not inpaint_only:
            found.append(Case("remix", sampler, SIZE, 7.5, 1.0, 42, STEPS))
    return found


def watch(pipe, seen: dict) -> list:
    """Keeps the first call's tokens, text and network input and output in `seen`."""
    def text(_module, inputs, keywords, output):
        ids = keywords.get("input_ids", inputs[0] if inputs else None)
        seen.setdefault("ids", []).append(ids.to(torch.int32))
        seen.setdefault("texts", []).append(output[0])

    def network(_module, inputs, _keywords, output):
        if "unet.sample" not in seen:
            seen.update({"unet.sample": inputs[0], "unet.timestep": inputs[1].float().reshape(1), "unet.output": output[0]})

    return [pipe["text_encoder"].register_forward_hook(text, with_kwargs=True),
            pipe["unet"].register_forward_hook(network, with_kwargs=True)]


def record(reference: Reference, case: Case, stages: bool) -> dict[str, torch.Tensor]:
    seen: dict = {}

    def step_end(_pipe, step, _timestep, values):
        seen[f"latents.{step + 1}"] = seen["latents"] = values["latents"].clone()
        return values

    hooks = watch(reference.parts, seen) if stages else []
    image = reference.run(case, picture(*SIZE), mask(*SIZE), callback_on_step_end=step_end)
    for hook in hooks:
        hook.remove()
    kept = {"picture": torch.from_numpy(numpy.asarray(image).copy()), "latents": seen["latents"]}
    if stages:
        # The pipeline encodes the prompt first; the record has the negative prompt first, as the network's batch.
        kept["token_ids"], kept["text"] = torch.cat(seen.pop("ids")[::-1]), torch.cat(seen.pop("texts")[::-1])
        kept |= seen
    return {f"{case.name}/{name}": tensor.contiguous().clone() for name, tensor in kept.items()}


def make(out: pathlib.Path, name: str, shape: Shape, seed: int, tokenizer: pathlib.Path) -> None:
    folder = out / name
    write_model(folder, shape, seed, plain=False, tokenizer=tokenizer)
    for junk in folder.rglob("README.md"):
        junk.unlink()
    picture(*SIZE).save(folder / "picture.png")
    mask(*SIZE).save(folder / "mask.png")
    reference = Reference(folder, folder)
    reference.load()
    index, tensors = [], {}
    for case in cases(shape.inpaint):
        stages = case.sampler == "ddim" and case.guidance > 1
        tensors |= record(reference, case, stages)
        prompt, negative = case.prompts
        index.append(dict(dataclasses.asdict(case), name=case.name, prompt=prompt, negative=negative, stages=stages))
    save_file(tensors, folder / "results.safetensors")
    versions = {m.__name__: m.__version__ for m in (torch, diffusers)}
    (folder / "cases.json").write_text(json.dumps(dict(versions=versions, cases=index), indent=1) + "\n")
    deviations = [t.float().std().item() for n, t in tensors.items() if n.endswith("/picture")]
    sizes = [t.abs().max().item() for n, t in tensors.items() if n.endswith("/latents")]
    print(f"{name}: {len(index)} cases, deviation of the pictures {min(deviations):.0f}…{max(deviations):.0f} of 255, "
          f"largest latent {max(sizes):.1f}, {sum(f.stat().st_size for f in folder.rglob('*') if f.is_file())} bytes")


def main() -> None:
    parity = pathlib.Path(__file__).resolve().parents[2] / "fixtures/parity"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=parity / "pipelines")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    diffusers.utils.logging.set_verbosity_error()
    tokenizer = parity / "tokenizer"
    vocabulary = len(json.loads((tokenizer / "vocab.json").read_text()))
    shutil.rmtree(options.out, ignore_errors=True)
    for seed, (name, shape) in enumerate(shapes(vocabulary).items(), start=21):
        make(options.out, name, shape, seed, tokenizer)


if __name__ == "__main__":
    main()
