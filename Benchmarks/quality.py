#!/usr/bin/env python3
"""How far pictures in bf16 and int8 are from those in f32, with the embedded model: `quality.py path/to/editor`.

Each picture is painted in every precision with the same settings and seed; the figure is the PSNR against f32, over the
picture or, for an edit, over what the mask shows. Prints a Markdown table. Needs numpy and Pillow.
"""
import argparse
import pathlib
import subprocess
import tempfile

import numpy
from PIL import Image

STEPS = 20
SEEDS = (0, 1, 2)
PRECISIONS = ("bf16", "int8")
ROOT = pathlib.Path(__file__).parent.parent
HILLS = [str(ROOT / "fixtures/images/hills.jpg"), str(ROOT / "fixtures/masks/hills-hole.png")]
# Name, arguments, and the mask that the figure is taken over.
CASES = [
    ("generate, a sunset over the sea", ["generate", "a sunset over the sea"], None),
    ("generate, un corazón rojo", ["generate", "un corazón rojo"], None),
    ("inpaint hills, a red flower", ["inpaint", *HILLS, "a red flower", "--strength", "1", "--detail", "model"], HILLS[1]),
    ("remix hills, snow", ["remix", HILLS[0], "snow", "--strength", "0.6"], None),
]


def picture(path: pathlib.Path) -> numpy.ndarray:
    return numpy.asarray(Image.open(path).convert("RGB"), dtype=numpy.float64)


def decibels(found: numpy.ndarray, expected: numpy.ndarray, mask: str | None) -> float:
    error = (found - expected) ** 2
    if mask:
        error = error[numpy.asarray(Image.open(mask).convert("L")) > 127]
    return 10 * numpy.log10(255**2 / error.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("editor")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="further options of the edits")
    options = parser.parse_args()
    print("| picture | " + " | ".join(f"{p}, dB" for p in PRECISIONS) + " |\n|---" + "|---" * len(PRECISIONS) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments, mask in CASES:
            figures = {precision: [] for precision in PRECISIONS}
            for seed in SEEDS:
                painted = {}
                for precision in ("f32", *PRECISIONS):
                    path = pathlib.Path(folder) / f"{precision}.png"
                    subprocess.run([options.editor, *arguments, "--steps", str(STEPS), "--seed", str(seed), "--force",
                                    "--quiet", "--precision", precision, "-o", path, *options.options],
                                   check=True, stdout=subprocess.DEVNULL)
                    painted[precision] = picture(path)
                for precision in PRECISIONS:
                    figures[precision].append(decibels(painted[precision], painted["f32"], mask))
            print(f"| {name} | " + " | ".join(f"{min(f):.1f}–{max(f):.1f}" for f in figures.values()) + " |")


if __name__ == "__main__":
    main()
