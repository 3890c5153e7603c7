internal import Raster

struct PatchMatch {
    var seed: UInt64
    func filled(_ image: RGBImage, coverage: Plane) -> RGBImage { pullPush(image, coverage: coverage) }
}
