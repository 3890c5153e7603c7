import ImageFiles
import Raster
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Public test files that are not part of the project: at `EDITOR_CORPORA`, or `shared/corpora` beside the checkout.
enum Corpora {
    static let root: String? = {
        let checkout = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let stated = unsafe getenv("EDITOR_CORPORA").map { unsafe String(cString: $0) }
        return [stated, "/\(checkout)/../shared/corpora"].compactMap(\.self).first { unsafe access($0, R_OK) == 0 }
    }()
    static var isPresent: Bool { root != nil }
    static let absence: Comment = "skipped: no corpora (set EDITOR_CORPORA)"

    /// The full paths of a folder's files with that ending, sorted.
    static func files(_ folder: String, suffix: String) throws -> [String] {
        let path = try #require(root) + "/" + folder
        let stream = try unsafe #require(opendir(path))
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix("."), name.hasSuffix(suffix) { names.append(name) }
        }
        return names.sorted().map { path + "/" + $0 }
    }
}

func name(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }

/// The bytes of any file.
func contents(_ path: String) throws -> [UInt8] {
    let file = try unsafe #require(fopen(path, "rb"))
    defer { unsafe fclose(file) }
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = unsafe fread(&piece, 1, piece.count, file)
        if count == 0 { return all }
        all += piece[..<count]
    }
}

/// A folder that is removed at the end of `body`.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    var template = Array("/tmp/editor-tests-XXXXXX".utf8CString)
    let path = try unsafe #require(mkdtemp(&template)).withMemoryRebound(to: CChar.self, capacity: 25) {
        unsafe String(cString: $0)
    }
    defer {
        for name in listing(path) { unsafe unlink(path + "/" + name) }
        unsafe rmdir(path)
    }
    return try body(path)
}

func listing(_ folder: String) -> [String] {
    guard let stream = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
            unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// A picture of reproducible noise.
func noise(_ size: PixelSize, _ layout: Picture.Layout, depth: Int, seed: UInt64 = 1) -> Picture {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
    let count = size.area * layout.channels
    return Picture(
        size: size, layout: layout,
        samples: depth == 8
            ? .eight((0 ..< count).map { _ in UInt8(truncatingIfNeeded: next()) })
            : .sixteen((0 ..< count).map { _ in UInt16(truncatingIfNeeded: next()) }))
}

/// A smooth picture, as a JPEG keeps well.
func gradient(_ size: PixelSize, _ layout: Picture.Layout = .rgb) -> Picture {
    var values: [UInt8] = []
    for y in 0 ..< size.height {
        for x in 0 ..< size.width {
            for channel in 0 ..< layout.channels {
                values.append(UInt8((x * 255 / size.width + y * 175 / size.height + channel * 40) / 2))
            }
        }
    }
    return Picture(size: size, layout: layout, samples: .eight(values))
}

extension Picture {
    var bytes: [UInt8] {
        if case .eight(let values) = samples { return values }
        return []
    }

    /// The largest difference of any of every `step`-th sample.
    func maximumDifference(_ other: Picture, step: Int = 1) -> Int {
        guard size == other.size, layout == other.layout, depth == other.depth else { return .max }
        let (mine, theirs) = (bytes, other.bytes)
        return unsafe mine.withUnsafeBufferPointer { mine in
            unsafe theirs.withUnsafeBufferPointer { theirs in
                var largest = 0
                var index = 0
                while index < mine.count {
                    largest = max(largest, abs(Int(unsafe mine[index]) - Int(unsafe theirs[index])))
                    index += step
                }
                return largest
            }
        }
    }

    /// The mean difference of every `step`-th sample.
    func meanDifference(_ other: Picture, step: Int = 1) -> Double {
        guard size == other.size, layout == other.layout, depth == other.depth else { return .infinity }
        let (mine, theirs) = (bytes, other.bytes)
        var total = 0
        var count = 0
        for index in stride(from: 0, to: mine.count, by: step) {
            total += abs(Int(mine[index]) - Int(theirs[index]))
            count += 1
        }
        return Double(total) / Double(count)
    }

    /// Grey as RGB, alpha taken off where it is opaque, 16 bits that only repeat 8 as 8.
    var plainRGB: Picture {
        let values: [UInt8] =
            switch samples {
            case .eight(let values): values
            case .sixteen(let values): values.map { UInt8($0 >> 8) }
            }
        var flat: [UInt8] = []
        for start in stride(from: 0, to: values.count, by: layout.channels) {
            for channel in 0 ..< 3 { flat.append(values[start + min(channel, layout.colorChannels - 1)]) }
        }
        return Picture(size: size, layout: .rgb, samples: .eight(flat))
    }
}
