internal import CImageIO
internal import Raster

/// The JPEG that a picture was read from, so that a JPEG made of the edited picture keeps every block that the edit did
/// not touch: the very coefficients, not the same colours coded once more.
public struct JPEGSource: Sendable, Equatable {
    /// The whole file.
    let bytes: [UInt8]
    /// EXIF's, 1…8. The blocks stay as they are stored, and so does the orientation that the file states.
    let orientation: Int

    /// What became of the blocks of 8 × 8 coefficients, all components together.
    public struct Blocks: Sendable, Equatable {
        public var all: Int
        /// Those in which some pixel differs from the source's; they were encoded anew.
        public var changed: Int
    }

    /// `metadata` as it stands in a file whose pixels are stored as the source's are.
    func turnedBack(_ metadata: ImageMetadata, stored: PixelSize) -> ImageMetadata {
        guard orientation != 1 else { return metadata }
        var result = metadata
        if var block = metadata.exif.flatMap({ EXIFBlock($0) }) {
            block.setOrientation(orientation)
            block.setPixelSize(width: stored.width, height: stored.height)
            result.exif = block.bytes
        }
        if var packet = metadata.xmp.map({ XMPPacket($0) }) {
            packet.setOrientation(orientation)
            packet.setPixelSize(width: stored.width, height: stored.height)
            result.xmp = packet.bytes
        }
        if orientation >= 5, let density = metadata.density {
            result.density = PixelDensity(x: density.y, y: density.x, unit: density.unit)
        }
        return result
    }

    /// The size of an upright picture as the source stores it.
    func turnedBack(_ size: PixelSize) -> PixelSize {
        orientation < 5 ? size : PixelSize(width: size.height, height: size.width)
    }

    /// `picture`, upright, as the source stores its pixels.
    func turnedBack(_ picture: Picture) -> Picture {
        picture.upright(from: orientation == 6 ? 8 : orientation == 8 ? 6 : orientation)
    }

    /// The quantised coefficients of a JPEG's component, 64 for each block in natural order, blocks by rows.
    static func coefficients(of file: [UInt8], component: Int, name: String) throws(ImageFileError) -> [Int16] {
        var out = unsafe cimageio_buffer()
        var result = cimageio_result()
        defer { unsafe cimageio_free(&out) }
        let done = unsafe file.withUnsafeBufferPointer {
            unsafe cimageio_jpeg_coefficients($0.baseAddress, $0.count, Int32(component), &out, &result)
        }
        guard done else {
            throw result.isOutOfMemory
                ? .outOfMemory(file: name, size: nil) : .corrupt(file: name, format: .jpeg, detail: result.text)
        }
        let bytes = unsafe out.array
        return unsafe bytes.withUnsafeBytes { unsafe Array($0.bindMemory(to: Int16.self)) }
    }
}
