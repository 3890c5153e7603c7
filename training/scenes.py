"""Training scenes: a picture, the hole to repaint in it, and a caption.

Photographs and textures are cropped. Drawings are put on a photograph, a texture or a plain
or graded ground, the hole around them. The network is shown a guess at what the hole holds: under
a drawing the bare ground, as an eraser would leave it; in scenery a rough fill or something wrong.
Some scenery fills a hole in another picture or in a plain ground, as a poster would.

Half of the scenes and more show one of the few pictures of `data/typical.tsv`, chosen by eye, with the words
that people would ask for it: a small network can learn a few looks of a cat, of many only a blur. Of scenery the
same holds for the window: the typical pictures have a `view`, the square that shows best what they are called.
"""

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from captions import CaptionWriter
from phrases import HERE, read_table
from pictures import (FilledCrop, Picture, load_fills, load_pictures, random_crop, random_mask,
                      random_scene_side)

PHOTO_SHARE, TEXTURE_SHARE = 0.48, 0.16
SMALLEST_FILL_CROP, SMALLEST_FILL_HOLE = 0.7, 0.02
EVERYTHING_SHARE = 0.2
UNUSUAL_WEIGHT = 0.05
RAREST_PHOTO_WEIGHT = 4.0
SAME_NAME_POWER = 0.75
TYPICAL_DRAWINGS, FURTHER_SHARE = 4, 0.1
# Of holes in scenery with words: grey, filled by Telea's method, from elsewhere in the picture; the rest from another.
GREY_SHARE, TELEA_SHARE, ELSEWHERE_SHARE = 0.2, 0.35, 0.2
POSTER_SHARE = 0.5
TYPICAL_SHARE, TYPICAL_WORDS_SHARE, VIEW_SHARE = 0.7, 0.8, 0.8
VIEW_ZOOM, VIEW_SHIFT, VIEW_SIDES = 0.9, 0.03, (0.35, 0.95)
VIEW_ALONE_SHARE, VIEW_ELLIPSE_SHARE = 0.25, 0.3
GREY_GROUND_SHARE, GREY_GROUND_ALONE_SHARE = 0.1, 0.5
TELEA_RADIUS = 3


@dataclass
class Scene:
    """`pixels` `[S, S, 3]` RGB bytes, `mask` `[S, S]` bytes (1 = repaint).

    `filled` is the same picture with a guess in its hole, or `None` where the hole is to be shown grey.
    """

    pixels: np.ndarray
    mask: np.ndarray
    caption: str
    filled: np.ndarray | None = None


class SceneSource:
    """Draws scenes of one side length in pixels.

    `fill_share` of them have a hole that PatchMatch filled (training split only); of the others
    `empty_share` of the photographs and textures have no caption.
    """

    def __init__(self, cache: Path, split: str, size: int, rng: random.Random, empty_share: float = 0.1,
                 fill_share: float = 0.0):
        self.fill_share = fill_share
        self.fills = load_fills(cache) if fill_share > 0 else []
        self.photos = load_pictures(cache, split, "photo")
        self.textures = load_pictures(cache, split, "texture")
        self.drawings = load_pictures(cache, split, "drawing")
        self.photo_weights, self.drawing_weights = photo_weights(self.photos), drawing_weights(self.drawings)
        self.size, self.rng, self.write = size, rng, CaptionWriter(rng, empty_share)
        pictures = {picture.row["sha256"]: picture
                    for picture in [*self.photos, *self.textures, *self.drawings]}
        rows = [row for row in read_table(HERE / "data" / "typical.tsv") if row["sha256"] in pictures]
        self.typical = [(pictures[row["sha256"]], row) for row in rows]
        self.typical_weights = [float(row["weight"]) for row in rows]

    def draw(self) -> Scene:
        if self.rng.random() < self.fill_share:
            return self.mending(self.rng.choice(self.fills))
        if self.typical and self.rng.random() < TYPICAL_SHARE:
            picture, words = self.rng.choices(self.typical, self.typical_weights)[0]
            return (self.drawing if words["kind"] == "drawing" else self.scenery)(picture, words)
        choice = self.rng.random()
        if choice < PHOTO_SHARE:
            return self.scenery(self.rng.choices(self.photos, self.photo_weights)[0])
        if choice < PHOTO_SHARE + TEXTURE_SHARE:
            return self.scenery(self.rng.choice(self.textures))
        return self.drawing(self.rng.choices(self.drawings, self.drawing_weights)[0])

    def scenery(self, picture: Picture, words: dict[str, str] | None = None) -> Scene:
        """A crop of a photograph or a texture with a random hole; `words` say in each language what it is mostly called."""
        if words and words["view"] and self.rng.random() < VIEW_SHARE:
            return self._view(picture, words)
        crop, mask = self._crop(picture), random_mask(self.size, self.rng)
        caption = self._name(words) or self.write.scenery(picture.row)
        if caption and not mask.all() and self.rng.random() < POSTER_SHARE:
            return self._poster(picture, mask, caption)
        return Scene(crop, mask, caption, self._guess(crop, mask, picture, bool(caption)))

    def _name(self, words: dict[str, str] | None) -> str:
        """What a typical picture is mostly called; nothing where its usual caption is to be taken, as of all others."""
        return self.write.name(words) if words and self.rng.random() < TYPICAL_WORDS_SHARE else ""

    def _view(self, picture: Picture, words: dict[str, str]) -> Scene:
        """The view of a typical picture, hardly varied, in a box or an ellipse of a ground that knows nothing of it.

        `words["view"]` is its centre's column and row over the picture's sides, and its side over the shorter one. One
        time in four it is all there is.
        """
        rng, size = self.rng, self.size
        alone = rng.random() < VIEW_ALONE_SHARE
        wide, high = (size if alone else round(size * rng.uniform(*VIEW_SIDES)) for _ in range(2))
        left, top = rng.randint(0, size - wide), rng.randint(0, size - high)
        column, row, share = (float(part) for part in words["view"].split(","))
        height, width = picture.pixels.shape[:2]
        side = min(height, width) * share * rng.uniform(VIEW_ZOOM, 1)
        # The hole's proportions, within the square.
        across, down = (round(side * length / max(wide, high)) for length in (wide, high))
        x, y = (min(max(0, round(centre * whole - part / 2 + side * rng.uniform(-VIEW_SHIFT, VIEW_SHIFT))), whole - part)
                for centre, whole, part in ((column, width, across), (row, height, down)))
        method = cv2.INTER_AREA if side > max(wide, high) else cv2.INTER_CUBIC
        ground, mask = self._ground()[0], np.zeros((size, size), np.uint8)
        view = cv2.resize(picture.pixels[y:y + down, x:x + across], (wide, high), interpolation=method)
        if not alone and rng.random() < VIEW_ELLIPSE_SHARE:
            cv2.ellipse(mask, (left + wide // 2, top + high // 2), (wide // 2, high // 2), 0, 0, 360, 1, -1)
        else:
            mask[top:top + high, left:left + wide] = 1
        shown = None if rng.random() < (GREY_GROUND_ALONE_SHARE if alone else GREY_SHARE) else ground
        return Scene(_pasted(view, ground, top, left, mask), mask, self._name(words) or self.write.scenery(picture.row), shown)

    def _poster(self, picture: Picture, mask: np.ndarray, caption: str) -> Scene:
        """A crop of `picture` as large as the hole's bounds, in the hole of a ground that knows nothing of it."""
        ground, _ = self._ground()
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        side = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
        top, left = min(rows[0], self.size - side), min(columns[0], self.size - side)
        crop = random_crop(picture.pixels, random_scene_side(picture.pixels, self.rng), side, self.rng)
        shown = None if self.rng.random() < GREY_SHARE else ground
        return Scene(_pasted(crop, ground, top, left, mask), mask, caption, shown)

    def _guess(self, crop: np.ndarray, mask: np.ndarray, picture: Picture, has_words: bool) -> np.ndarray | None:
        """What the hole of a crop of `picture` is shown to hold.

        With words it may be wrong: the words and what is around the hole then tell.
        """
        choice = self.rng.random()
        if mask.all() or choice < GREY_SHARE:
            return None
        if not has_words or choice < GREY_SHARE + TELEA_SHARE:
            return cv2.inpaint(np.ascontiguousarray(crop), mask, TELEA_RADIUS, cv2.INPAINT_TELEA)
        is_elsewhere = choice < GREY_SHARE + TELEA_SHARE + ELSEWHERE_SHARE
        other = self._crop(picture if is_elsewhere else self.rng.choice(self.photos))
        return np.where(mask[..., None], other, crop)

    def mending(self, crop: FilledCrop) -> Scene:
        """A part of a crop that PatchMatch filled, without words; mirrored half of the time."""
        rng, side = self.rng, len(crop.mask)
        for _ in range(10):
            part = round(side * rng.uniform(SMALLEST_FILL_CROP, 1))
            top, left = rng.randint(0, side - part), rng.randint(0, side - part)
            window = (slice(top, top + part), slice(left, left + part))
            if crop.mask[window].mean() >= SMALLEST_FILL_HOLE:
                break
        else:
            window, part = (slice(None), slice(None)), side
        method = cv2.INTER_AREA if part > self.size else cv2.INTER_CUBIC
        pixels, filled = (cv2.resize(image[window], (self.size, self.size), interpolation=method)
                          for image in (crop.pixels, crop.filled))
        mask = cv2.resize(crop.mask[window].astype(np.float32), (self.size, self.size), interpolation=cv2.INTER_AREA)
        # Nothing of the fill may be left where the mask is 0.
        mask = (mask > 0).astype(np.uint8)
        flip = slice(None, None, -1 if rng.random() < 0.5 else 1)
        return Scene(pixels[:, flip], mask[:, flip], "", filled[:, flip])

    def drawing(self, drawing: Picture, words: dict[str, str] | None = None) -> Scene:
        """A drawing on a ground; its longer side is 30 to 90 % of the picture's. `words` are as in `scenery`.

        One time in five the whole picture is the hole; the drawing is then large and in the middle.
        """
        rng, size = self.rng, self.size
        alone = rng.random() < EVERYTHING_SHARE
        bare, row = self._ground()
        ground = bare.copy()
        cut_out = _turned(_jittered(drawing.pixels, rng), rng)
        height, width = cut_out.shape[:2]
        scale = size * rng.uniform(0.7 if alone else 0.3, 0.9) / max(height, width)
        width, height = max(4, round(width * scale)), max(4, round(height * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        cut_out = cv2.resize(cut_out, (width, height), interpolation=method).astype(np.float32)
        low, high = (0.45, 0.55) if alone else (0.0, 1.0)
        left, top = round((size - width) * rng.uniform(low, high)), round((size - height) * rng.uniform(low, high))
        alpha = cut_out[..., 3:] / 255
        part = ground[top:top + height, left:left + width]
        part[:] = (part * (1 - alpha) + cut_out[..., :3] * alpha).round().astype(np.uint8)
        solid = np.zeros((size, size), np.uint8)
        solid[top:top + height, left:left + width] = alpha[..., 0] > 0.02
        mask = np.ones_like(solid) if alone else self._hole_around(solid, (left, top, width, height))
        grey_share = GREY_GROUND_ALONE_SHARE if alone else GREY_GROUND_SHARE
        shown = None if rng.random() < grey_share else bare
        return Scene(ground, mask, self._name(words) or self.write.drawing(drawing.row, row), shown)

    def _crop(self, picture: Picture) -> np.ndarray:
        return random_crop(picture.pixels, random_scene_side(picture.pixels, self.rng), self.size, self.rng)

    def _ground(self) -> tuple[np.ndarray, dict[str, str] | None]:
        """A photograph (35 %), a texture (20 %), or a plain or graded colour; and the first two's row."""
        rng, choice = self.rng, self.rng.random()
        if choice < 0.55:
            picture = rng.choice(self.photos if choice < 0.35 or not self.textures else self.textures)
            return self._crop(picture), picture.row
        first = np.array([rng.randint(0, 255) for _ in range(3)], np.float32)
        if rng.random() < 0.4:
            first[:] = rng.choice((255, 255, 245, 200, 128))
        second = first if rng.random() < 0.5 else np.array([rng.randint(0, 255) for _ in range(3)], np.float32)
        ramp = np.linspace(0, 1, self.size, dtype=np.float32)[:, None, None]
        graded = np.broadcast_to(first * (1 - ramp) + second * ramp, (self.size, self.size, 3))
        graded = graded if rng.random() < 0.7 else graded.transpose(1, 0, 2)
        return np.ascontiguousarray(graded.round().astype(np.uint8)), None

    def _hole_around(self, solid: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
        """A hole over all of `solid`: a box (60 %), an ellipse or a loose outline.

        The drawing fills 75 to 100 % of the box's sides.
        """
        rng, size = self.rng, self.size
        choice = rng.random()
        left, top, width, height = box
        if choice < 0.2:
            reach = max(3, round(max(width, height) * rng.uniform(0.06, 0.25)) | 1)
            return cv2.dilate(solid, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
        mask, share = solid.copy(), rng.uniform(0.75, 1.0)
        wide, high = round(width / share), round(height / share)
        x = left - round((wide - width) * rng.uniform(0.35, 0.65))
        y = top - round((high - height) * rng.uniform(0.35, 0.65))
        if choice < 0.4:
            cv2.ellipse(mask, (x + wide // 2, y + high // 2), (round(wide * 0.62), round(high * 0.62)),
                        0, 0, 360, 1, -1)
        else:
            cv2.rectangle(mask, (x, y), (x + wide, y + high), 1, -1)
        return mask


def _pasted(part: np.ndarray, ground: np.ndarray, top: int, left: int, mask: np.ndarray) -> np.ndarray:
    """`ground` with `part` at a place, where `mask` is 1."""
    pasted = ground.copy()
    pasted[top:top + part.shape[0], left:left + part.shape[1]] = part
    return np.where(mask[..., None], pasted, ground)


def photo_weights(photos: list[Picture]) -> list[float]:
    """How often to draw each photograph: more often the rarer the rarest of its tags."""
    counts = Counter(tag for photo in photos for tag in photo.row["tags"].split(","))
    most = max(counts.values())
    return [min(RAREST_PHOTO_WEIGHT, max((most / counts[tag]) ** 0.5 for tag in photo.row["tags"].split(",")))
            for photo in photos]


def drawing_weights(drawings: list[Picture]) -> list[float]:
    """How often to draw each drawing.

    Ordinary things by their weight in `data/ordinary-things.tsv`, one with many drawings a little
    more often, and of those the first four most: few looks can be learned well, many only
    blurred. All else seldom.
    """
    things = {row["en"]: float(row["weight"]) for row in read_table(HERE / "data" / "ordinary-things.tsv")}
    names = [drawing.row["tags"].split(",")[0] for drawing in drawings]
    seen: Counter[str] = Counter()
    shares = []
    for drawing, name in zip(drawings, names):
        black_and_white = "black and white" in drawing.row["caption_en"]
        seen[name] += not black_and_white
        typical = not black_and_white and seen[name] <= TYPICAL_DRAWINGS
        shares.append(1.0 if typical else FURTHER_SHARE)
    totals: Counter[str] = Counter()
    for name, share in zip(names, shares):
        totals[name] += share
    return [things[name] * share / totals[name] ** SAME_NAME_POWER if name in things
            else UNUSUAL_WEIGHT * share for name, share in zip(names, shares)]


def _jittered(cut_out: np.ndarray, rng: random.Random) -> np.ndarray:
    """Mirror half of the time; change brightness, contrast and saturation a little, never the hue."""
    if rng.random() < 0.5:
        cut_out = cut_out[:, ::-1]
    colour = cut_out[..., :3].astype(np.float32)
    grey = colour.mean(axis=2, keepdims=True)
    colour = grey + (colour - grey) * rng.uniform(0.8, 1.15)
    colour = (colour - 128) * rng.uniform(0.85, 1.1) + 128 + rng.uniform(-12, 12)
    return np.dstack([colour.clip(0, 255).astype(np.uint8), cut_out[..., 3]])


def _turned(cut_out: np.ndarray, rng: random.Random) -> np.ndarray:
    """Turn by up to 12 degrees one time in four, in a frame that holds all of it."""
    if rng.random() < 0.75:
        return cut_out
    height, width = cut_out.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-12, 12), 1.0)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    wide, high = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:, 2] += ((wide - width) / 2, (high - height) / 2)
    # Transparent pixels take part in the interpolation with their colour, so weigh by alpha.
    alpha = cut_out[..., 3:].astype(np.float32) / 255
    turned = cv2.warpAffine(np.dstack([cut_out[..., :3] * alpha, alpha]).astype(np.float32), matrix, (wide, high))
    colour = turned[..., :3] / np.maximum(turned[..., 3:], 1e-3)
    return np.dstack([colour, turned[..., 3] * 255]).round().clip(0, 255).astype(np.uint8)
