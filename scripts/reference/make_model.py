"""Write a whole model with random weights, in the layout of diffusers, whose pictures are not degenerate.

    python make_model.py OUT --seed 7                 a small model of a shape drawn from the seed
    python make_model.py OUT --shape sd15 --inpaint   SD 1.5's real shapes, 9 channels in
    python make_model.py OUT --seed 7 --plain         as the constructors initialise it, nothing scaled

Such a model serves to compare the engine with diffusers on shapes that no fixture holds, and to measure it. Random
networks left alone make poor tests: the decoded picture is flat grey, or the latents run away over the steps and
every pixel is black or white, so that wrong results look equal. So the weights are drawn large enough to matter
(random_weights.py) and then adjusted:

* a denoiser that predicts noise carries its input to its output through the first skip connection, as a trained one
  in effect does, plus a random part; the latents then end with a size of order one;
* the autoencoder's last layers are scaled so that latents have unit size and decoded pictures a standard deviation
  of about 0.4 in −1…1.

The tokenizer is the real CLIP vocabulary, taken from the wheel of open_clip_torch (MIT), or from a folder that has
`vocab.json` and `merges.txt`.
"""
import argparse
import dataclasses
import gzip
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import zipfile

import diffusers
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from random_weights import randomise, round_to_half

OPEN_CLIP = "open_clip_torch==3.3.0"

#: Standard deviation of what the denoiser predicts apart from its own input (noise prediction), and of its whole
#: prediction (v prediction).
RANDOM_PART_STD = {"epsilon": 0.08, "v_prediction": 0.7}

#: Standard deviation of decoded pictures, of latents, and of the autoencoder's own noise beside its latents.
PICTURE_STD, LATENT_STD, POSTERIOR_STD = 0.4, 1.0, 0.2


@dataclasses.dataclass
class Shape:
    """Everything that is chosen about a model."""
    unet_channels: tuple
    unet_layers: int
    down_types: tuple
    transformer_layers: int
    heads: int | list
    linear_projection: bool
    unet_groups: int
    latent_channels: int
    inpaint: bool
    text_width: int
    text_layers: int
    text_heads: int
    text_ff: int
    activation: str
    vae_channels: tuple
    vae_layers: int
    vae_groups: int
    scaling_factor: float
    scheduler: str
    schedule: dict
    vocabulary: int = 49408

    @property
    def in_channels(self) -> int:
        return 2 * self.latent_channels + 1 if self.inpaint else self.latent_channels

    @property
    def prediction(self) -> str:
        return self.schedule.get("prediction_type", "epsilon")


SD15_SCHEDULE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", set_alpha_to_one=False,
                     skip_prk_steps=True, steps_offset=1, clip_sample=False)


def sd15_shape(inpaint: bool) -> Shape:
    cross, plain = "CrossAttnDownBlock2D", "DownBlock2D"
    return Shape((320, 640, 1280, 1280), 2, (cross, cross, cross, plain), 1, 8, False, 32, 4, inpaint, 768, 12, 12, 3072,
                 "quick_gelu", (128, 256, 512, 512), 2, 32, 0.18215, "PNDMScheduler", SD15_SCHEDULE)


def random_shape(seed: int) -> Shape:
    """A small shape drawn from `seed`. Widths rise and fall, blocks come in any order that has some attention.

    An autoencoder of three levels (a factor of 4) goes with a first block without attention, which would be slow.
    """
    draw = random.Random(seed)
    levels = draw.choice((2, 3, 3, 4))
    channels = tuple([draw.choice((32, 48))] + [draw.choice((32, 48, 64)) for _ in range(levels - 1)])
    types = [draw.choice(("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D")) for _ in channels]
    types[draw.randrange(1, levels)] = "CrossAttnDownBlock2D"
    vae_levels = draw.choice((3, 4, 4, 4))
    if vae_levels == 3:
        types[0] = "DownBlock2D"
    head_choices = [[h for h in (1, 2, 4, 8) if c % h == 0 and c // h >= 6] for c in channels]
    heads = draw.choice((2, [draw.choice(h) for h in head_choices]))
    text_heads = draw.choice((2, 3, 4))
    prediction = draw.choice(("epsilon", "epsilon", "v_prediction"))
    kind, schedule = draw.choice((pndm_schedule, ddim_schedule, euler_schedule))(draw, prediction)
    return Shape(
        unet_channels=channels, unet_layers=draw.choice((1, 2)), down_types=tuple(types),
        transformer_layers=draw.choice((1, 1, 2)), heads=heads, linear_projection=draw.random() < 0.5,
        unet_groups=draw.choice((8, 16)), latent_channels=draw.choice((4, 8)), inpaint=draw.random() < 0.5,
        text_width=text_heads * draw.choice((12, 16, 20)), text_layers=draw.choice((1, 2, 3)), text_heads=text_heads,
        text_ff=draw.choice((64, 100, 160)), activation=draw.choice(("quick_gelu", "gelu")),
        vae_channels=tuple(draw.choice((16, 24, 32)) for _ in range(vae_levels)), vae_layers=draw.choice((1, 2)),
        vae_groups=8, scaling_factor=draw.choice((0.18215, 0.5, 1.0)), scheduler=kind, schedule=schedule)


def betas(draw: random.Random) -> dict:
    return draw.choice((dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
                        dict(beta_start=0.0001, beta_end=0.02, beta_schedule="linear")))


def pndm_schedule(draw: random.Random, prediction: str) -> tuple[str, dict]:
    # Published files state clip_sample, which this class does not know; one saved by it does not.
    stated = dict(clip_sample=False) if draw.random() < 0.7 else {}
    return "PNDMScheduler", dict(betas(draw), set_alpha_to_one=draw.random() < 0.3, skip_prk_steps=True,
                                 steps_offset=draw.choice((0, 1)), prediction_type=prediction, **stated)


def ddim_schedule(draw: random.Random, prediction: str) -> tuple[str, dict]:
    zero_snr = prediction == "v_prediction" and draw.random() < 0.7
    return "DDIMScheduler", dict(betas(draw), set_alpha_to_one=draw.random() < 0.5, clip_sample=False,
                                 steps_offset=draw.choice((0, 1)), prediction_type=prediction,
                                 timestep_spacing="trailing" if zero_snr else draw.choice(("leading", "linspace", "trailing")),
                                 rescale_betas_zero_snr=zero_snr)


def euler_schedule(draw: random.Random, prediction: str) -> tuple[str, dict]:
    return "EulerDiscreteScheduler", dict(betas(draw), prediction_type=prediction, interpolation_type="linear",
                                          timestep_spacing=draw.choice(("leading", "linspace", "trailing")),
                                          clip_sample=False, skip_prk_steps=draw.random() < 0.5,
                                          steps_offset=draw.choice((0, 1)), use_karras_sigmas=draw.random() < 0.4)


# Networks


def make_denoiser(shape: Shape) -> UNet2DConditionModel:
    ups = tuple(t.replace("Down", "Up") for t in reversed(shape.down_types))
    return UNet2DConditionModel(
        sample_size=64, in_channels=shape.in_channels, out_channels=shape.latent_channels,
        block_out_channels=shape.unet_channels, layers_per_block=shape.unet_layers, down_block_types=shape.down_types,
        up_block_types=ups, transformer_layers_per_block=shape.transformer_layers, attention_head_dim=shape.heads,
        use_linear_projection=shape.linear_projection, norm_num_groups=shape.unet_groups,
        cross_attention_dim=shape.text_width)


def make_autoencoder(shape: Shape) -> AutoencoderKL:
    levels = len(shape.vae_channels)
    return AutoencoderKL(
        block_out_channels=shape.vae_channels, layers_per_block=shape.vae_layers, latent_channels=shape.latent_channels,
        norm_num_groups=shape.vae_groups, sample_size=512, scaling_factor=shape.scaling_factor,
        down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels)


def make_text_encoder(shape: Shape) -> CLIPTextModel:
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=shape.vocabulary, hidden_size=shape.text_width, intermediate_size=shape.text_ff, projection_dim=shape.text_width,
        num_hidden_layers=shape.text_layers, num_attention_heads=shape.text_heads, max_position_embeddings=77,
        hidden_act=shape.activation, bos_token_id=shape.vocabulary - 2,
        eos_token_id=shape.vocabulary - 1, pad_token_id=1))


def carry_input(unet: UNet2DConditionModel, latent_channels: int) -> None:
    """Makes pairs of channels carry ±input from the first convolution, over its skip connection, to the last one.

    silu(z) − silu(−z) = z, so a pair passes the activation before the last convolution unchanged. The last
    convolution's share of the pairs is set to 1 here and scaled by `calibrate_denoiser`.
    """
    pairs = 2 * latent_channels
    last = unet.up_blocks[-1].resnets[-1]
    skip = last.conv_shortcut.in_channels - unet.conv_in.out_channels  # the skip's channels follow the hidden ones
    unet.conv_in.weight[:pairs] = 0
    unet.conv_in.bias[:pairs] = 0
    last.conv_shortcut.weight[:pairs] = 0
    last.conv_shortcut.bias[:pairs] = 0
    last.conv2.weight[:pairs] *= 0.1
    last.conv2.bias[:pairs] = 0
    for attention in getattr(unet.up_blocks[-1], "attentions", [])[-1:]:
        attention.proj_out.weight[:pairs] *= 0.1
        attention.proj_out.bias[:pairs] = 0
    unet.conv_norm_out.weight[:pairs] = 1
    unet.conv_norm_out.bias[:pairs] = 0
    unet.conv_out.weight[:, :pairs] = 0
    for channel in range(latent_channels):
        for index, sign in ((2 * channel, 1.0), (2 * channel + 1, -1.0)):
            unet.conv_in.weight[index, channel, 1, 1] = 3 * sign
            last.conv_shortcut.weight[index, skip + index] = 1
            unet.conv_out.weight[channel, index, 1, 1] = sign


def calibrate_denoiser(unet: UNet2DConditionModel, shape: Shape, text: torch.Tensor) -> None:
    """Scales the last convolution so that the prediction for unit noise is that noise plus a random part, or, for v
    prediction, a random field of the wanted size. `text` is `[1, T, D]`."""
    sample = torch.randn((1, shape.in_channels, 32, 32), generator=torch.Generator().manual_seed(1))
    noise = sample[:, :shape.latent_channels]
    target = RANDOM_PART_STD[shape.prediction]

    def predict() -> torch.Tensor:
        return unet(sample, torch.tensor(900), text).sample

    weight, bias = unet.conv_out.weight, unet.conv_out.bias
    if shape.prediction == "epsilon":
        pairs = 2 * shape.latent_channels
        rest, rest_bias = weight[:, pairs:].clone(), bias.clone()
        weight[:, pairs:], bias[:] = 0, 0
        weight[:, :pairs] /= (predict() * noise).mean() / noise.square().mean()
        left = (predict() - noise).std()
        weight[:, pairs:], bias[:] = rest, rest_bias
        size = max((target**2 - left**2).item(), 0.01 * target**2) ** 0.5
        full = (predict() - noise).std()
        scale = size / max((full**2 - left**2).item(), 1e-6) ** 0.5
        weight[:, pairs:] *= scale
        bias *= scale
    else:
        scale = target / predict().std()
        weight *= scale
        bias *= scale


def calibrate_autoencoder(vae: AutoencoderKL, shape: Shape) -> None:
    """Scales the last layers of encoder and decoder to the sizes that the head of this file names."""
    latents = shape.latent_channels
    rows = torch.linspace(-1, 1, 64)
    image = torch.stack([rows[:, None] * rows, (9 * rows[:, None]).sin() * rows, (rows[:, None] + rows) / 2])[None]
    moments = vae.encode(image).latent_dist.parameters
    mean_std = LATENT_STD / shape.scaling_factor
    layer = vae.quant_conv
    scale = mean_std / moments[:, :latents].std()
    layer.weight[:latents] *= scale
    layer.bias[:latents] *= scale
    layer.weight[latents:] *= 0.3 / moments[:, latents:].std()
    layer.bias[latents:] = 0
    logvar = vae.encode(image).latent_dist.parameters[:, latents:].mean()
    layer.bias[latents:] = 2 * torch.tensor(POSTERIOR_STD * mean_std).log() - logvar

    latent = torch.randn((1, latents, 16, 16), generator=torch.Generator().manual_seed(2)) / shape.scaling_factor
    last = vae.decoder.conv_out
    picture = vae.decode(latent).sample
    last.weight *= PICTURE_STD / picture.std()
    last.bias[:] = 0
    last.bias -= vae.decode(latent).sample.mean((0, 2, 3)) * 0.8


# Folder


def clip_vocabulary(source: pathlib.Path | None) -> tuple[dict, list]:
    """CLIP's vocabulary (token → id) and merges, from a folder, a wheel of open_clip_torch, or a download of it."""
    if source is not None and source.is_dir():
        return (json.loads((source / "vocab.json").read_text()),
                (source / "merges.txt").read_text().strip("\n").split("\n")[1:])
    if source is None:
        cache = pathlib.Path(tempfile.gettempdir()) / "editor-reference"
        if not list(cache.glob("open_clip_torch-*.whl")):
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", cache, OPEN_CLIP],
                           check=True)
        source = next(cache.glob("open_clip_torch-*.whl"))
    wheel = zipfile.ZipFile(source)
    name = next(n for n in wheel.namelist() if n.endswith("bpe_simple_vocab_16e6.txt.gz"))
    merges = gzip.decompress(wheel.read(name)).decode().split("\n")[1:49152 - 256 - 2 + 1]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    words = letters + [b + "</w>" for b in letters] + ["".join(m.split()) for m in merges]
    words += ["<|startoftext|>", "<|endoftext|>"]
    assert len(words) == len(set(words)) == 49408, "not CLIP's vocabulary"
    return {word: index for index, word in enumerate(words)}, merges


def write_tokenizer(folder: pathlib.Path, source: pathlib.Path | None) -> None:
    vocabulary, merges = clip_vocabulary(source)
    folder.mkdir(parents=True, exist_ok=True)
    special = dict(bos_token="<|startoftext|>", eos_token="<|endoftext|>", pad_token="<|endoftext|>",
                   unk_token="<|endoftext|>")
    write_json(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    write_json(folder / "tokenizer_config.json", dict(
        special, tokenizer_class="CLIPTokenizer", do_lower_case=True, errors="replace", model_max_length=77,
        add_prefix_space=False))
    write_json(folder / "special_tokens_map.json", special)


def write_json(file: pathlib.Path, value) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1 if len(value) < 100 else None) + "\n")


def write_index(out: pathlib.Path, shape: Shape) -> None:
    kind = "StableDiffusionInpaintPipeline" if shape.inpaint else "StableDiffusionPipeline"
    write_json(out / "model_index.json", dict(
        _class_name=kind, _diffusers_version=diffusers.__version__, scheduler=["diffusers", shape.scheduler],
        text_encoder=["transformers", "CLIPTextModel"], tokenizer=["transformers", "CLIPTokenizer"],
        unet=["diffusers", "UNet2DConditionModel"], vae=["diffusers", "AutoencoderKL"], safety_checker=[None, None],
        feature_extractor=[None, None], requires_safety_checker=False))
    scheduler = out / "scheduler"
    scheduler.mkdir(parents=True, exist_ok=True)
    # Written by hand, as published models have it: only what was chosen, so that defaults are left to the reader.
    write_json(scheduler / "scheduler_config.json", dict(
        _class_name=shape.scheduler, _diffusers_version=diffusers.__version__, num_train_timesteps=1000, **shape.schedule))


def write_model(out: pathlib.Path, shape: Shape, seed: int, plain: bool, tokenizer: pathlib.Path | None) -> None:
    shutil.rmtree(out, ignore_errors=True)
    torch.manual_seed(seed)
    text_encoder, unet, vae = make_text_encoder(shape).eval(), make_denoiser(shape).eval(), make_autoencoder(shape).eval()
    if not plain:
        for index, network in enumerate((text_encoder, unet, vae)):
            randomise(network, seed * 3 + index)
        # The empty prompt, as the tokenizer makes it.
        text = text_encoder(torch.tensor([[shape.vocabulary - 2] + [shape.vocabulary - 1] * 76])).last_hidden_state
        if shape.prediction == "epsilon":
            carry_input(unet, shape.latent_channels)
        calibrate_denoiser(unet, shape, text)
        calibrate_autoencoder(vae, shape)
    for network, folder in ((text_encoder, "text_encoder"), (unet, "unet"), (vae, "vae")):
        round_to_half(network).half().save_pretrained(out / folder)
    write_tokenizer(out / "tokenizer", tokenizer)
    write_index(out, shape)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="folder to write; replaced if it exists")
    parser.add_argument("--seed", type=int, default=0, help="draws the weights and, for --shape random, the shape")
    parser.add_argument("--shape", choices=("random", "sd15"), default="random")
    parser.add_argument("--inpaint", action=argparse.BooleanOptionalAction, help="2c + 1 channels in rather than c")
    parser.add_argument("--latent-channels", type=int, help="c")
    parser.add_argument("--prediction", choices=("epsilon", "v_prediction"))
    parser.add_argument("--plain", action="store_true", help="leave the weights as the constructors draw them")
    parser.add_argument("--tokenizer", type=pathlib.Path, help="folder with vocab.json and merges.txt, or the wheel of "
                        "open_clip_torch (default: downloaded with pip)")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    torch.set_grad_enabled(False)
    diffusers.utils.logging.disable_progress_bar()
    shape = sd15_shape(bool(options.inpaint)) if options.shape == "sd15" else random_shape(options.seed)
    changes = dict(inpaint=options.inpaint, latent_channels=options.latent_channels)
    shape = dataclasses.replace(shape, **{k: v for k, v in changes.items() if v is not None})
    if options.prediction:
        shape.schedule = dict(shape.schedule, prediction_type=options.prediction)
        if options.prediction == "epsilon":
            shape.schedule.pop("rescale_betas_zero_snr", None)
    write_model(options.out, shape, options.seed, options.plain, options.tokenizer)
    print(json.dumps(dataclasses.asdict(shape)))


if __name__ == "__main__":
    main()
