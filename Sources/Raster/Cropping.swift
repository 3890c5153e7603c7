internal import Parallel

extension Plane {
    /// The values inside `rect`. Traps unless `rect` is not empty and lies inside the plane.
    public func cropped(to rect: PixelRect) -> Plane {
        Plane(size: rect.size, values: croppedSamples(values, of: size, channels: 1, to: rect))
    }

    /// Replaces the values under `other`, whose top left corner goes to (`x`, `y`). Traps unless it fits inside.
    public mutating func paste(_ other: Plane, x: Int, y: Int) {
        pasteSamples(other.values, of: other.size, channels: 1, into: &values, of: size, x: x, y: y)
    }

    /// This plane with margins whose values continue it by reflection (see `reflectedIndex`).
    public func reflectPadded(by margins: Margins) -> Plane {
        Plane(size: size.padded(by: margins), values: reflectPaddedSamples(values, of: size, channels: 1, by: margins))
    }
}

extension RGBImage {
    /// The pixels inside `rect`. Traps unless `rect` is not empty and lies inside the image.
    public func cropped(to rect: PixelRect) -> RGBImage {
        RGBImage(size: rect.size, values: croppedSamples(values, of: size, channels: 3, to: rect))
    }

    /// Replaces the pixels under `other`, whose top left corner goes to (`x`, `y`). Traps unless it fits inside.
    public mutating func paste(_ other: RGBImage, x: Int, y: Int) {
        pasteSamples(other.values, of: other.size, channels: 3, into: &values, of: size, x: x, y: y)
    }

    /// This image with margins whose pixels continue it by reflection (see `reflectedIndex`).
    public func reflectPadded(by margins: Margins) -> RGBImage {
        RGBImage(
            size: size.padded(by: margins), values: reflectPaddedSamples(values, of: size, channels: 3, by: margins))
    }
}

extension Picture {
    /// The pixels inside `rect`, samples unchanged. Traps unless `rect` is not empty and lies inside the picture.
    public func cropped(to rect: PixelRect) -> Picture {
        let channels = layout.channels
        return switch samples {
        case .eight(let values):
            Picture(
                size: rect.size, layout: layout,
                samples: .eight(croppedSamples(values, of: size, channels: channels, to: rect)))
        case .sixteen(let values):
            Picture(
                size: rect.size, layout: layout,
                samples: .sixteen(croppedSamples(values, of: size, channels: channels, to: rect)))
        }
    }

    /// Replaces the pixels under `other`, whose top left corner goes to (`x`, `y`). Traps unless it fits inside and has this
    /// picture's layout and depth.
    public mutating func paste(_ other: Picture, x: Int, y: Int) {
        precondition(layout == other.layout && depth == other.depth, "\(other.layout) over \(layout)")
        let channels = layout.channels
        switch (samples, other.samples) {
        case (.eight(var values), .eight(let new)):
            samples = .eight([])
            pasteSamples(new, of: other.size, channels: channels, into: &values, of: size, x: x, y: y)
            samples = .eight(values)
        case (.sixteen(var values), .sixteen(let new)):
            samples = .sixteen([])
            pasteSamples(new, of: other.size, channels: channels, into: &values, of: size, x: x, y: y)
            samples = .sixteen(values)
        default: break
        }
    }

    /// This picture, samples unchanged, on a larger canvas. New pixels are black and, where there is alpha, opaque.
    /// Traps on a negative margin.
    public func padded(by margins: Margins) -> Picture {
        let canvas = size.padded(by: margins)
        func extended<Sample: FixedWidthInteger>(_ values: [Sample]) -> [Sample] {
            var result = [Sample](repeating: 0, count: canvas.area * layout.channels)
            if layout.hasAlpha {
                for index in stride(from: layout.channels - 1, to: result.count, by: layout.channels) {
                    result[index] = .max
                }
            }
            pasteSamples(
                values, of: size, channels: layout.channels, into: &result, of: canvas, x: margins.left, y: margins.top)
            return result
        }
        return switch samples {
        case .eight(let values): Picture(size: canvas, layout: layout, samples: .eight(extended(values)))
        case .sixteen(let values): Picture(size: canvas, layout: layout, samples: .sixteen(extended(values)))
        }
    }
}

private func croppedSamples<Sample>(_ values: [Sample], of size: PixelSize, channels: Int, to rect: PixelRect)
    -> [Sample]
{
    precondition(!rect.isEmpty && PixelRect(size).contains(rect), "\(rect) does not lie inside \(size)")
    var result: [Sample] = []
    result.reserveCapacity(rect.size.area * channels)
    for y in (rect.y ..< rect.maxY).untilCancelled {
        let start = (y * size.width + rect.x) * channels
        result.append(contentsOf: values[start ..< start + rect.width * channels])
    }
    result.fill(upTo: rect.size.area * channels, with: values[0])
    return result
}

private func pasteSamples<Sample>(
    _ values: [Sample], of size: PixelSize, channels: Int, into target: inout [Sample], of targetSize: PixelSize,
    x: Int,
    y: Int
) {
    let rect = PixelRect(x: x, y: y, width: size.width, height: size.height)
    precondition(PixelRect(targetSize).contains(rect), "\(rect) does not lie inside \(targetSize)")
    let count = size.width * channels
    for row in (0 ..< size.height).untilCancelled {
        let start = ((y + row) * targetSize.width + x) * channels
        target.replaceSubrange(start ..< start + count, with: values[row * count ..< (row + 1) * count])
    }
}

private func reflectPaddedSamples(_ values: [Float], of size: PixelSize, channels: Int, by margins: Margins) -> [Float]
{
    precondition(
        margins.left >= 0 && margins.right >= 0 && margins.top >= 0 && margins.bottom >= 0, "margins are not negative")
    if margins.isZero { return values }
    let columns = (-margins.left ..< size.width + margins.right).map { reflectedIndex($0, count: size.width) }
    var result: [Float] = []
    result.reserveCapacity(size.padded(by: margins).area * channels)
    for y in (-margins.top ..< size.height + margins.bottom).untilCancelled {
        let row = reflectedIndex(y, count: size.height) * size.width
        for column in columns {
            for channel in 0 ..< channels { result.append(values[(row + column) * channels + channel]) }
        }
    }
    result.fill(upTo: size.padded(by: margins).area * channels, with: 0)
    return result
}
