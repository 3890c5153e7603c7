"""Bring an exported model back into a run folder, to go on training it.

Restores `patch-transform.pt` (read from the encoder's weights), `decoder.pt`, `tokenizer/`
and `text_encoder/`. The denoiser itself is read by `train.py --resume` from the model's folder.
"""

import argparse
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL

from patch_transform import read_transform


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="exported model folder")
    parser.add_argument("--run", type=Path, required=True, help="run folder to fill")
    arguments = parser.parse_args()
    arguments.run.mkdir(parents=True, exist_ok=True)
    autoencoder = AutoencoderKL.from_pretrained(arguments.model / "vae", torch_dtype=torch.float32)
    torch.save(read_transform(autoencoder).state_dict(), arguments.run / "patch-transform.pt")
    decoder = {name: tensor for name, tensor in autoencoder.state_dict().items()
               if name.startswith(("decoder.", "post_quant_conv."))}
    torch.save(decoder, arguments.run / "decoder.pt")
    for part in ("tokenizer", "text_encoder"):
        shutil.copytree(arguments.model / part, arguments.run / part, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
