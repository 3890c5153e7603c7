"""Write how diffusers renames the tensors of single-file checkpoints, for the tests to hold the program's renaming to.

    python make_checkpoint_tables.py [--out fixtures/checkpoints]

For Stable Diffusion 1.5, 2.1, XL and XL's refiner in their real shapes, and for tiny models of the same structure, an original
checkpoint is laid out tensor by tensor after the modules of `latent-diffusion`, `generative-models` and `open_clip` (no
weights: each tensor is one number repeated, which names it). diffusers' own conversion functions then turn it into the state dicts of its networks, which
must have exactly the names and shapes that diffusers' and transformers' networks of that configuration have. A table has
a row for each resulting tensor:

    diffusers name, shape, original name, part of three (−1 for the whole, −2 for the whole transposed)

grouped by `unet`, `vae`, `text_encoder` and `text_encoder_2`, with the configurations that the folders have, and the shapes
of all original tensors, also those that are left aside. A row with a fifth number stands for that many: the star in its
names is 0, 1 and so on. So does a member of `repeated`, `[count, shape]`.
"""
import argparse
import json
import pathlib
import re

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders import single_file_utils as reference
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

CROSS, PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"


class Layout:
    """The tensors of an original checkpoint, each a number repeated without memory."""

    def __init__(self):
        self.names, self.tensors = [], {}

    def add(self, name: str, *shape: int) -> None:
        self.tensors[name] = torch.tensor(float(len(self.names)), dtype=torch.float32).expand(shape)
        self.names.append(name)

    def layer(self, name: str, out: int, *rest: int, bias: bool = True) -> None:
        self.add(name + ".weight", out, *rest)
        if bias:
            self.add(name + ".bias", out)


def lay_out_denoiser(layout: Layout, c: dict) -> None:
    root = "model.diffusion_model."
    widths, layers, context, linear = c["widths"], c["layers"], c["context"], c["linear"]
    time, depths = 4 * widths[0], c.get("depths", [1] * len(widths))

    def resnet(name: str, into: int, out: int) -> None:
        layout.layer(f"{name}.in_layers.0", into)
        layout.layer(f"{name}.in_layers.2", out, into, 3, 3)
        layout.layer(f"{name}.emb_layers.1", out, time)
        layout.layer(f"{name}.out_layers.0", out)
        layout.layer(f"{name}.out_layers.3", out, out, 3, 3)
        if into != out:
            layout.layer(f"{name}.skip_connection", out, into, 1, 1)

    def transformer(name: str, width: int, depth: int) -> None:
        one = () if linear else (1, 1)
        layout.layer(f"{name}.norm", width)
        layout.layer(f"{name}.proj_in", width, width, *one)
        for block in (f"{name}.transformer_blocks.{index}" for index in range(depth)):
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
    if "guidance" in c:
        layout.add(root + "time_embed.cond_proj.weight", widths[0], c["guidance"])
    if "added" in c:
        layout.layer(root + "label_emb.0.0", time, c["added"])
        layout.layer(root + "label_emb.0.2", time, time)
    layout.layer(root + "input_blocks.0.0", widths[0], c["in_channels"], 3, 3)
    skips, width, block = [widths[0]], widths[0], 1
    for level, out in enumerate(widths):
        for _ in range(layers):
            resnet(f"{root}input_blocks.{block}.0", width, out)
            width = out
            if c["attention"][level]:
                transformer(f"{root}input_blocks.{block}.1", out, depths[level])
            skips.append(out)
            block += 1
        if level < len(widths) - 1:
            layout.layer(f"{root}input_blocks.{block}.0.op", out, out, 3, 3)
            skips.append(out)
            block += 1
    resnet(root + "middle_block.0", width, width)
    transformer(root + "middle_block.1", width, depths[-1])
    resnet(root + "middle_block.2", width, width)
    block = 0
    for level, out in reversed(list(enumerate(widths))):
        for index in range(layers + 1):
            resnet(f"{root}output_blocks.{block}.0", width + skips.pop(), out)
            width = out
            if c["attention"][level]:
                transformer(f"{root}output_blocks.{block}.1", out, depths[level])
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


def lay_out_text(layout: Layout, c: dict, text: dict) -> None:
    width, vocabulary = text["width"], c["vocabulary"]
    if text["open_clip"]:
        root = text["root"]
        layout.add(root + "positional_embedding", 77, width)
        layout.add(root + "text_projection", width, text.get("projection", width))
        layout.add(root + "logit_scale")
        layout.add(root + "token_embedding.weight", vocabulary, width)
        for index in range(text["layers"] + (0 if text["pooled"] else 1)):
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
    root = text["root"]
    layout.add(root + "embeddings.token_embedding.weight", vocabulary, width)
    layout.add(root + "embeddings.position_embedding.weight", 77, width)
    for index in range(text["layers"]):
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
    if "guidance" in c:
        unet["time_cond_proj_dim"] = c["guidance"]
    if "added" in c:
        unet |= dict(transformer_layers_per_block=c["depths"], addition_embed_type="text_time", addition_time_embed_dim=256,
                     projection_class_embeddings_input_dim=c["added"], sample_size=128)
    vae_levels = len(c["vae_widths"])
    vae = dict(block_out_channels=c["vae_widths"], layers_per_block=c["vae_layers"], latent_channels=4,
               down_block_types=["DownEncoderBlock2D"] * vae_levels, up_block_types=["UpDecoderBlock2D"] * vae_levels)
    if "added" in c:
        vae["scaling_factor"] = 0.13025
    texts = {}
    for part, text in c["texts"].items():
        texts[part] = dict(
            vocab_size=c["vocabulary"], hidden_size=text["width"], intermediate_size=4 * text["width"],
            num_hidden_layers=text["layers"], num_attention_heads=max(text["width"] // 64, 1),
            max_position_embeddings=77, hidden_act="gelu" if text["open_clip"] else "quick_gelu",
            projection_dim=text.get("projection", text["width"]), eos_token_id=c["vocabulary"] - 1)
    assert levels == len(c["attention"])
    return unet, vae, texts


REPEATED = re.compile(r"\b(transformer_blocks|layers|resblocks)\.(\d+)\.")


def starred(name: str) -> tuple[str, int]:
    """The name with a star for the number of the repeated block, and the number; −1 where there is none."""
    match = REPEATED.search(name)
    return (name, -1) if match is None else (REPEATED.sub(r"\1.*.", name, count=1), int(match[2]))


def folded(rows: list) -> list:
    """Rows that differ by the number of a block alone as one."""
    groups: dict = {}
    for row in rows:
        (name, index), (source, other) = starred(row[0]), starred(row[2])
        key = (name, tuple(row[1]), source, row[3]) if index == other and index >= 0 else (row[0], row[2])
        groups.setdefault(key, []).append((index, row))
    result = []
    for key, members in groups.items():
        if len(members) > 1 and sorted(index for index, _ in members) == list(range(len(members))):
            result.append([key[0], list(key[1]), key[2], key[3], len(members)])
        else:
            result += [row for _, row in members]
    return result


def folded_shapes(shapes: dict) -> tuple[dict, dict]:
    groups: dict = {}
    for name, shape in shapes.items():
        pattern, index = starred(name)
        groups.setdefault((pattern if index >= 0 else name, tuple(shape)), []).append((index, name))
    plain, repeated = {}, {}
    for (pattern, shape), members in groups.items():
        if len(members) > 1 and sorted(index for index, _ in members) == list(range(len(members))):
            repeated[pattern] = [len(members), list(shape)]
        else:
            plain |= {name: list(shape) for _, name in members}
    return plain, repeated


def table(c: dict) -> dict:
    layout = Layout()
    lay_out_denoiser(layout, c)
    lay_out_autoencoder(layout, c)
    for text in c["texts"].values():
        lay_out_text(layout, c, text)
    unet, vae, texts = networks(c)
    with torch.device("meta"):
        models = {"unet": UNet2DConditionModel(**unet), "vae": AutoencoderKL(**vae)}
        for part, text in c["texts"].items():
            kind = CLIPTextModelWithProjection if text["pooled"] else CLIPTextModel
            models[part] = kind(CLIPTextConfig(**texts[part]))
    original = layout.tensors
    converted = {
        "unet": reference.convert_ldm_unet_checkpoint(original, dict(models["unet"].config)),
        "vae": reference.convert_ldm_vae_checkpoint(original, dict(models["vae"].config)),
    }
    if "guidance" in c:
        # The functions know nothing of the guidance scale's layer; its file's name is the one that files have.
        name = "cond_proj.weight"
        converted["unet"]["time_embedding." + name] = original["model.diffusion_model.time_embed." + name]
    for part, text in c["texts"].items():
        if text["open_clip"]:
            # The function reads nothing of the model where text_projection is in the file.
            found = reference.convert_open_clip_checkpoint(models[part], original, prefix=text["root"])
            if not text["pooled"]:
                last = f".layers.{text['layers']}."
                found = {name: t for name, t in found.items() if last not in name and "text_projection" not in name}
        else:
            found = reference.convert_ldm_clip_checkpoint(original)
        # transformers 5 dropped the prefix that published folders have.
        converted[part] = {n if n.startswith("text_") else "text_model." + n: t for n, t in found.items()}
    rows = {}
    for part, state in converted.items():
        expected = models[part].state_dict()
        if part.startswith("text_encoder") and not any(name.startswith("text_model.") for name in expected):
            expected = {"text_model." + name: tensor for name, tensor in expected.items()}
        expected = {n: tuple(t.shape) for n, t in expected.items() if not n.endswith("position_ids")}
        assert set(state) == set(expected), sorted(set(state) ^ set(expected))[:5]
        rows[part] = []
        for name, tensor in sorted(state.items()):
            assert tuple(tensor.shape) == expected[name], name
            source = layout.names[int(tensor.flatten()[0])]
            third = "qkv".index(name.split("_proj")[0][-1]) if ".in_proj_" in source else -1
            if source.endswith("text_projection"):
                third = -2
            rows[part].append([name, list(tensor.shape), source, third])
        rows[part] = folded(rows[part])
    configurations = {"unet": dict(unet, _class_name="UNet2DConditionModel"), "vae": dict(vae, _class_name="AutoencoderKL"),
                      **texts}
    plain, repeated = folded_shapes({n: list(t.shape) for n, t in original.items()})
    return dict(configurations=configurations, original=plain, repeated=repeated, **rows)


REAL = dict(widths=[320, 640, 1280, 1280], attention=[True, True, True, False], layers=2,
            vae_widths=[128, 256, 512, 512], vae_layers=2, vocabulary=49408)
TINY = dict(widths=[32, 32], attention=[True, False], layers=1, vae_widths=[32, 32], vae_layers=1, vocabulary=914,
            context=64)
TINY_XL = dict(TINY, attention=[False, True], depths=[1, 2], linear=True)


def clip(width: int, layers: int, root: str = "cond_stage_model.") -> dict:
    return dict(root=root + "transformer.text_model.", width=width, layers=layers, open_clip=False, pooled=False)


def open_clip(width: int, layers: int, root: str = "cond_stage_model.", **pooled) -> dict:
    return dict(root=root + "model.", width=width, layers=layers, open_clip=True, pooled=bool(pooled), **pooled)


def xl_texts(first: dict, second: dict) -> dict:
    return dict(text_encoder=first, text_encoder_2=second)


EMBEDDERS = ["conditioner.embedders.0.", "conditioner.embedders.1."]
V1, V2 = (lambda width, layers: dict(linear=False, texts=dict(text_encoder=clip(width, layers))),
          lambda width, layers: dict(linear=True, texts=dict(text_encoder=open_clip(width, layers))))
TINY_TEXTS = xl_texts(clip(64, 2, EMBEDDERS[0]), open_clip(128, 2, EMBEDDERS[1], projection=96))
TABLES = {
    "sd15": dict(REAL, **V1(768, 12), in_channels=4, context=768),
    "sd21-inpaint": dict(REAL, **V2(1024, 23), in_channels=9, context=1024),
    "sdxl": dict(REAL, widths=[320, 640, 1280], attention=[False, True, True], depths=[1, 2, 10], linear=True, in_channels=4,
                 context=2048, added=2816,
                 texts=xl_texts(clip(768, 12, EMBEDDERS[0]), open_clip(1280, 32, EMBEDDERS[1], projection=1280))),
    "sdxl-refiner": dict(REAL, widths=[384, 768, 1536, 1536], attention=[False, True, True, False], depths=[4, 4, 4, 4],
                         linear=True, in_channels=4, context=1280, added=2560,
                         texts=dict(text_encoder_2=open_clip(1280, 32, EMBEDDERS[0], projection=1280))),
    "tiny-sd1": dict(TINY, **V1(64, 2), in_channels=4), "tiny-sd1-inpaint": dict(TINY, **V1(64, 2), in_channels=9),
    "tiny-sd2": dict(TINY, **V2(64, 2), in_channels=4), "tiny-sd2-inpaint": dict(TINY, **V2(64, 2), in_channels=9),
    "tiny-pix2pix": dict(TINY, **V1(64, 2), in_channels=8), "tiny-lcm": dict(TINY, **V1(64, 2), in_channels=4, guidance=10),
    "tiny-sdxl": dict(TINY_XL, in_channels=4, context=192, added=96 + 6 * 256, texts=TINY_TEXTS),
    "tiny-sdxl-inpaint": dict(TINY_XL, in_channels=9, context=192, added=96 + 6 * 256, texts=TINY_TEXTS),
    "tiny-sdxl-pix2pix": dict(TINY_XL, in_channels=8, context=192, added=96 + 6 * 256, texts=TINY_TEXTS),
    "tiny-sdxl-refiner": dict(TINY_XL, in_channels=4, context=128, added=96 + 5 * 256,
                              texts=dict(text_encoder_2=open_clip(128, 2, EMBEDDERS[0], projection=96))),
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
        print(name, {part: len(rows) for part, rows in made.items() if isinstance(rows, list)})


if __name__ == "__main__":
    main()
