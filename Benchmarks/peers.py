#!/usr/bin/env python3
"""Time one engine's parts of an SD 1.5 edit at 512×512: `peers.py MODEL --engine openvino|torch`.

Parts: `step` is one guided call of the denoiser (a batch of two), `encode` and `decode` the autoencoder's halves. Prints
one JSON object a part: {"engine", "precision", "part", "seconds", "repeats"}, seconds being the median after two runs
that are not counted. `compare.py` runs this for each engine in turn.
"""
import argparse
import json
import statistics
import time

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

PARTS = ("step", "encode", "decode")


class Part(torch.nn.Module):
    """A part of the model as a function of tensors, and inputs of its shapes."""

    def __init__(self, model: str, part: str):
        super().__init__()
        self.part = part
        kind, folder = (UNet2DConditionModel, "unet") if part == "step" else (AutoencoderKL, "vae")
        self.net = kind.from_pretrained(f"{model}/{folder}", torch_dtype=torch.float32).eval()

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        if self.part == "step":
            return self.net(*inputs, return_dict=False)[0]
        if self.part == "decode":
            return self.net.decode(*inputs, return_dict=False)[0]
        return self.net.quant_conv(self.net.encoder(*inputs))

    def inputs(self) -> tuple[torch.Tensor, ...]:
        if self.part == "step":
            config = self.net.config
            return (torch.randn(2, config.in_channels, 64, 64), torch.tensor(500),
                    torch.randn(2, 77, config.cross_attention_dim))
        return (torch.randn(1, 4, 64, 64) if self.part == "decode" else torch.randn(1, 3, 512, 512),)


def median_seconds(run, repeats: int) -> float:
    run(), run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def torch_run(net: Part, precision: str, threads: int):
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    inputs = tuple(x.to(dtype) if x.is_floating_point() else x for x in net.inputs())
    net = net.to(dtype=dtype, memory_format=torch.channels_last)
    return lambda: net(*inputs)


def openvino_run(net: Part, precision: str, threads: int):
    import openvino
    inputs = net.inputs()
    graph = openvino.convert_model(net, example_input=inputs, input=[list(x.shape) for x in inputs])
    compiled = openvino.Core().compile_model(
        graph, "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
                       "INFERENCE_PRECISION_HINT": precision})
    request = compiled.create_infer_request()
    feed = {index: x.numpy() for index, x in enumerate(inputs)}
    return lambda: request.infer(feed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--engine", choices=("openvino", "torch"), required=True)
    parser.add_argument("--precision", choices=("bf16", "f32"), default="bf16")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    make_run = openvino_run if options.engine == "openvino" else torch_run
    for part in options.parts:
        run = make_run(Part(options.model, part), options.precision, options.threads)
        print(json.dumps(dict(engine=options.engine, precision=options.precision, part=part,
                              seconds=median_seconds(run, options.repeats), repeats=options.repeats)), flush=True)


if __name__ == "__main__":
    main()
