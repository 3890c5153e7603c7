"""Judge an exported model on held-out pictures: figures as Markdown tables, and contact sheets.

Holes: for every size and kind of hole, PSNR inside it in dB, a perceptual distance inside it
(features of an ImageNet classifier; not LPIPS), its ratio to the best of Telea, Navier–Stokes
and biharmonic, and gradient energy relative to the true picture; for classical fills, the
editor's PatchMatch alone, the editor as it comes, and the model alone. Text: the share of
held-out pictures whose denoising error is lower with their own caption than with another's.
The model alone is shown PatchMatch's fill of a hole. Prompts: 24 prompts, three seeds, by the editor as it comes,
into the same hole of a plain and of a photographed ground, and without a picture.
"""

import argparse
import random
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

import fills
from diffusion import Denoiser, hole_error, make_batch
from exported import Model, Setting, to_bytes, to_tensor
from patch_transform import read_transform
from perceptual import PerceptualDistance
from pictures import Picture, centre_crop, draw_strokes, load_pictures
from scenes import Scene, SceneSource

KINDS = ("scratches", "box", "strokes", "shape", "outpaint")
CLASSICAL = {"Telea": fills.telea, "Navier–Stokes": fills.navier_stokes, "biharmonic": fills.biharmonic}
# One step at the end of a hundred changes nothing to speak of: what is left is PatchMatch.
PATCHMATCH_ONLY = ["--fill", "patchmatch", "--steps", "100", "--strength", "0.01", "--guidance", "1",
                   "--detail", "kept"]
NOISES = 8
TEXT_SIZE = 256
PROMPTS = [
    "a red heart", "un corazón rojo", "a sunflower", "un tournesol", "a sunset over the sea", "una puesta de sol",
    "une montagne enneigée", "a mountain", "a brick wall", "un mur de briques", "a beach", "una playa",
    "snow", "a forest", "une forêt", "a city at night", "la ciudad de noche", "an apple",
    "a star", "un gato", "un arbre", "a house", "a yellow flower", "the sun",
]
PROMPTS_A_ROW = 4
SHEET_TILE = 128
SUMMARY_WIDTH = 1024


def hole(kind: str, size: int, drawing: Picture, rng: random.Random) -> np.ndarray:
    """A mask `[size, size]`, bytes, 1 = hole, of one of `KINDS`; `shape` is the drawing's silhouette."""
    mask = np.zeros((size, size), np.uint8)
    if kind == "scratches":
        for _ in range(6):
            ends = [(rng.randrange(size), rng.randrange(size)) for _ in range(2)]
            cv2.line(mask, *ends, 1, max(1, size // 128))
    elif kind == "box":
        mask[size // 4:size * 3 // 4, size // 4:size * 3 // 4] = 1
    elif kind == "strokes":
        draw_strokes(mask, size / 256, rng)
    elif kind == "shape":
        height, width = drawing.pixels.shape[:2]
        scale = size * 0.5 / max(height, width)
        solid = cv2.resize(drawing.pixels[..., 3], (round(width * scale), round(height * scale)))
        top, left = (size - solid.shape[0]) // 2, (size - solid.shape[1]) // 2
        mask[top:top + solid.shape[0], left:left + solid.shape[1]] = solid > 32
    else:
        mask[:, size * 3 // 4:] = 1
    return mask


class Editor:
    """The command-line editor with a model folder."""

    def __init__(self, binary: Path, model: Path):
        self.binary, self.model = binary, model

    def fill(self, picture: np.ndarray, mask: np.ndarray, options: list[str]) -> np.ndarray:
        """Erase what the mask `[H, W]` covers; a band at the right is outpainted instead."""
        with tempfile.TemporaryDirectory() as folder:
            source, cover, target = (Path(folder) / name for name in ("in.png", "mask.png", "out.png"))
            columns = np.flatnonzero(mask.min(axis=0))
            at_right = len(columns) > 0 and columns[0] == mask.shape[1] - len(columns) > 0
            if at_right and len(columns) * len(mask) == mask.sum():
                write_png(source, picture[:, :columns[0]])
                command = ["outpaint", str(source), "--right", str(len(columns))]
            else:
                write_png(source, picture)
                cv2.imwrite(str(cover), mask * 255)
                command = ["erase", str(source), str(cover)]
            # Of two seeds the last counts.
            return self._run(command, target, ["--seed", "1", *options])

    def paint(self, picture: np.ndarray, mask: np.ndarray, prompt: str, seed: int) -> np.ndarray:
        """What the prompt makes of the part that the mask `[H, W]` covers."""
        with tempfile.TemporaryDirectory() as folder:
            source, cover, target = (Path(folder) / name for name in ("in.png", "mask.png", "out.png"))
            write_png(source, picture)
            cv2.imwrite(str(cover), mask * 255)
            return self._run(["inpaint", str(source), str(cover), prompt], target, ["--seed", str(seed)])

    def generate(self, size: int, prompt: str, seed: int) -> np.ndarray:
        """A picture of the prompt, `[size, size, 3]`."""
        with tempfile.TemporaryDirectory() as folder:
            return self._run(["generate", prompt, "--size", f"{size}x{size}"], Path(folder) / "out.png",
                             ["--seed", str(seed)])

    def _run(self, command: list[str], target: Path, options: list[str]) -> np.ndarray:
        subprocess.run([str(self.binary), *command, "--model", str(self.model), "-q", "-o", str(target), *options],
                       check=True, stdout=subprocess.DEVNULL)
        return cv2.cvtColor(cv2.imread(str(target)), cv2.COLOR_BGR2RGB)


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write `[H, W, 3]` RGB bytes."""
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def gradient_energy(pictures: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """The mean squared gradient inside the hole, for each picture: `[B]`."""
    across = (pictures[..., 1:, 1:] - pictures[..., 1:, :-1]).square().mean(1, keepdim=True)
    down = (pictures[..., 1:, 1:] - pictures[..., :-1, 1:]).square().mean(1, keepdim=True)
    weight = masks[..., 1:, 1:]
    return ((across + down) * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3))


def figures(result: torch.Tensor, truth: torch.Tensor, masks: torch.Tensor,
            perceptual: PerceptualDistance) -> tuple[float, float, float]:
    """PSNR and perceptual distance inside the hole (means), relative gradient energy (median)."""
    error = ((result - truth).square() * masks).sum((1, 2, 3)) / (3 * masks.sum((1, 2, 3)))
    psnr = (10 * torch.log10(4 / error)).mean()
    distance = perceptual.inside(result, truth, masks).mean()
    energy = (gradient_energy(result, masks) / gradient_energy(truth, masks)).median()
    return psnr.item(), distance.item(), energy.item()


def judge_holes(model: Model, arguments: argparse.Namespace, size: int) -> None:
    """Print a table for each kind of hole; write a sheet: picture, hole, then the table's rows."""
    perceptual, editor = PerceptualDistance(), Editor(arguments.editor, arguments.model)
    photos = load_pictures(arguments.cache, "held-out", "photo")
    photos = photos[::max(1, len(photos) // arguments.count)][:arguments.count]
    drawings = load_pictures(arguments.cache, "held-out", "drawing")
    crops = [centre_crop(photo.pixels, size) for photo in photos]
    pictures = to_tensor(crops)
    for kind in KINDS:
        rng = random.Random(5)
        arrays = [hole(kind, size, drawing, rng) for drawing in drawings[:len(crops)]]
        masks = torch.from_numpy(np.stack(arrays)).float()[:, None]
        filled = {name: to_tensor([fill(*pair) for pair in zip(crops, arrays)])
                  for name, fill in CLASSICAL.items() if name != "biharmonic" or size <= arguments.biharmonic}
        slow = list(filled)
        for name, options in (("PatchMatch", PATCHMATCH_ONLY), ("editor, as it comes", [])):
            filled[name] = to_tensor([editor.fill(*pair, options) for pair in zip(crops, arrays)])
        for setting in arguments.settings:
            filled[str(setting)] = model.repaint(pictures, masks, [""] * len(crops), setting, arguments.seed,
                                                 shown=filled["PatchMatch"])
        rows = {name: figures(result, pictures, masks, perceptual) for name, result in filled.items()}
        best = min(rows[name][1] for name in slow)
        print(f"\n| {kind}, {size} px | PSNR | perceptual | to the best classical | gradient |")
        print("|---|---|---|---|---|")
        for name, (psnr, distance, energy) in rows.items():
            print(f"| {name} | {psnr:.1f} | {distance:.3f} | {distance / best:.2f} | {energy:.2f} |", flush=True)
        write_sheet([pictures, pictures * (1 - masks), *filled.values()],
                    arguments.output / f"{kind}-{size}.png", min(arguments.rows, len(crops)))


def write_sheet(columns: list[torch.Tensor], path: Path, rows: int) -> None:
    """Tile `columns`, each `[B, 3, H, W]` in −1…1, with one row a picture."""
    lines = [torch.cat([column[row] for column in columns], dim=2) for row in range(rows)]
    write_png(path, to_bytes(torch.cat(lines, dim=1)[None])[0])


@torch.no_grad()
def own_caption_wins(denoiser: Denoiser, model: Model, scenes: list[Scene]) -> float:
    """The share of scenes with a lower error with their own caption, over several noises and timesteps."""
    transform = read_transform(model.autoencoder)
    captions = [scene.caption for scene in scenes]
    order = list(range(len(scenes)))
    random.Random(3).shuffle(order)
    shuffled = [captions[order[(order.index(index) + 1) % len(order)]] for index in range(len(order))]
    wins = 0
    for first in range(0, len(scenes), 16):
        part, errors = scenes[first:first + 16], []
        for texts in (captions, shuffled):
            texts = texts[first:first + 16]
            batch = make_batch([replace(scene, caption=text) for scene, text in zip(part, texts)],
                               transform, model.tokenizer)
            total = 0
            for index in range(NOISES):
                noise = torch.randn(batch.codes.shape, generator=torch.Generator().manual_seed(index))
                timesteps = torch.full((len(part),), 300 + index * 699 // (NOISES - 1))
                total = total + hole_error(denoiser.velocity_error(batch, timesteps, noise), batch.mask)
            errors.append(total)
        wins += (errors[0] < errors[1]).sum().item()
    return wins / len(scenes)


def judge_text(model: Model, arguments: argparse.Namespace) -> None:
    """Print the shares of held-out drawings and photographs that their own caption helps."""
    source = SceneSource(arguments.cache, "held-out", TEXT_SIZE, random.Random(0), empty_share=0)
    drawings = [replace(source.drawing(one), caption=one.row["caption_en"]) for one in source.drawings]
    photos = [replace(source.scenery(one), caption=one.row["caption_en"]) for one in source.photos]
    tagged = [replace(scene, caption=one.row["tags"].replace(",", ", "))
              for scene, one in zip(photos, source.photos)]
    denoiser = Denoiser(model.unet, model.text)
    print("\n| own caption better than another's | pictures | share |\n|---|---|---|")
    for name, scenes in (("drawings", drawings), ("photographs, sentence", photos), ("photographs, tags", tagged)):
        print(f"| {name} | {len(scenes)} | {own_caption_wins(denoiser, model, scenes):.0%} |", flush=True)


def write_prompts(arguments: argparse.Namespace, size: int) -> None:
    """Sheets of 24 prompts × 3 seeds: into a hole of a plain ground, of a photograph, and alone."""
    photos = load_pictures(arguments.cache, "held-out", "photo")
    landscape = next(photo for photo in photos if "sky" in photo.row["tags"])
    plain = np.full((size, size, 3), 235, np.uint8)
    border = size // 8
    box = np.zeros((size, size), np.uint8)
    box[border:-border, border:-border] = 1
    editor = Editor(arguments.editor, arguments.model)
    for name, ground in {"plain": plain, "photo": centre_crop(landscape.pixels, size), "alone": None}.items():
        def made(prompt: str, seed: int) -> np.ndarray:
            return editor.generate(size, prompt, seed) if ground is None else editor.paint(ground, box, prompt, seed)

        tiles = [captioned([made(prompt, seed) for seed in range(3)], prompt) for prompt in PROMPTS]
        rows = [np.hstack(tiles[first:first + PROMPTS_A_ROW])
                for first in range(0, len(tiles), PROMPTS_A_ROW)]
        write_png(arguments.output / f"prompts-{name}.png", np.vstack(rows))


def captioned(pictures: list[np.ndarray], caption: str) -> np.ndarray:
    """Small copies side by side with the caption (accents dropped by the font) below."""
    row = np.hstack([cv2.resize(picture, (SHEET_TILE, SHEET_TILE), interpolation=cv2.INTER_AREA)
                     for picture in pictures])
    strip = np.full((18, row.shape[1], 3), 255, np.uint8)
    cv2.putText(strip, caption, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([row, strip])


def write_summaries(folder: Path, size: int) -> None:
    """Small JPEGs of the sheets for the documentation: two rows of every kind of hole, and the prompts."""
    sheets = {"holes": [folder / f"{kind}-{size}.png" for kind in KINDS],
              "prompts": [folder / f"prompts-{name}.png" for name in ("plain", "alone")]}
    for name, paths in sheets.items():
        rows = [cv2.imread(str(path))[:2 * size] if name == "holes" else cv2.imread(str(path))
                for path in paths if path.exists()]
        if rows:
            width = min(row.shape[1] for row in rows)
            sheet = np.vstack([row[:, :width] for row in rows])
            scaled = (SUMMARY_WIDTH, round(sheet.shape[0] * SUMMARY_WIDTH / width))
            small = cv2.resize(sheet, scaled, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(folder / f"{name}.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 80])


def parse_setting(text: str) -> Setting:
    steps, guidance = text.split(",")
    return Setting(int(steps), float(guidance))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/editor-training")
    parser.add_argument("--model", type=Path, required=True, help="exported model folder")
    parser.add_argument("--editor", type=Path, default=Path("../.build/release/editor"))
    parser.add_argument("--output", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--parts", nargs="*", choices=["holes", "text", "prompts"],
                        default=["holes", "text", "prompts"])
    parser.add_argument("--sizes", type=int, nargs="*", default=[256, 512], help="sides in pixels")
    parser.add_argument("--count", type=int, default=12, help="held-out photos to judge on")
    parser.add_argument("--rows", type=int, default=6, help="photos on a sheet")
    parser.add_argument("--biharmonic", type=int, default=256, help="largest side for the biharmonic fill")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--settings", type=parse_setting, nargs="*", metavar="STEPS,GUIDANCE",
                        default=[Setting(8, 1.0)])
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    model = Model(arguments.model)
    if "prompts" in arguments.parts:
        write_prompts(arguments, arguments.sizes[0])
    if "text" in arguments.parts:
        judge_text(model, arguments)
    if "holes" in arguments.parts:
        for size in arguments.sizes:
            judge_holes(model, arguments, size)
    write_summaries(arguments.output, arguments.sizes[0])


if __name__ == "__main__":
    main()
