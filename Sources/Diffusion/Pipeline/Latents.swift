internal import Raster
internal import Tensors

/// One picture in the autoencoder's space: `[channels, height, width]`, row-major, as the reference lays it out and as
/// its noise is drawn. Scaled: about unit variance.
struct Latents: Sendable, Equatable {
    let channels: Int
    let height: Int
    let width: Int
    var values: [Float]

    init(channels: Int, height: Int, width: Int, values: [Float]) {
        precondition(values.count == channels * height * width, "value count does not fit the latents")
        self.channels = channels
        self.height = height
        self.width = width
        self.values = values
    }

    var count: Int { values.count }
    /// Latent pixels.
    var area: Int { height * width }
    /// In latent pixels.
    var size: PixelSize { PixelSize(width: width, height: height) }

    /// These latents with margins in which they repeat.
    func wrapPadded(by margins: Margins) -> Latents {
        let padded = size.padded(by: margins)
        return Latents(
            channels: channels, height: padded.height, width: padded.width,
            values: wrapPaddedPlanes(values, of: size, by: margins))
    }
}

/// `[planes, height, width]` with margins in which every plane repeats.
func wrapPaddedPlanes(_ values: [Float], of size: PixelSize, by margins: Margins) -> [Float] {
    stride(from: 0, to: values.count, by: size.area).flatMap { start in
        wrapPaddedSamples(Array(values[start ..< start + size.area]), of: size, channels: 1, by: margins)
    }
}

/// `[channels, pixels]` to `[pixels, channels]`.
func channelsLast(_ values: [Float], channels: Int) -> [Float] {
    let pixels = values.count / channels
    return [Float](unsafeUninitializedCapacity: values.count) { result, count in
        values.withUnsafeBufferPointer { values in
            for channel in 0 ..< channels {
                for pixel in 0 ..< pixels { result[pixel * channels + channel] = values[channel * pixels + pixel] }
            }
        }
        count = values.count
    }
}

/// `[pixels, channels]` to `[channels, pixels]`.
func channelsFirst(_ values: [Float], channels: Int) -> [Float] {
    let pixels = values.count / channels
    return [Float](unsafeUninitializedCapacity: values.count) { result, count in
        values.withUnsafeBufferPointer { values in
            for channel in 0 ..< channels {
                for pixel in 0 ..< pixels { result[channel * pixels + pixel] = values[pixel * channels + channel] }
            }
        }
        count = values.count
    }
}
