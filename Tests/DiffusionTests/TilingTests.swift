import ImageFiles
import Raster
import Testing

@testable import Diffusion

@Suite struct TilingTests {
    @Test(arguments: [(1, 1, 48), (48, 49, 48), (100, 300, 64), (33, 500, 50)])
    func tilesCoverAndWeightsSumToOne(sizes: (height: Int, width: Int, side: Int)) {
        let tiling = Tiling(height: sizes.height, width: sizes.width, side: sizes.side)
        for (ranges, length) in [(tiling.rows, sizes.height), (tiling.columns, sizes.width)] {
            #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == length)
            for (before, after) in zip(ranges, ranges.dropFirst()) {
                #expect(before.upperBound - after.lowerBound >= Tiling.overlap)
            }
            #expect(!ranges.contains { $0.count > sizes.side && ranges.count > 1 })
        }
        // Tiles of one value mix to that value, whatever the weights.
        let mixed = tiling.mixed(channels: 2, scale: 3) { rows, columns in
            [Float](repeating: 0.75, count: rows.count * 3 * columns.count * 3 * 2)
        }
        #expect(mixed.count == sizes.height * 3 * sizes.width * 3 * 2)
        #expect(!mixed.contains { abs($0 - 0.75) > 1e-6 })
    }

    /// What each position says survives the mix: no tile is put in another's place.
    @Test func tilesKeepTheirPlaces() {
        let tiling = Tiling(height: 70, width: 130, side: 48)
        #expect(!tiling.isWhole)
        let mixed = tiling.mixed(channels: 1, scale: 1) { rows, columns in
            rows.flatMap { row in columns.map { Float(row * 1000 + $0) } }
        }
        for row in 0 ..< 70 {
            for column in 0 ..< 130 {
                #expect(abs(mixed[row * 130 + column] - Float(row * 1000 + column)) < 0.1)
            }
        }
    }

    /// In tiles a picture goes through the autoencoder much as in one piece.
    @Test func tiledReconstructionIsClose() throws {
        // Trained weights: random ones make much of the statistics of a tile.
        let pipeline = try DiffusionPipeline(model: .embedded, precision: .f32)
        let picture = RGBImage(try ImageFile.read(path: "\(Fixtures.root)/images/hills.jpg").picture)
        let size = PixelSize(width: 512, height: 448)
        let part = picture.cropped(to: PixelRect(size))
        let whole = try pipeline.reconstructed(part)
        pipeline.memoryLimits.activations = 1 << 20
        let tiled = try pipeline.reconstructed(part)
        #expect(tiled.size == size && tiled != whole)
        let error = zip(whole.values, tiled.values).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        // Normalisation over a tile differs from that over the picture; the picture stays the same to the eye.
        #expect((error / Double(whole.values.count)).squareRoot() < 0.01)
    }
}
