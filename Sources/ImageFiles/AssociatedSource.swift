internal import CImageIO
internal import Raster

/// The samples of a TIFF with associated alpha some of whose colours are larger than alpha, as light is that glows and
/// covers nothing. Straight samples cannot give these back, so a TIFF made from it takes them from here wherever the edit
/// changed nothing.
public struct AssociatedSource: Sendable, Equatable {
    /// Upright; colours multiplied by alpha.
    var picture: Picture
    /// Where it stands on the canvas of the result, in pixels from the left and from the top.
    public var x = 0
    public var y = 0

    /// `nil` where straight samples give back these.
    ///
    /// - Parameter picture: with colours multiplied by alpha. Traps for one without alpha.
    init?(_ picture: Picture) {
        precondition(picture.layout.hasAlpha, "only alpha can be associated")
        let isExceeded = unsafe picture.withSampleBytes {
            unsafe cimageio_exceeds_alpha(
                $0.baseAddress, picture.size.area, UInt32(picture.layout.channels), UInt32(picture.depth))
        }
        guard isExceeded else { return nil }
        self.picture = picture
    }

    /// Divides colours by alpha; beyond the largest value they are cut off.
    static func straighten(_ picture: inout Picture) {
        let (count, channels, depth) = (picture.size.area, UInt32(picture.layout.channels), UInt32(picture.depth))
        switch picture.samples {
        case .eight(var values):
            // Not held twice, or they would be copied.
            picture.samples = .eight([])
            unsafe values.withUnsafeMutableBytes {
                unsafe cimageio_divide_by_alpha($0.baseAddress, count, channels, depth)
            }
            picture.samples = .eight(values)
        case .sixteen(var values):
            picture.samples = .sixteen([])
            unsafe values.withUnsafeMutableBytes {
                unsafe cimageio_divide_by_alpha($0.baseAddress, count, channels, depth)
            }
            picture.samples = .sixteen(values)
        }
    }

    /// Whether a result of that form can hold it.
    func fits(_ result: Picture) -> Bool {
        picture.layout == result.layout && picture.depth == result.depth && x >= 0 && y >= 0
            && x + picture.width <= result.width && y + picture.height <= result.height
    }
}
