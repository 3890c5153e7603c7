"""Write a tiny model of each further family, its network calls, and the pictures that diffusers' pipelines make with it.

    python make_family_fixtures.py [--out fixtures/parity/families] [--only NAME ...] [--weights CORPORA/weights]

`sdxl`: two text encoders, pooled text, sizes (StableDiffusionXLPipeline, …Img2ImgPipeline, …InpaintPipeline);
`sdxl-inpaint`: its 9-channel denoiser; `sdxl-refiner`: its refiner, one text encoder and an aesthetic score;
`pix2pix`: InstructPix2Pix, 8 channels (StableDiffusionInstructPix2PixPipeline); `sdxl-pix2pix`: the same of SDXL;
`lcm`: a denoiser that takes the guidance scale; `tiny-vae`: AutoencoderTiny in place of the autoencoder.

A folder has the parts that are its own; `parts.json` says where the others lie. Beside them `cases.json` with the settings
of every case and `results.safetensors` with `CASE/picture` (U8, `[H, W, 3]`). For one case of each also its first network
call: `call/prompt_embeds`, `call/text_embeds`, `call/time_ids`, `call/sample`, `call/timestep`, `call/output`.

`tiny-vae` also has the autoencoder's own `image`, `latents` and `decoded`; so does `taef2.safetensors`, of the real weights
of the corpora, `taef2_*.pth`, whose middle blocks have a branch that diffusers' AutoencoderTiny lacks: it is put there as
madebyollin's `taesd.py` has it (`use_midblock_gn`).

The pictures that are started from are those of fixtures/parity/pipelines. Schedulers are given `steps_offset` 0 where a
pipeline is not to mend it, so that mending would be seen.
"""
import argparse
import dataclasses
import json
import pathlib
import shutil

import diffusers
import numpy
import torch
from diffusers import (
    AutoencoderKL, AutoencoderTiny, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline,
    StableDiffusionInstructPix2PixPipeline, StableDiffusionPipeline, StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline, StableDiffusionXLInstructPix2PixPipeline, StableDiffusionXLPipeline,
    UNet2DConditionModel)
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from compare_pipelines import PROMPTS, SAMPLERS
from input_pictures import mask, picture
from make_model import calibrate_autoencoder, carry_input, sd15_shape, write_json, write_tokenizer
from random_weights import randomise, round_to_half

SIZE, STEPS = (64, 48), 6
DOWN, CROSS_DOWN, UP, CROSS_UP = "DownBlock2D", "CrossAttnDownBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"
EULER = dict(_class_name="EulerDiscreteScheduler", beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
             clip_sample=False, interpolation_type="linear", num_train_timesteps=1000, prediction_type="epsilon",
             sample_max_value=1.0, set_alpha_to_one=False, skip_prk_steps=True, steps_offset=1, timestep_spacing="leading",
             use_karras_sigmas=False)
DDIM = dict(EULER, _class_name="DDIMScheduler", steps_offset=0)
SIZES_DIM, POOLED = 8, 16


@dataclasses.dataclass(frozen=True)
class Case:
    mode: str
    sampler: str
    guidance: float
    strength: float
    seed: int
    image_guidance: float = 1.5
    steps: int = STEPS

    @property
    def name(self) -> str:
        return f"{self.mode}-{self.sampler}-g{self.guidance}-s{self.strength}-i{self.image_guidance}-seed{self.seed}"


@dataclasses.dataclass(frozen=True)
class Family:
    make: dict
    """Own parts: folder to a function that makes the network."""
    shared: dict
    """Parts elsewhere: folder to path below fixtures/parity."""
    scheduler: dict
    index: dict
    pipelines: dict
    """Mode to pipeline class."""
    cases: tuple
    seed: int




def text_config(width: int, activation: str, vocabulary: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=2 * width, projection_dim=POOLED, num_hidden_layers=3,
        num_attention_heads=2, max_position_embeddings=77, hidden_act=activation, bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1, pad_token_id=1)


def first_text(vocabulary: int):
    return CLIPTextModel(text_config(8, "quick_gelu", vocabulary))


def second_text(vocabulary: int):
    return CLIPTextModelWithProjection(text_config(16, "gelu", vocabulary))


def xl_autoencoder(_vocabulary: int):
    return AutoencoderKL(
        block_out_channels=(4, 4, 8), layers_per_block=1, latent_channels=4, norm_num_groups=2, sample_size=64,
        scaling_factor=0.13025, down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3)


def xl_denoiser(in_channels: int, context: int, numbers: int):
    def make(_vocabulary: int):
        return UNet2DConditionModel(
            sample_size=16, in_channels=in_channels, out_channels=4, block_out_channels=(12, 16), layers_per_block=1,
            down_block_types=(DOWN, CROSS_DOWN), up_block_types=(CROSS_UP, UP), transformer_layers_per_block=(1, 2),
            attention_head_dim=(1, 2), use_linear_projection=True, norm_num_groups=4, cross_attention_dim=context,
            addition_embed_type="text_time", addition_time_embed_dim=SIZES_DIM,
            projection_class_embeddings_input_dim=POOLED + numbers * SIZES_DIM)
    return make


def denoiser(in_channels: int, **extra):
    def make(_vocabulary: int):
        return UNet2DConditionModel(
            sample_size=16, in_channels=in_channels, out_channels=4, block_out_channels=(12, 16), layers_per_block=1,
            down_block_types=(CROSS_DOWN, DOWN), up_block_types=(UP, CROSS_UP), attention_head_dim=2, norm_num_groups=4,
            cross_attention_dim=16, **extra)
    return make


def tiny_autoencoder(_vocabulary: int):
    return AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8), decoder_block_out_channels=(8, 8, 8), num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(1, 1, 1), latent_channels=4)


XL = {"generate": StableDiffusionXLPipeline, "remix": StableDiffusionXLImg2ImgPipeline,
      "inpaint": StableDiffusionXLInpaintPipeline}
SD = {"generate": StableDiffusionPipeline, "remix": StableDiffusionImg2ImgPipeline,
      "inpaint": StableDiffusionInpaintPipeline}
XL_PARTS = {part: f"families/sdxl/{part}" for part in ("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "vae")}
SD_PARTS = {part: f"pipelines/sd1/{part}" for part in ("text_encoder", "tokenizer", "vae")}
FAMILIES = {
    "sdxl": Family(
        {"text_encoder": first_text, "text_encoder_2": second_text, "vae": xl_autoencoder, "unet": xl_denoiser(4, 24, 6)},
        {}, EULER, dict(force_zeros_for_empty_prompt=True), XL, (
            Case("generate", "euler", 5.0, 1.0, 0), Case("generate", "ddim", 1.0, 1.0, 1),
            Case("generate", "dpmpp-2m", 7.5, 1.0, 42), Case("remix", "euler", 5.0, 0.5, 0),
            Case("remix", "euler-ancestral", 5.0, 0.75, 1), Case("inpaint", "euler", 7.5, 1.0, 0),
            Case("inpaint", "ddim", 5.0, 0.5, 42), Case("inpaint", "euler-ancestral", 5.0, 0.75, 1)), 31),
    "sdxl-inpaint": Family(
        {"unet": xl_denoiser(9, 24, 6)}, XL_PARTS, EULER, dict(force_zeros_for_empty_prompt=True), XL, (
            Case("inpaint", "euler", 7.5, 1.0, 0), Case("inpaint", "ddim", 1.0, 0.75, 42),
            Case("inpaint", "euler-ancestral", 5.0, 0.5, 1)), 32),
    "sdxl-refiner": Family(
        {"unet": xl_denoiser(4, 16, 5)}, {k: v for k, v in XL_PARTS.items() if k.endswith("_2") or k == "vae"}, DDIM,
        dict(force_zeros_for_empty_prompt=False, requires_aesthetics_score=True), XL, (
            Case("remix", "ddim", 5.0, 0.34, 0), Case("remix", "euler", 7.5, 0.75, 1),
            Case("inpaint", "ddim", 5.0, 1.0, 42)), 33),
    "pix2pix": Family(
        {"unet": denoiser(8)}, SD_PARTS, DDIM, {}, {"remix": StableDiffusionInstructPix2PixPipeline}, (
            Case("remix", "ddim", 7.5, 1.0, 0), Case("remix", "euler-ancestral", 7.5, 1.0, 1, image_guidance=1.2),
            Case("remix", "euler", 1.0, 1.0, 42), Case("remix", "dpmpp-2m", 5.0, 1.0, 42, image_guidance=2.0)), 34),
    "sdxl-pix2pix": Family(
        {"unet": xl_denoiser(8, 24, 6)}, XL_PARTS, EULER, dict(force_zeros_for_empty_prompt=True),
        {"remix": StableDiffusionXLInstructPix2PixPipeline}, (
            Case("remix", "euler", 5.0, 1.0, 0), Case("remix", "ddim", 3.0, 1.0, 1, image_guidance=1.2)), 35),
    "lcm": Family(
        {"unet": denoiser(4, time_cond_proj_dim=10)}, SD_PARTS,
        dict(DDIM, _class_name="LCMScheduler", original_inference_steps=50, steps_offset=1), {}, SD, (
            Case("generate", "lcm", 8.5, 1.0, 0, steps=4), Case("remix", "lcm", 4.0, 0.5, 1, steps=4),
            Case("inpaint", "lcm", 8.5, 1.0, 42, steps=4)), 36),
    "tiny-vae": Family(
        {"vae": tiny_autoencoder}, {k: v for k, v in SD_PARTS.items() if k != "vae"} | {"unet": "pipelines/sd1/unet"},
        dict(EULER), {}, SD, (
            Case("generate", "euler", 7.5, 1.0, 0), Case("remix", "euler-ancestral", 7.5, 0.75, 1),
            Case("inpaint", "euler-ancestral", 7.5, 1.0, 42)), 37),
}


def calibrate_denoiser(unet: UNet2DConditionModel, call: dict) -> None:
    """Scales the last convolution: the prediction is the noise that comes in plus a random part of 0.08."""
    noise = call["sample"][:1, :4]

    def predict() -> torch.Tensor:
        return unet(**call).sample[:1]

    weight, bias = unet.conv_out.weight, unet.conv_out.bias
    rest, rest_bias = weight[:, 8:].clone(), bias.clone()
    weight[:, 8:], bias[:] = 0, 0
    weight[:, :8] /= (predict() * noise).mean() / noise.square().mean()
    weight[:, 8:], bias[:] = rest, rest_bias
    left = (predict() - noise).std()
    weight[:, 8:] *= 0.08 / left
    bias *= 0.08 / left


def calibrate_tiny(vae: AutoencoderTiny) -> None:
    image = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(1)) * 2 - 1
    last = vae.encoder.layers[-1]
    last.weight /= vae.encode(image).latents.std()
    last.bias[:] = 0
    last.bias -= vae.encode(image).latents.mean((0, 2, 3))
    latents = torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(2))
    last = vae.decoder.layers[-1]
    last.weight *= 0.4 / vae.decode(latents).sample.std()
    last.bias[:] = 0.5
    last.bias -= vae.decode(latents).sample.mean((0, 2, 3)) / 2


def first_call(family: Family, seed: int) -> dict:
    """What a denoiser of the family is given, for scaling it."""
    generator = torch.Generator().manual_seed(seed)
    config = family.make["unet"](0).config
    call = dict(sample=torch.randn((1, config.in_channels, 16, 16), generator=generator), timestep=torch.tensor(900),
                encoder_hidden_states=torch.randn((1, 77, config.cross_attention_dim), generator=generator))
    if config.addition_embed_type:
        numbers = (config.projection_class_embeddings_input_dim - POOLED) // SIZES_DIM
        call["added_cond_kwargs"] = dict(text_embeds=torch.randn((1, POOLED), generator=generator),
                                         time_ids=torch.tensor([[48.0, 64, 0, 0, 48, 64][:numbers]]))
    if config.time_cond_proj_dim:
        call["timestep_cond"] = torch.randn((1, config.time_cond_proj_dim), generator=generator)
    return call


def write_parts(folder: pathlib.Path, family: Family, parity: pathlib.Path, vocabulary: int) -> None:
    for number, (part, make) in enumerate(family.make.items()):
        network = randomise(make(vocabulary).eval(), family.seed * 10 + number)
        if part == "unet":
            carry_input(network, 4)
            calibrate_denoiser(network, first_call(family, family.seed))
        elif isinstance(network, AutoencoderKL):
            calibrate_autoencoder(network, dataclasses.replace(sd15_shape(False), scaling_factor=0.13025))
        elif isinstance(network, AutoencoderTiny):
            calibrate_tiny(network)
        round_to_half(network).half().save_pretrained(folder / part)
        if part.startswith("text_encoder"):
            place = folder / part.replace("text_encoder", "tokenizer")
            write_tokenizer(place, parity / "tokenizer")
            if part.endswith("_2"):
                for name in ("tokenizer_config.json", "special_tokens_map.json"):
                    settings = json.loads((place / name).read_text())
                    write_json(place / name, dict(settings, pad_token="!"))
    (folder / "scheduler").mkdir()
    write_json(folder / "scheduler/scheduler_config.json", family.scheduler)
    write_json(folder / "model_index.json", dict(
        _class_name=next(iter(family.pipelines.values())).__name__, **family.index))
    write_json(folder / "parts.json", family.shared)


class Reference:
    def __init__(self, folder: pathlib.Path, family: Family, parity: pathlib.Path):
        self.folder, self.family = folder, family
        places = {part: folder / part for part in family.make} | {p: parity / v for p, v in family.shared.items()}
        for part in list(places):
            if part.startswith("text_encoder"):
                tokenizer = part.replace("text_encoder", "tokenizer")
                places.setdefault(tokenizer, folder / tokenizer)
        kinds = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection, "tokenizer": CLIPTokenizer,
                 "tokenizer_2": CLIPTokenizer, "unet": UNet2DConditionModel,
                 "vae": AutoencoderTiny if "vae" in family.make and family.make["vae"] is tiny_autoencoder else AutoencoderKL}
        self.parts = {}
        for part, place in places.items():
            options = {} if "tokenizer" in part else dict(torch_dtype=torch.float32)
            self.parts[part] = kinds[part].from_pretrained(place, **options)
        self.is_xl = "text_encoder_2" in self.parts

    def run(self, case: Case):
        kind = self.family.pipelines[case.mode]
        own = getattr(diffusers, self.family.scheduler["_class_name"]).from_pretrained(self.folder / "scheduler")
        if self.is_xl:
            extra = dict(text_encoder=None, tokenizer=None) | self.parts | dict(add_watermarker=False)
            extra["force_zeros_for_empty_prompt"] = self.family.index["force_zeros_for_empty_prompt"]
            if "requires_aesthetics_score" in self.family.index and kind is not StableDiffusionXLPipeline:
                extra["requires_aesthetics_score"] = True
        else:
            extra = dict(self.parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
        pipe = kind(scheduler=own, **extra)
        sampler, changes = SAMPLERS[case.sampler]
        if sampler is not type(own):
            pipe.scheduler = sampler.from_config(pipe.scheduler.config, **changes)
        pipe.set_progress_bar_config(disable=True)
        width, height = SIZE
        prompt, negative = PROMPTS[case.seed]
        settings = {"generate": dict(width=width, height=height),
                    "remix": dict(image=picture(*SIZE), strength=case.strength),
                    "inpaint": dict(image=picture(*SIZE), mask_image=mask(*SIZE), strength=case.strength, width=width,
                                    height=height)}[case.mode]
        if "Pix2Pix" in kind.__name__:
            settings = dict(image=picture(*SIZE), image_guidance_scale=case.image_guidance)
            if self.is_xl:
                settings |= dict(width=width, height=height)
        # No negative prompt is none there, not an empty one.
        return pipe(prompt=prompt, negative_prompt=negative or None, num_inference_steps=case.steps,
                    guidance_scale=case.guidance, generator=torch.Generator("cpu").manual_seed(case.seed), **settings).images[0]


def autoencoder_calls(vae: AutoencoderTiny, prefix: str = "") -> dict:
    generator = torch.Generator().manual_seed(3)
    image = torch.rand((1, 3, 48, 32), generator=generator) * 2 - 1
    latents = vae.encode(image).latents
    return {f"{prefix}image": image, f"{prefix}latents": latents.clone(), f"{prefix}decoded": vae.decode(latents).sample.clone()}


def with_normalised_branch(block: torch.nn.Module) -> None:
    """x + pool(x) before all else."""
    width, plain = block.conv[0].in_channels, block.forward
    block.pool = torch.nn.Sequential(
        torch.nn.Conv2d(width, 4 * width, 1, bias=False), torch.nn.GroupNorm(4, 4 * width), torch.nn.ReLU(),
        torch.nn.Conv2d(4 * width, width, 1, bias=False))
    block.forward = lambda x: plain(x + block.pool(x))


def make_taef2(out: pathlib.Path, weights: pathlib.Path) -> None:
    vae = AutoencoderTiny(latent_channels=32)
    state = {}
    for half, shift in (("encoder", 0), ("decoder", 1)):
        file = torch.load(weights / f"taef2_{half}.pth", map_location="cpu", weights_only=True)
        for name, tensor in file.items():
            number, rest = name.split(".", 1)
            state[f"{half}.layers.{int(number) - shift}.{rest}"] = tensor.float()
    for number in sorted({int(n.split(".")[2]) for n in state if n.startswith("encoder.") and ".pool." in n}):
        with_normalised_branch(vae.encoder.layers[number])
    for number in sorted({int(n.split(".")[2]) for n in state if n.startswith("decoder.") and ".pool." in n}):
        with_normalised_branch(vae.decoder.layers[number])
    vae.load_state_dict(state, strict=True)
    calls = autoencoder_calls(vae.float().eval())
    save_file({name: tensor.contiguous() for name, tensor in calls.items()}, out / "taef2.safetensors")
    print("taef2:", {name: (tuple(t.shape), round(t.std().item(), 3)) for name, t in calls.items()})


def watch(unet, seen: dict):
    def hook(_module, inputs, keywords, output):
        if seen:
            return
        seen.update(sample=inputs[0], timestep=inputs[1].float().reshape(1), output=output[0],
                    prompt_embeds=keywords["encoder_hidden_states"])
        if keywords.get("added_cond_kwargs"):
            seen.update(keywords["added_cond_kwargs"])
        if keywords.get("timestep_cond") is not None:
            seen["timestep_cond"] = keywords["timestep_cond"]
    return unet.register_forward_hook(hook, with_kwargs=True)


def make(name: str, family: Family, out: pathlib.Path, parity: pathlib.Path, vocabulary: int) -> None:
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_parts(folder, family, parity, vocabulary)
    reference = Reference(folder, family, parity)
    tensors, index = {}, []
    for number, case in enumerate(family.cases):
        seen: dict = {}
        hook = watch(reference.parts["unet"], seen)
        image = reference.run(case)
        hook.remove()
        tensors[f"{case.name}/picture"] = torch.from_numpy(numpy.asarray(image).copy())
        if number == 0:
            tensors |= {f"call/{what}": tensor.contiguous().clone() for what, tensor in seen.items()}
        prompt, negative = PROMPTS[case.seed]
        index.append(dict(dataclasses.asdict(case), name=case.name, prompt=prompt, negative=negative))
    if isinstance(reference.parts["vae"], AutoencoderTiny):
        tensors |= autoencoder_calls(reference.parts["vae"], "vae/")
    save_file({n: t.contiguous() for n, t in tensors.items()}, folder / "results.safetensors")
    versions = {m.__name__: m.__version__ for m in (torch, diffusers)}
    (folder / "cases.json").write_text(json.dumps(dict(versions=versions, cases=index), indent=1) + "\n")
    deviations = [t.float().std().item() for n, t in tensors.items() if n.endswith("/picture")]
    clipped = max(((t == 0) | (t == 255)).float().mean().item() for n, t in tensors.items() if n.endswith("/picture"))
    print(f"{name}: {len(index)} cases, deviation of the pictures {min(deviations):.0f}…{max(deviations):.0f} of 255, at most "
          f"{clipped:.0%} clipped, {sum(f.stat().st_size for f in folder.rglob('*') if f.is_file())} bytes")


def main() -> None:
    parity = pathlib.Path(__file__).resolve().parents[2] / "fixtures/parity"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=parity / "families")
    parser.add_argument("--only", nargs="*", help="make only these families")
    parser.add_argument("--weights", type=pathlib.Path, help="the corpora's weights, for taef2.safetensors")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    vocabulary = len(json.loads((parity / "tokenizer/vocab.json").read_text()))
    for name, family in FAMILIES.items():
        if not options.only or name in options.only:
            torch.manual_seed(family.seed)
            make(name, family, options.out, parity, vocabulary)
    if options.weights:
        make_taef2(options.out, options.weights)


if __name__ == "__main__":
    main()
