internal import Masking
internal import Raster

extension RGBImage {
    /// This image where `coverage` is above 0 in the colours that the settings name, else in those of the model's
    /// picture.
    ///
    /// - Parameters:
    ///   - picture: the model's, of this size, without detail.
    ///   - cell: pixels a latent pixel, over which one named colour passes into another.
    func recolored(by picture: RGBImage, coverage: Plane, settings: ResolvedSettings, cell: Int) -> RGBImage {
        guard !settings.colorWords.isEmpty else { return Recoloring.applied(picture, to: self, coverage: coverage) }
        let shades = settings.colorWords.map(\.shade)
        let nearest = shades.count > 1 ? Recoloring.nearest(of: shades, in: picture) : []
        var result = RGBImage(size: size)
        for (number, name) in shades.enumerated() {
            var share = Plane(size: size, repeating: 1)
            if shades.count > 1 {
                for pixel in nearest.indices where nearest[pixel] != number { share.values[pixel] = 0 }
                share = Mask(coverage: share).feathered(sigma: Float(cell)).coverage
            }
            let part = Plane(size: size, values: zip(share.values, coverage.values).map { $0 * $1 })
            let shade = Recoloring.shade(name, seenIn: picture, coverage: part)
            let colored = Recoloring.applied(shade, to: self, coverage: part)
            for pixel in share.values.indices {
                for index in pixel * 3 ..< pixel * 3 + 3 {
                    result.values[index] += share.values[pixel] * colored.values[index]
                }
            }
        }
        // Named colours are not the model's to weaken.
        let strength = settings.strength
        return strength >= 1 ? result : mixed(with: result, share: Plane(size: size, repeating: strength))
    }
}
