"""Fill holes in crops of the training photographs and textures with the editor's PatchMatch.

Trained with these fills as the masked picture, the model learns to mend a good guess. Writes to
`fills/` in the cache: `NUMBER.jpg`, the crop above its filled copy, and `NUMBER.png`, the mask.
Numbers that are there already are kept, so a stopped run goes on where it stopped.
"""

import argparse
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from evaluate import PATCHMATCH_ONLY, Editor
from pictures import FILL_SIDE, Picture, load_pictures, random_crop, random_mask, random_scene_side

TEXTURE_SHARE = 0.2
# Beyond it there is too little left to copy from.
LARGEST_HOLE = 0.6
JPEG_QUALITY = 95


def make_fill(number: int, folder: Path, photos: list[Picture], textures: list[Picture], editor: Editor) -> None:
    """Write the crop, the fill and the mask of one number; the number alone decides which."""
    target = folder / f"{number:05}.jpg"
    if target.exists():
        return
    rng = random.Random(number)
    picture = rng.choice(textures if rng.random() < TEXTURE_SHARE else photos).pixels
    crop = np.ascontiguousarray(random_crop(picture, random_scene_side(picture, rng), FILL_SIDE, rng))
    mask = random_mask(FILL_SIDE, rng)
    while mask.mean() > LARGEST_HOLE:
        mask = random_mask(FILL_SIDE, rng)
    filled = editor.fill(crop, mask, [*PATCHMATCH_ONLY, "--threads", "1", "--seed", str(number)])
    cv2.imwrite(str(target.with_suffix(".png")), mask * 255)
    both = cv2.cvtColor(np.vstack([crop, filled]), cv2.COLOR_RGB2BGR)
    partial = target.with_suffix(".partial.jpg")
    cv2.imwrite(str(partial), both, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY,
                                     cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444])
    partial.replace(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/editor-training")
    parser.add_argument("--editor", type=Path, default=Path("../.build/release/editor"))
    parser.add_argument("--model", type=Path, default=Path("../Sources/CBundledModel/model"))
    parser.add_argument("--first", type=int, default=0, help="the first number")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    folder = arguments.cache / "fills"
    folder.mkdir(exist_ok=True)
    photos = load_pictures(arguments.cache, "train", "photo")
    textures = load_pictures(arguments.cache, "train", "texture")
    editor = Editor(arguments.editor, arguments.model)
    with ThreadPoolExecutor(arguments.threads) as pool:
        numbers = range(arguments.first, arguments.first + arguments.count)
        for _ in pool.map(lambda number: make_fill(number, folder, photos, textures, editor), numbers):
            pass


if __name__ == "__main__":
    main()
