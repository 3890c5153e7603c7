public import Raster

extension Plane {
    /// The largest value in each `factor`×`factor` block: a mask at latent resolution in which nothing that was marked
    /// is frozen by rounding. The last block of a row or column may be partial. Traps unless `factor` is positive.
    public func maxPooled(by factor: Int) -> Plane {
        precondition(factor > 0, "the scale factor is positive")
        let pooled = PixelSize(width: (width + factor - 1) / factor, height: (height + factor - 1) / factor)
        var result = Plane(size: pooled, repeating: -.infinity)
        for y in 0 ..< height {
            for x in 0 ..< width {
                result[x / factor, y / factor] = max(result[x / factor, y / factor], values[y * width + x])
            }
        }
        return result
    }
}

extension Mask {
    /// This mask at latent resolution by max-pooling, `ceil(size / factor)`, values 0…1.
    public func toLatents(factor: Int) -> Plane { coverage.maxPooled(by: factor) }
}
