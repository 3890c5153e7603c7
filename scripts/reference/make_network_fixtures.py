"""Write tiny random networks and what the reference computes with them, for the engine's parity tests.

    python make_network_fixtures.py [--out fixtures/parity/networks] [--only NAME ...]

Each network is a folder in the layout of diffusers: `config.json`, the weights in f16 (`model.safetensors` for a text
encoder, `diffusion_pytorch_model.safetensors` for the others) and `cases.safetensors`, f32, with every input and
output. The reference runs in f32 on the very values that the f16 file holds. A tensor's name is `CASE/WHAT`:

* text encoders: `input_ids` (I32, `[B, T]`) → `last_hidden_state` and `penultimate` (the last layer skipped, then the
  final norm), both `[B, T, D]`;
* autoencoders: `image` `[B, 3, H, W]` → `mean`, `logvar` `[B, c, h, w]` (logvar as the network gives it, not clamped);
  `latent` → `decoded` `[B, 3, H, W]`;
* denoisers: `sample` `[B, C, h, w]`, `timestep` `[1]`, `text` `[B, T, D]`, for some `timestep_cond` `[B, E]` →
  `output` `[B, c, h, w]`, and for looking inside: `time_embedding`, `conv_in`, `down.N`, `mid`, `up.N`.

`networks.json` says what is particular to each network, and holds the checksums.
"""
import argparse
import functools
import hashlib
import json
import pathlib
import shutil

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

from random_weights import randomise

#: The folder may not grow past this: fixtures are cloned by everybody.
LIMIT_BYTES = 2_500_000


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def check_nothing_hides(model: torch.nn.Module, run) -> None:
    """Every parameter must move what `run()` returns; else a wrong engine could pass.

    A group norm over single channels, for one, swallows the bias and the time embedding before it. The bias of
    attention keys is exempt: softmax does not see it. So are embeddings, of which a case uses some rows only.
    """
    with torch.enable_grad():
        output = run()
        (output * torch.randn(output.shape, generator=seeded(0))).sum().backward()
    for name, parameter in model.named_parameters():
        gradient, parameter.grad = parameter.grad, None
        if name.endswith(("to_k.bias", "k_proj.bias")) or "embedding." in name and "time" not in name:
            continue
        influence = 0 if gradient is None else gradient.square().mean().sqrt().item()
        assert influence > 1e-3, f"{name} hardly matters: {influence}"


class Folder:
    """One network's folder: weights, configuration and cases."""

    def __init__(self, root: pathlib.Path, name: str, note: str):
        self.path, self.name, self.note, self.cases = root / name, name, note, {}
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)

    def add(self, case: str, **tensors: torch.Tensor) -> None:
        for what, tensor in tensors.items():
            if tensor.is_floating_point():
                assert torch.isfinite(tensor).all(), (self.name, case, what)
                if what not in ("timestep",):
                    assert 0.05 < tensor.float().std() < 50, (self.name, case, what, tensor.std())
            self.cases[f"{case}/{what}"] = tensor.detach().contiguous().clone()

    def write(self, model, rename=lambda name: name, extra: dict | None = None) -> None:
        """Saves config.json, the weights in f16 under the names that `rename` gives, and the cases."""
        model.save_pretrained(self.path)
        file = next(self.path.glob("*model.safetensors"))
        weights = {rename(name): tensor.half().contiguous() for name, tensor in load_file(file).items()}
        save_file({**weights, **(extra or {})}, file, metadata={"format": "pt"})
        config = json.loads((self.path / "config.json").read_text())
        config.pop("_name_or_path", None)
        (self.path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        save_file(self.cases, self.path / "cases.safetensors")


# Text encoders


def make_text(folder: Folder, seed: int, prefix: bool, **config) -> None:
    """CLIPTextModel: outputs of the whole encoder and with its last layer skipped."""
    model = CLIPTextModel(CLIPTextConfig(vocab_size=96, bos_token_id=94, eos_token_id=95, pad_token_id=1, **config))
    randomise(model, seed)
    for case, shape in (("full", (2, 77)), ("short", (1, 20))):
        ids = torch.randint(0, 94, shape, generator=seeded(seed + 1), dtype=torch.int32)
        ids[:, 0], ids[:, shape[1] // 2:] = 94, 95
        result = model(ids.long(), output_hidden_states=True)
        skipped = model.final_layer_norm(result.hidden_states[-2])
        check_nothing_hides(model, lambda: model(ids.long()).last_hidden_state)
        folder.add(case, input_ids=ids, last_hidden_state=result.last_hidden_state, penultimate=skipped)
    if prefix:
        # As published checkpoints have it; the version of transformers that runs here saves without the prefix.
        positions = {"text_model.embeddings.position_ids": torch.arange(77)[None]}
        folder.write(model, lambda name: name if name.startswith("text_model.") else "text_model." + name, positions)
    else:
        folder.write(model, lambda name: name.removeprefix("text_model."))


# Autoencoders

#: How the projections of the autoencoder's attention were called before diffusers 0.18; published files still are so.
OLD_ATTENTION_NAMES = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}


def old_attention_name(name: str) -> str:
    for new, old in OLD_ATTENTION_NAMES.items():
        name = name.replace(new, old)
    return name


def make_autoencoder(folder: Folder, seed: int, sizes=((1, 32, 48),), old_names: bool = False, **config) -> None:
    """AutoencoderKL: encode gives mean and logvar, decode gives a picture. `sizes` are (batch, height, width)."""
    levels = len(config["block_out_channels"])
    model = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels, **config)
    randomise(model, seed)
    factor = 2 ** (levels - 1)
    for batch, height, width in sizes:
        case, generator = f"{batch}x{height}x{width}", seeded(seed + height * width)
        image = torch.rand((batch, 3, height, width), generator=generator) * 2 - 1
        moments = model.encoder(image)
        moments = model.quant_conv(moments) if model.quant_conv is not None else moments
        mean, logvar = moments.chunk(2, dim=1)
        assert torch.equal(mean, model.encode(image).latent_dist.mean)
        latent = torch.randn((batch, model.config.latent_channels, height // factor, width // factor), generator=generator)
        check_nothing_hides(model.decoder, lambda: model.decode(latent).sample)
        check_nothing_hides(model.encoder, lambda: model.encode(image).latent_dist.parameters)
        folder.add(case, image=image, mean=mean, logvar=logvar, latent=latent, decoded=model.decode(latent).sample)
    folder.write(model, old_attention_name if old_names else lambda name: name)
    if old_names:
        again = AutoencoderKL.from_pretrained(folder.path, torch_dtype=torch.float32)
        assert torch.equal(again.decode(latent).sample, model.decode(latent).sample), "the old names must still load"


# Denoisers


def record_blocks(model: UNet2DConditionModel, seen: dict) -> list:
    """Keeps the output of every block of the next call in `seen`."""
    def keep(name):
        def hook(_module, _inputs, output):
            seen[name] = output[0] if isinstance(output, tuple) else output
        return hook

    parts = [("time_embedding", model.time_embedding), ("conv_in", model.conv_in)]
    parts += [(f"down.{index}", block) for index, block in enumerate(model.down_blocks)]
    parts += [("mid", model.mid_block)] if model.mid_block is not None else []
    parts += [(f"up.{index}", block) for index, block in enumerate(model.up_blocks)]
    return [module.register_forward_hook(keep(name)) for name, module in parts]


def denoise(model, sample, text, timestep, timestep_cond=None) -> torch.Tensor:
    return model(sample, torch.tensor(timestep), text, timestep_cond=timestep_cond).sample


def make_denoiser(folder: Folder, seed: int, cases, **config) -> None:
    """UNet2DConditionModel. `cases` are (batch, height, width, timestep, text length), sizes in latent cells."""
    model = randomise(UNet2DConditionModel(**config), seed)
    for number, (batch, height, width, timestep, length) in enumerate(cases):
        generator = seeded(seed * 100 + number)
        inputs = {
            "sample": torch.randn((batch, model.config.in_channels, height, width), generator=generator),
            "text": torch.randn((batch, length, model.config.cross_attention_dim), generator=generator),
        }
        if model.config.time_cond_proj_dim is not None:
            inputs["timestep_cond"] = torch.randn((batch, model.config.time_cond_proj_dim), generator=generator)
        run = functools.partial(denoise, model, timestep=timestep, **inputs)
        check_nothing_hides(model, run)
        seen: dict = {}
        hooks = record_blocks(model, seen) if number == 0 else []
        output = run()
        for hook in hooks:
            hook.remove()
        folder.add(f"{batch}x{height}x{width}-t{timestep}-n{length}", **inputs,
                   timestep=torch.tensor([float(timestep)]), output=output, **seen)
    folder.write(model)


DOWN, CROSS_DOWN = "DownBlock2D", "CrossAttnDownBlock2D"
UP, CROSS_UP = "UpBlock2D", "CrossAttnUpBlock2D"

NETWORKS = {
    "text-quick-gelu": (make_text, "quick_gelu, two layers; names start with text_model. as in published files", dict(
        seed=1, prefix=True, hidden_size=16, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        hidden_act="quick_gelu", projection_dim=16)),
    "text-gelu": (make_text, "gelu, three layers, heads of 4; names without the prefix", dict(
        seed=2, prefix=False, hidden_size=24, intermediate_size=64, num_hidden_layers=3, num_attention_heads=6,
        hidden_act="gelu", projection_dim=24)),
    "vae-4": (make_autoencoder, "latent channels 4, one layer a block, middle attention", dict(
        seed=3, sizes=((1, 32, 48), (2, 24, 16)), block_out_channels=(8, 16, 16), latent_channels=4,
        layers_per_block=1, norm_num_groups=4, scaling_factor=0.18215)),
    "vae-8": (make_autoencoder, "latent channels 8, two layers a block, no middle attention, no quant convolutions", dict(
        seed=4, block_out_channels=(8, 12), latent_channels=8, layers_per_block=2, norm_num_groups=4,
        mid_block_add_attention=False, use_quant_conv=False, use_post_quant_conv=False, scaling_factor=0.5)),
    "vae-old-names": (make_autoencoder, "attention named query, key, value, proj_attn as before diffusers 0.18", dict(
        seed=5, sizes=((1, 16, 24),), old_names=True, block_out_channels=(8, 8), latent_channels=4, layers_per_block=1,
        norm_num_groups=2, scaling_factor=0.18215)),
    "unet-sd1": (make_denoiser, "as SD 1: convolutional projections, one number of heads, three levels, two layers", dict(
        seed=6, cases=((2, 12, 20, 501, 77), (1, 9, 13, 999, 154), (1, 16, 8, 1, 77)),
        in_channels=4, out_channels=4, block_out_channels=(8, 16, 16), layers_per_block=2, norm_num_groups=4,
        cross_attention_dim=12, attention_head_dim=4, down_block_types=(CROSS_DOWN, CROSS_DOWN, DOWN),
        up_block_types=(UP, CROSS_UP, CROSS_UP))),
    "unet-sd2-inpaint": (make_denoiser, "as SD 2 inpainting: linear projections, heads by level, 9 channels in", dict(
        seed=7, cases=((2, 10, 14, 261, 77), (1, 9, 13, 637.25, 20)),
        in_channels=9, out_channels=4, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=2,
        transformer_layers_per_block=2, cross_attention_dim=16, attention_head_dim=[2, 4], use_linear_projection=True,
        upcast_attention=True, down_block_types=(CROSS_DOWN, DOWN), up_block_types=(UP, CROSS_UP))),
    "unet-17": (make_denoiser, "8 + 1 + 8 channels in; plain block first, attention below; widths rise and fall", dict(
        seed=8, cases=((2, 12, 20, 41, 77), (1, 11, 6, 800, 77)),
        in_channels=17, out_channels=8, block_out_channels=(16, 24, 8), layers_per_block=1, norm_num_groups=4,
        cross_attention_dim=20, attention_head_dim=[2, 3, 1], use_linear_projection=True,
        down_block_types=(DOWN, CROSS_DOWN, CROSS_DOWN), up_block_types=(CROSS_UP, CROSS_UP, UP))),
    "unet-lists": (make_denoiser, "layers and transformer layers by level, time_cond_proj_dim (LCM), attention at "
                   "the bottom, only_cross_attention above", dict(
        seed=9, cases=((2, 9, 13, 759, 77),),
        in_channels=4, out_channels=4, block_out_channels=(8, 16), layers_per_block=[1, 2], norm_num_groups=4,
        transformer_layers_per_block=[1, 2], cross_attention_dim=12, attention_head_dim=[4, 2],
        only_cross_attention=[True, False], time_cond_proj_dim=10, down_block_types=(CROSS_DOWN, CROSS_DOWN),
        up_block_types=(CROSS_UP, CROSS_UP))),
    "unet-no-middle": (make_denoiser, "no middle block, no attention below, odd time settings", dict(
        seed=10, cases=((1, 6, 7, 333, 30),),
        in_channels=4, out_channels=4, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=2,
        cross_attention_dim=8, attention_head_dim=2, mid_block_type=None, flip_sin_to_cos=False, freq_shift=1,
        norm_eps=1e-6, down_block_types=(CROSS_DOWN, DOWN), up_block_types=(UP, CROSS_UP))),
}


def sha256(file: pathlib.Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> None:
    here = pathlib.Path(__file__).resolve()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=here.parents[2] / "fixtures/parity/networks")
    parser.add_argument("--only", nargs="*", help="make only these networks")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)  # sums in one order, whatever the machine

    for name, (make, note, settings) in NETWORKS.items():
        if arguments.only and name not in arguments.only:
            continue
        folder = Folder(arguments.out, name, note)
        make(folder, **settings)
        print(f"{name}: {sum(f.stat().st_size for f in folder.path.iterdir())} bytes, "
              + ", ".join(sorted({key.split('/')[0] for key in folder.cases})))

    index = {
        "versions": {m.__name__: m.__version__ for m in (torch, diffusers, transformers)},
        "networks": {name: note for name, (_, note, _) in NETWORKS.items()},
        "sha256": {str(f.relative_to(arguments.out)): sha256(f) for f in sorted(arguments.out.glob("*/*"))},
    }
    (arguments.out / "networks.json").write_text(json.dumps(index, indent=1) + "\n")
    total = sum(f.stat().st_size for f in arguments.out.rglob("*") if f.is_file())
    print(f"{total} bytes in all")
    assert total <= LIMIT_BYTES, f"more than {LIMIT_BYTES} bytes"


if __name__ == "__main__":
    main()
