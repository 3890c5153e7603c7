"""Write the trained model as a folder in the diffusers layout, in half precision.

The result loads with stock diffusers and transformers classes. The averaged weights are
taken. The encoder is checked against the patch transform before anything is written. Low-rank
changes go into a file of their own beside the UNet that they were trained on.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import __version__ as diffusers_version
from safetensors.torch import save_file
from transformers import CLIPTextModel

from diffusion import make_scheduler, make_unet
from known_words import known_words
from low_rank import FILE_NAME, has_down, load_unet, rank_of, read_low_rank, write_low_rank
from patch_transform import PatchTransform, make_autoencoder, write_encoder

# Rounding of the weights to half precision, over pictures in −1…1 (measured 3e-4).
ENCODER_TOLERANCE = 1e-3

# What suits a mode better than the general settings, judged by eye.
MODES = {
    "inpaint": {"steps": 20, "guidance_rescale": 0.7, "strength": 1, "detail": "mixed", "fill": "patchmatch", "grow": 0,
                "feather": 0},
    "remix": {"strength": 0.6},
    "variations": {"strength": 0.4},
    "generate": {"steps": 20, "guidance_rescale": 0.7},
}
# No words mean scenery: led away from them, words for scenery draw blobs.
NEGATIVE_PROMPT = "a drawing"
DESCRIPTION = (
    "The model inside the binary, trained briefly on free pictures: harmonises what PatchMatch filled in landscapes; "
    "words in English, Spanish and French choose the kind of scene, colours and some thirty simple things."
)
TOKENIZER_FILES = ("merges.txt", "special_tokens_map.json", "tokenizer_config.json", "vocab.json")


def check_encoder(autoencoder: torch.nn.Module, transform: PatchTransform) -> float:
    """The encoder's relative root-mean-square difference from the transform it stands for."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(2, 3, 16, 16, generator=generator)
    pictures = torch.nn.functional.interpolate(coarse, size=(128, 192), mode="bicubic").clamp(-1, 1)
    with torch.no_grad():
        expected = transform(pictures)
        actual = autoencoder.encode(pictures).latent_dist.mean
    return ((actual - expected).square().mean() / expected.square().mean()).sqrt().item()


def write_text_encoder(text_encoder: CLIPTextModel, folder: Path) -> None:
    """Write with the tensor names of the published models, `text_model.…`.

    transformers 5 drops that prefix when it saves and reads both.
    """
    text_encoder.half().save_pretrained(folder)
    weights = {"text_model." + name.removeprefix("text_model."): tensor.contiguous()
               for name, tensor in text_encoder.state_dict().items() if "position_ids" not in name}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def write_unet(trained: dict[str, torch.Tensor], base: Path, output: Path) -> bool:
    """Write the UNet of averaged values; whether they are changes of low rank to the one in `base`."""
    rank = rank_of(trained)
    if rank == 0:
        unet = make_unet()
        unet.load_state_dict(trained)
        # To the digits that bf16 computes with: the rest would only be noise to store.
        unet.bfloat16().half().save_pretrained(output / "unet")
        (output / FILE_NAME).unlink(missing_ok=True)
        return False
    unet = load_unet(base, rank)
    unet.load_state_dict(trained, strict=False)
    known = {} if has_down(trained) else read_low_rank(base / FILE_NAME)
    if output != base:
        shutil.copytree(base / "unet", output / "unet", dirs_exist_ok=True)
    write_low_rank(unet, output / FILE_NAME, known)
    return True


def model_index(arguments: argparse.Namespace, has_change: bool) -> dict:
    return {
        "_class_name": "StableDiffusionInpaintPipeline",
        "_diffusers_version": diffusers_version,
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "editor": {
            "description": DESCRIPTION,
            "masked_image": "filled",
            **({"lora": FILE_NAME} if has_change else {}),
            "defaults": {
                "steps": arguments.steps, "guidance": arguments.guidance, "negative": NEGATIVE_PROMPT,
                "strength": arguments.strength, "fill": arguments.fill,
                "detail": arguments.detail, "modes": MODES,
            },
            "words": known_words(),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--output", type=Path, required=True, help="model folder to write")
    parser.add_argument("--base", type=Path, default=Path("../Sources/CBundledModel/model"),
                        help="the model that changes of low rank were trained on")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--strength", type=float, default=0.15)
    parser.add_argument("--fill", default="patchmatch")
    parser.add_argument("--detail", default="kept", choices=["kept", "mixed", "model"])
    arguments = parser.parse_args()

    transform = PatchTransform.load(arguments.run / "patch-transform.pt")
    autoencoder = make_autoencoder().eval()
    decoder = torch.load(arguments.run / "decoder.pt", weights_only=True)
    autoencoder.load_state_dict(decoder, strict=False)
    write_encoder(autoencoder, transform)
    autoencoder = autoencoder.half()
    error = check_encoder(autoencoder.float(), transform)
    if error > ENCODER_TOLERANCE:
        raise SystemExit(f"the encoder is off by {error:.2e}")
    print(f"encoder: relative RMS difference {error:.1e}")

    checkpoint = torch.load(arguments.run / "denoiser.pt", map_location="cpu", weights_only=True)
    text_encoder = CLIPTextModel.from_pretrained(arguments.run / "text_encoder", torch_dtype=torch.float32)
    print(f"denoiser: {checkpoint['samples']} samples seen")

    output = arguments.output
    autoencoder.half().save_pretrained(output / "vae")
    has_change = write_unet(checkpoint["average"], arguments.base, output)
    write_text_encoder(text_encoder, output / "text_encoder")
    make_scheduler().save_pretrained(output / "scheduler")
    (output / "tokenizer").mkdir(exist_ok=True)
    for name in TOKENIZER_FILES:
        shutil.copy(arguments.run / "tokenizer" / name, output / "tokenizer" / name)
    text = json.dumps(model_index(arguments, has_change), indent=2, ensure_ascii=False) + "\n"
    (output / "model_index.json").write_text(text, encoding="utf-8")
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"{output}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
