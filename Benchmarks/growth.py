#!/usr/bin/env python3
"""Time a step of the denoiser at sizes from 256 to 1024 and draw how it grows with the picture.

    python scripts/reference/make_model.py MODEL --shape sd15 --inpaint
    python Benchmarks/growth.py MODEL --editor .build/release/editor --picture docs/pictures/growth.png

Each size runs in a process of its own (`editor bench --part step`). Attention within a map grows with the square of its
pixels, all else in proportion to them, so `bench` states the time inside attention apart. A table goes to standard output; the plot needs matplotlib. Let nothing else run meanwhile.
"""
import argparse
import json
import subprocess

SIZES = (256, 384, 512, 640, 768, 896, 1024)


def measure(options: argparse.Namespace, size: int) -> dict:
    command = [options.editor, "bench", "--model", options.model, "--precision", options.precision, "--size",
               f"{size}x{size}", "--part", "step", "--repeats", str(options.repeats), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return next(line for line in lines if line.get("part") == "step")


def draw(rows: list[dict], path: str) -> None:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    pixels = [row["size"] ** 2 / 1e6 for row in rows]
    rest = [row["seconds"] - row["attentionSeconds"] for row in rows]
    slope = sum(a * b for a, b in zip(pixels, rest)) / sum(a * a for a in pixels)
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    axes.plot(pixels, [row["seconds"] for row in rows], "o-", label="a guided step")
    axes.plot(pixels, rest, "s-", label="without attention")
    axes.plot(pixels, [row["attentionSeconds"] for row in rows], "^-", label="attention")
    axes.plot([0, pixels[-1]], [0, slope * pixels[-1]], "k:", label="in proportion to pixels")
    axes.set(xlabel="megapixels", ylabel="seconds", xlim=(0, None), ylim=(0, None))
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--editor", default=".build/release/editor")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--picture", help="where to draw the plot")
    options = parser.parse_args()
    rows = []
    print("| size | a step | attention | the rest | the rest, per megapixel |\n|---|---|---|---|---|")
    for size in options.sizes:
        row = measure(options, size) | {"size": size}
        rows.append(row)
        rest = row["seconds"] - row["attentionSeconds"]
        print(f"| {size} | {row['seconds']:.2f} s | {row['attentionSeconds']:.2f} s | {rest:.2f} s "
              f"| {rest / size ** 2 * 1e6:.2f} s |", flush=True)
    if options.picture:
        draw(rows, options.picture)


if __name__ == "__main__":
    main()
