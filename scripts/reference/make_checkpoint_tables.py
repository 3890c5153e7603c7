"""Write how diffusers renames the tensors of single-file checkpoints, for the tests to hold the program's renaming to.

    python make_checkpoint_tables.py [--out fixtures/checkpoints]

For Stable Diffusion 1.5 and 2.1 in their real shapes, and for tiny models of the same structure, an original checkpoint
is laid out tensor by tensor after the modules of `latent-diffusion` and `open_clip` (no weights: each tensor is one number
repeated, which names it). diffusers' own conversion functions then turn it into the state dicts of its networks, which
must have exactly the names and shapes that diffusers' and transformers' networks of that configuration have. A table has
a row for each resulting tensor:

    diffusers name, shape, original name, part of three (−1 for the whole)

grouped by `unet`, `vae` and `text_encoder`, with the configurations that the folders have, and the shapes of all
original tensors, also those that are left aside.
"""
import argparse
import json
import pathlib

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders import single_file_utils as reference
from transformers import CLIPTextConfig, CLIPTextModel

CROSS, PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"


class Layout:
    """The tensors of an original checkpoint, each a number repeated without memory."""

    def __init__(self):
        self.names, self.tensors = [], {}

    def add(self, name: str, *shape: int) -> None:
        self.tensors[name] = torch.tensor(float(len(self.names)), dtype=torch.float64).expand(shape)
        self.names.append(name)

    def layer(self, name: str, out: int, *rest: int, bias: bool = True) -> None:
        self.add(name + ".weight", out, *rest)
        if bias:
            self.add(name + ".bias", out)


def lay_out_denoiser(layout: Layout, c: dict) -> None:
    root = "model.diffusion_model."
    widths, layers, context, linear = c["widths"], c["layers"], c["context"], c["linear"]
    time = 4 * widths[0]

    def resnet(name: str, into: int, out: int) -> None:
        layout.layer(f"{name}.in_layers.0", into)
        layout.layer(f"{name}.in_layers.2", out, into, 3, 3)
        layout.layer(f"{name}.emb_layers.1", out, time)
        layout.layer(f"{name}.out_layers.0", out)
        layout.layer(f"{name}.out_layers.3", out, out, 3, 3)
        if into != out:
            layout.layer(f"{name}.skip_connection", out, into, 1, 1)

    def transformer(name: str, width: int) -> None:
        one = () if linear else (1, 1)
        layout.layer(f"{name}.norm", width)
        layout.layer(f"{name}.proj_in", width, width, *one)
        block = f"{name}.transformer_blocks.0"
        for attention, seen in (("attn1", width), ("attn2", context)):
            layout.layer(f"{block}.{attention}.to_q", width, width, bias=False)
            layout.layer(f"{block}.{attention}.to_k", width, seen, bias=False)
            layout.layer(f"{block}.{attention}.to_v", width, seen, bias=False)
            layout.layer(f"{block}.{attention}.to_out.0", width, width)
        layout.layer(f"{block}.ff.net.0.proj", 8 * width, width)
        layout.layer(f"{block}.ff.net.2", width, 4 * width)
        for norm in ("norm1", "norm2", "norm3"):
            layout.layer(f"{block}.{norm}", width)
        layout.layer(f"{name}.proj_out", width, width, *one)

    layout.layer(root + "time_embed.0", time, widths[0])
    layout.layer(root + "time_embed.2", time, time)
    layout.layer(root + "input_blocks.0.0", widths[0], c["in_channels"], 3, 3)
    skips, width, block = [widths[0]], widths[0], 1
    for level, out in enumerate(widths):
        for _ in range(layers):
            resnet(f"{root}input_blocks.{block}.0", width, out)
            width = out
            if c["attention"][level]:
                transformer(f"{root}input_blocks.{block}.1", out)
            skips.append(out)
            block += 1
        if level < len(widths) - 1:
            layout.layer(f"{root}input_blocks.{block}.0.op", out, out, 3, 3)
            skips.append(out)
            block += 1
    resnet(root + "middle_block.0", width, width)
    transformer(root + "middle_block.1", width)
    resnet(root + "middle_block.2", width, width)
    block = 0
    for level, out in reversed(list(enumerate(widths))):
        for index in range(layers + 1):
            resnet(f"{root}output_blocks.{block}.0", width + skips.pop(), out)
            width = out
            if c["attention"][level]:
                transformer(f"{root}output_blocks.{block}.1", out)
            if index == layers and level > 0:
                place = 2 if c["attention"][level] else 1
                layout.layer(f"{root}output_blocks.{block}.{place}.conv", out, out, 3, 3)
            block += 1
    layout.layer(root + "out.0", width)
    layout.layer(root + "out.2", 4, width, 3, 3)


def lay_out_autoencoder(layout: Layout, c: dict) -> None:
    root, widths, layers = "first_stage_model.", c["vae_widths"], c["vae_layers"]

    def resnet(name: str, into: int, out: int) -> None:
        layout.layer(f"{name}.norm1", into)
        layout.layer(f"{name}.conv1", out, into, 3, 3)
        layout.layer(f"{name}.norm2", out)
        layout.layer(f"{name}.conv2", out, out, 3, 3)
        if into != out:
            layout.layer(f"{name}.nin_shortcut", out, into, 1, 1)

    def middle(half: str, width: int) -> None:
        resnet(f"{root}{half}.mid.block_1", width, width)
        layout.layer(f"{root}{half}.mid.attn_1.norm", width)
        for part in ("q", "k", "v", "proj_out"):
            layout.layer(f"{root}{half}.mid.attn_1.{part}", width, width, 1, 1)
        resnet(f"{root}{half}.mid.block_2", width, width)

    width, last = widths[0], widths[-1]
    layout.layer(root + "encoder.conv_in", width, 3, 3, 3)
    for level, out in enumerate(widths):
        for index in range(layers):
            resnet(f"{root}encoder.down.{level}.block.{index}", width, out)
            width = out
        if level < len(widths) - 1:
            layout.layer(f"{root}encoder.down.{level}.downsample.conv", out, out, 3, 3)
    middle("encoder", last)
    layout.layer(root + "encoder.norm_out", last)
    layout.layer(root + "encoder.conv_out", 8, last, 3, 3)
    layout.layer(root + "decoder.conv_in", last, 4, 3, 3)
    middle("decoder", last)
    width = last
    for level, out in reversed(list(enumerate(widths))):
        for index in range(layers + 1):
            resnet(f"{root}decoder.up.{level}.block.{index}", width, out)
            width = out
        if level > 0:
            layout.layer(f"{root}decoder.up.{level}.upsample.conv", out, out, 3, 3)
    layout.layer(root + "decoder.norm_out", width)
    layout.layer(root + "decoder.conv_out", 3, width, 3, 3)
    layout.layer(root + "quant_conv", 8, 8, 1, 1)
    layout.layer(root + "post_quant_conv", 4, 4, 1, 1)


def lay_out_text(layout: Layout, c: dict) -> None:
    width, vocabulary = c["context"], c["vocabulary"]
    if c["open_clip"]:
        root = "cond_stage_model.model."
        layout.add(root + "positional_embedding", 77, width)
        layout.add(root + "text_projection", width, width)
        layout.add(root + "logit_scale")
        layout.add(root + "token_embedding.weight", vocabulary, width)
        for index in range(c["text_layers"] + 1):
            block = f"{root}transformer.resblocks.{index}"
            layout.layer(block + ".ln_1", width)
            layout.add(block + ".attn.in_proj_weight", 3 * width, width)
            layout.add(block + ".attn.in_proj_bias", 3 * width)
            layout.layer(block + ".attn.out_proj", width, width)
            layout.layer(block + ".ln_2", width)
            layout.layer(block + ".mlp.c_fc", 4 * width, width)
            layout.layer(block + ".mlp.c_proj", width, 4 * width)
        layout.layer(root + "ln_final", width)
        return
    root = "cond_stage_model.transformer.text_model."
    layout.add(root + "embeddings.token_embedding.weight", vocabulary, width)
    layout.add(root + "embeddings.position_embedding.weight", 77, width)
    for index in range(c["text_layers"]):
        block = f"{root}encoder.layers.{index}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            layout.layer(f"{block}.self_attn.{part}", width, width)
        layout.layer(block + ".layer_norm1", width)
        layout.layer(block + ".mlp.fc1", 4 * width, width)
        layout.layer(block + ".mlp.fc2", width, 4 * width)
        layout.layer(block + ".layer_norm2", width)
    layout.layer(root + "final_layer_norm", width)


def networks(c: dict) -> tuple:
    levels = len(c["widths"])
    down = [CROSS if has else PLAIN for has in c["attention"]]
    heads = [max(w // 64, 1) for w in c["widths"]] if c["linear"] else 8
    unet = dict(
        in_channels=c["in_channels"], out_channels=4, block_out_channels=c["widths"], layers_per_block=c["layers"],
        down_block_types=down, up_block_types=[t.replace("Down", "Up") for t in reversed(down)],
        attention_head_dim=heads, use_linear_projection=c["linear"], cross_attention_dim=c["context"], sample_size=64)
    vae_levels = len(c["vae_widths"])
    vae = dict(block_out_channels=c["vae_widths"], layers_per_block=c["vae_layers"], latent_channels=4,
               down_block_types=["DownEncoderBlock2D"] * vae_levels, up_block_types=["UpDecoderBlock2D"] * vae_levels)
    text = dict(vocab_size=c["vocabulary"], hidden_size=c["context"], intermediate_size=4 * c["context"],
                num_hidden_layers=c["text_layers"], num_attention_heads=max(c["context"] // 64, 1),
                max_position_embeddings=77, hidden_act="gelu" if c["open_clip"] else "quick_gelu")
    assert levels == len(c["attention"])
    return unet, vae, text


def table(c: dict) -> dict:
    layout = Layout()
    lay_out_denoiser(layout, c)
    lay_out_autoencoder(layout, c)
    lay_out_text(layout, c)
    unet, vae, text = networks(c)
    with torch.device("meta"):
        models = {"unet": UNet2DConditionModel(**unet), "vae": AutoencoderKL(**vae),
                  "text_encoder": CLIPTextModel(CLIPTextConfig(**text))}
    original = layout.tensors
    converted = {
        "unet": reference.convert_ldm_unet_checkpoint(original, dict(models["unet"].config)),
        "vae": reference.convert_ldm_vae_checkpoint(original, dict(models["vae"].config)),
    }
    if c["open_clip"]:
        # The function reads nothing of the model where text_projection is in the file.
        found = reference.convert_open_clip_checkpoint(models["text_encoder"], original)
        last = f".layers.{c['text_layers']}."
        found = {name: t for name, t in found.items() if last not in name and "text_projection" not in name}
    else:
        found = reference.convert_ldm_clip_checkpoint(original)
    # transformers 5 dropped the prefix that published folders have.
    known = models["text_encoder"].state_dict()
    prefixed = any(name.startswith("text_model.") for name in known)
    converted["text_encoder"] = {n if n.startswith("text_model.") else "text_model." + n: t for n, t in found.items()}
    rows = {}
    for part, state in converted.items():
        expected = models[part].state_dict()
        if part == "text_encoder" and not prefixed:
            expected = {"text_model." + name: tensor for name, tensor in expected.items()}
        expected = {n: tuple(t.shape) for n, t in expected.items() if not n.endswith("position_ids")}
        assert set(state) == set(expected), sorted(set(state) ^ set(expected))[:5]
        rows[part] = []
        for name, tensor in sorted(state.items()):
            assert tuple(tensor.shape) == expected[name], name
            source = layout.names[int(tensor.flatten()[0])]
            third = "qkv".index(name.split("_proj")[0][-1]) if ".in_proj_" in source else -1
            rows[part].append([name, list(tensor.shape), source, third])
    configurations = {"unet": dict(unet, _class_name="UNet2DConditionModel"),
                      "vae": dict(vae, _class_name="AutoencoderKL"), "text_encoder": text}
    return dict(configurations=configurations, original={n: list(t.shape) for n, t in original.items()}, **rows)


REAL = dict(widths=[320, 640, 1280, 1280], attention=[True, True, True, False], layers=2,
            vae_widths=[128, 256, 512, 512], vae_layers=2, vocabulary=49408)
TINY = dict(widths=[32, 32], attention=[True, False], layers=1, vae_widths=[32, 32], vae_layers=1, vocabulary=914,
            context=64, text_layers=2)
V1, V2 = dict(linear=False, open_clip=False), dict(linear=True, open_clip=True)
TABLES = {
    "sd15": dict(REAL, **V1, in_channels=4, context=768, text_layers=12),
    "sd21-inpaint": dict(REAL, **V2, in_channels=9, context=1024, text_layers=23),
    "tiny-sd1": dict(TINY, **V1, in_channels=4), "tiny-sd1-inpaint": dict(TINY, **V1, in_channels=9),
    "tiny-sd2": dict(TINY, **V2, in_channels=4), "tiny-sd2-inpaint": dict(TINY, **V2, in_channels=9),
}


def main() -> None:
    root = pathlib.Path(__file__).resolve().parents[2] / "fixtures/checkpoints"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=root)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    versions = {m.__name__: m.__version__ for m in (torch, diffusers, transformers)}
    for name, configuration in TABLES.items():
        made = dict(versions=versions, **table(configuration))
        (out / f"{name}.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")
        print(name, {part: len(made[part]) for part in ("unet", "vae", "text_encoder")}, len(made["original"]))


if __name__ == "__main__":
    main()
