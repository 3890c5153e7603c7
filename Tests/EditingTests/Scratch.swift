import Foundation
import ImageFiles
import Raster

/// A folder for one test's files, gone with it.
final class Scratch {
    let folder: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "editing-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        folder = url.path()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { folder + "/" + name }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() }

    /// Writes a picture and returns its path.
    @discardableResult
    func write(_ picture: Picture, _ name: String) throws -> String {
        try ImageFile.write(picture, to: path(name), format: ImageFormat(pathExtensionOf: name) ?? .png)
        return path(name)
    }
}

extension Picture {
    /// Every sample different from its neighbours: what is not copied shows.
    static func patterned(width: Int, height: Int, layout: Layout = .rgb, depth: Int = 8) -> Picture {
        let size = PixelSize(width: width, height: height)
        let count = size.area * layout.channels
        // A multiplicative hash, so that tests need no generator.
        let hashes = (0 ..< count).map { UInt32(truncatingIfNeeded: $0) &* 2_654_435_761 }
        return Picture(
            size: size, layout: layout,
            samples: depth == 8
                ? .eight(hashes.map { UInt8(truncatingIfNeeded: $0 >> 13) })
                : .sixteen(hashes.map { UInt16(truncatingIfNeeded: $0 >> 9) }))
    }

    /// A mask: white inside the rectangle.
    static func mask(width: Int, height: Int, white: PixelRect) -> Picture {
        let size = PixelSize(width: width, height: height)
        let samples = (0 ..< size.area).map { index -> UInt8 in
            let (x, y) = (index % width, index / width)
            return x >= white.x && x < white.maxX && y >= white.y && y < white.maxY ? 255 : 0
        }
        return Picture(size: size, layout: .gray, samples: .eight(samples))
    }
}
