"""Draw the denoiser's losses over samples seen, from `losses.tsv`, as a small PNG."""

import argparse
import csv
import math
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)

COLUMNS = ("minutes", "samples", "side", "loss", "hole", "photo", "photo other", "drawing", "drawing other")
HELD_OUT = {"photo": "photos", "drawing": "drawings"}


def read_losses(path: Path) -> list[dict[str, float]]:
    """The rows; the first runs were not tested on drawings."""
    with open(path, encoding="utf-8") as file:
        return [dict.fromkeys(COLUMNS, math.nan) | dict(zip(COLUMNS, map(float, row)))
                for row in csv.reader(file, delimiter="\t")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("losses", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    rows = read_losses(arguments.losses)
    figure, axes = plt.subplots(figsize=(6.4, 4.0), dpi=100)
    for side in sorted({row["side"] for row in rows}):
        part = [row for row in rows if row["side"] == side]
        axes.plot([row["samples"] for row in part], [row["hole"] for row in part], ".", markersize=3,
                  label=f"training, {side:.0f} px")
    for name, label in HELD_OUT.items():
        tested = [row for row in rows if not math.isnan(row[name])]
        samples = [row["samples"] for row in tested]
        line, = axes.plot(samples, [row[name] for row in tested], "o-", linewidth=1, markersize=4,
                          label=f"held-out {label}, own caption")
        axes.plot(samples, [row[f"{name} other"] for row in tested], "x:", linewidth=1, markersize=4,
                  color=line.get_color(), label=f"held-out {label}, another's")
    axes.set(xlabel="samples seen", ylabel="velocity error in the hole")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(arguments.output)


if __name__ == "__main__":
    main()
