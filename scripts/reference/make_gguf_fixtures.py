"""Write a GGUF file with a tensor of every type that is read, and what the gguf package makes of it.

    python make_gguf_fixtures.py [--out fixtures/gguf]

* `types.gguf`: a tensor a type, `[3, 256]` (`[2, 3, 1, 4]` for plain types), and values of every kind in its metadata. Blocks are random
  bytes, as quantising reaches only some of them; their scales (`d`, `dmin`, `m`) are random f16 numbers, among them zero,
  subnormal and negative ones. `reshaped.weight` was `[96, 8]` before, as ComfyUI-GGUF says it;
* `expected.safetensors`: the same tensors in f32, by `gguf.quants.dequantize`.
"""
import argparse
import pathlib

import gguf
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from safetensors.numpy import save_file

# Where the f16 scales of a block are, in bytes.
SCALES = {Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0], Type.Q2_K: [80, 82],
          Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208]}


def random_blocks(kind: Type, rows: int, columns: int, random: np.random.Generator) -> np.ndarray:
    length, size = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (rows * columns // length, size), dtype=np.uint8)
    for place in SCALES[kind]:
        scales = random.normal(0, 0.05, len(blocks)).astype(np.float16)
        scales[:2] = [0, 3e-7]
        blocks[:, place:place + 2] = scales.view(np.uint8).reshape(-1, 2)
    return blocks.reshape(rows, -1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parents[2] / "fixtures/gguf")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    writer = gguf.GGUFWriter(out / "types.gguf", "sd1")
    writer.add_string("text", "naïve")
    writer.add_uint8("u8", 200)
    writer.add_int8("i8", -3)
    writer.add_uint16("u16", 60000)
    writer.add_int16("i16", -300)
    writer.add_int32("i32", -70000)
    writer.add_uint64("u64", 2**63 + 1)
    writer.add_int64("i64", -(2**40))
    writer.add_float32("f32", 0.5)
    writer.add_float64("f64", 0.25)
    writer.add_bool("flag", True)
    writer.add_array("texts", ["a", "b"])
    writer.add_array("comfy.gguf.orig_shape.reshaped.weight", [96, 8])
    expected = {}
    for kind in (Type.F32, Type.F16, Type.BF16):
        values = random.normal(0, 1, (2, 3, 1, 4)).astype(np.float32)
        data = gguf.quants.quantize(values, kind)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        expected[kind.name] = gguf.quants.dequantize(data, kind).reshape(2, 3, 1, 4)
    for kind in SCALES:
        data = random_blocks(kind, 3, 256, random)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        expected[kind.name] = gguf.quants.dequantize(data, kind)
    data = random_blocks(Type.Q4_K, 3, 256, random)
    writer.add_tensor("reshaped.weight", data, raw_dtype=Type.Q4_K)
    expected["reshaped.weight"] = gguf.quants.dequantize(data, Type.Q4_K).reshape(96, 8)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert all(np.isfinite(values).all() for values in expected.values())
    save_file({name: np.ascontiguousarray(values) for name, values in expected.items()}, out / "expected.safetensors")


if __name__ == "__main__":
    main()
