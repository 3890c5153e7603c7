"""Write small files as `torch.save` writes them, hostile ones, and what torch reads from the good ones.

    python make_pickle_fixtures.py [--out fixtures/pickles] [--weights FOLDER]

* `zip.pth`, `legacy.pth`: the same tensors of several types, one of them a transposed view, two sharing a storage, under
  `state_dict` as Lightning has it, with `global_step` and a callback's marker beside it; `expected.safetensors`: the same;
* `plain.bin`: a dictionary of tensors without more; `parameter.bin`: `torch.nn.Parameter`s;
* `evil-zip.pth`, `evil-legacy.pth`, `evil-plain.ckpt`: pickles whose reading by Python would run a command (a harmless one);
* with `--weights`, `probes.json`: for each `.pth` file there, some of every tensor's elements as torch reads them.
"""
import argparse
import collections
import json
import os
import pathlib
import pickle

import torch
from safetensors.torch import save_file


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


class ModelCheckpoint:
    """Stands for Lightning's class of that name, which real checkpoints name as a key."""


def write(out: pathlib.Path) -> None:
    generator = torch.Generator().manual_seed(1)
    base = torch.randn((4, 6), generator=generator)
    tensors = collections.OrderedDict(
        single=base.clone(), half=base.half(), brain=base.bfloat16(), transposed=base.t(), part=base[1:3],
        part_of_row=base[:, 2:4], scalar=torch.tensor(3.5), empty=torch.zeros((0, 3)), whole=torch.arange(5),
        double=base.double())
    ModelCheckpoint.__module__ = "pytorch_lightning.callbacks.model_checkpoint"
    module = type(torch)("pytorch_lightning.callbacks.model_checkpoint")
    module.ModelCheckpoint = ModelCheckpoint
    import sys
    sys.modules["pytorch_lightning"] = type(torch)("pytorch_lightning")
    sys.modules["pytorch_lightning.callbacks"] = type(torch)("pytorch_lightning.callbacks")
    sys.modules[module.__name__] = module
    whole = dict(epoch=3, global_step=875000, loss=0.25, note="fox", nothing=None, flag=True, state_dict=tensors,
                 callbacks={ModelCheckpoint: {"best": [1, 2, (3, -4)]}})
    torch.save(whole, out / "zip.pth")
    torch.save(whole, out / "legacy.pth", _use_new_zipfile_serialization=False)
    floats = {n: t.contiguous().clone() for n, t in tensors.items() if n not in ("whole", "double")}
    save_file(floats, out / "expected.safetensors")
    torch.save(dict(a=base, b=base.half()), out / "plain.bin")
    torch.save(dict(a=torch.nn.Parameter(base)), out / "parameter.bin")
    torch.save(dict(a=base, b=Evil()), out / "evil-zip.pth")
    torch.save(dict(a=base, b=Evil()), out / "evil-legacy.pth", _use_new_zipfile_serialization=False)
    (out / "evil-plain.ckpt").write_bytes(pickle.dumps(Evil(), protocol=2))


def probe(folder: pathlib.Path) -> dict:
    files = {}
    for file in sorted(folder.glob("*.pth")):
        state = torch.load(file, weights_only=True, map_location="cpu")
        files[file.name] = {
            name: dict(shape=list(t.shape), first=t.flatten()[:4].double().tolist(), last=t.flatten()[-1].item(),
                       sum=t.double().sum().item()) for name, t in state.items()}
    return files


def main() -> None:
    root = pathlib.Path(__file__).resolve().parents[2] / "fixtures/pickles"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=root)
    parser.add_argument("--weights", type=pathlib.Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out)
    if options.weights:
        (options.out / "probes.json").write_text(json.dumps(probe(options.weights), indent=0) + "\n")


if __name__ == "__main__":
    main()
