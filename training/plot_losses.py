"""Draw the denoiser's losses over samples seen, from `losses.tsv`, as a small PNG."""

import argparse
import csv
import math
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)

COLUMNS = ("minutes", "samples", "side", "loss", "hole", "own", "other")


def read_losses(path: Path) -> list[dict[str, float]]:
    with open(path, encoding="utf-8") as file:
        return [dict(zip(COLUMNS, map(float, row))) for row in csv.reader(file, delimiter="\t")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("losses", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    rows = read_losses(arguments.losses)
    figure, axes = plt.subplots(figsize=(6.4, 3.6), dpi=100)
    for side in sorted({row["side"] for row in rows}):
        part = [row for row in rows if row["side"] == side]
        tested = [row for row in part if not math.isnan(row["own"])]
        line, = axes.plot([row["samples"] for row in part], [row["hole"] for row in part],
                          linewidth=1, label=f"training, {side:.0f} px")
        axes.plot([row["samples"] for row in tested], [row["own"] for row in tested], "o",
                  color=line.get_color(), markersize=4, label=f"held-out, {side:.0f} px")
    axes.set(xlabel="samples seen", ylabel="velocity error in the hole", yscale="log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.tick_params(axis="y", which="minor", labelsize=7)
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(arguments.output)


if __name__ == "__main__":
    main()
