"""The picture and the mask that comparisons and benchmarks start from, drawn for any size."""
import numpy
from PIL import Image


def picture(width: int, height: int) -> Image.Image:
    """A picture with gradients, edges and grain."""
    x, y = numpy.meshgrid(numpy.linspace(0, 1, width), numpy.linspace(0, 1, height))
    grain = numpy.random.default_rng(5).normal(0, 12, (height, width, 3))
    sky = numpy.stack([90 + 120 * y, 140 + 60 * x, 220 - 120 * y], 2)
    ground = numpy.stack([60 + 80 * x, 110 + 40 * numpy.sin(18 * x), 40 + 50 * y], 2)
    hill = (y > 0.55 + 0.15 * numpy.sin(5 * x))[..., None]
    return Image.fromarray((numpy.where(hill, ground, sky) + grain).clip(0, 255).astype(numpy.uint8))


def mask(width: int, height: int) -> Image.Image:
    """Black and white, of whole 8-pixel cells: a box and some scattered cells."""
    cells = numpy.zeros((height // 8, width // 8), numpy.uint8)
    rows, columns = cells.shape
    cells[rows // 4:rows * 3 // 4, columns // 5:columns // 2] = 255
    cells[numpy.random.default_rng(6).random(cells.shape) < 0.05] = 255
    return Image.fromarray(cells.repeat(8, 0).repeat(8, 1))
