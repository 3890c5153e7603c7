internal import CImageIO
internal import Raster

/// JPEG samples, through libjpeg-turbo.
enum JPEGCodec {
    struct Decoded {
        var picture: Picture
        var facts: SourceFacts
        var coding: JPEGCoding
        var notes: [String]
        /// Whether some samples are not what was stored.
        var isDamaged: Bool
    }

    /// - Parameter inkProfile: the ICC profile of a CMYK picture; not used for others.
    static func decode(
        _ file: [UInt8], name: String, inkProfile: [UInt8]?, limits: DecodeLimits
    ) throws(ImageFileError) -> Decoded {
        var info = cimageio_jpeg_info()
        var result = cimageio_result()
        let opened = unsafe file.withUnsafeBufferPointer {
            unsafe cimageio_jpeg_header(
                $0.baseAddress, $0.count, UInt64(clamping: limits.maximumPixels), &info, &result)
        }
        let size = PixelSize(width: Int(info.width), height: Int(info.height))
        func failure() -> ImageFileError {
            .decoding(result, file: name, format: .jpeg, size: size, byteCount: file.count, limits: limits)
        }
        guard opened else { throw failure() }
        // Huffman coding spends at least a bit on each block of 64 samples; a header that claims more than its data
        // could hold is refused before memory is taken for it. Arithmetic coding has no such bound.
        guard info.arithmetic || size.area / 512 <= file.count else {
            throw .truncated(file: name, format: .jpeg, size: size, byteCount: file.count)
        }
        let (count, depth) = (size.area * Int(info.channels), Int(info.depth))
        guard cimageio_can_allocate(count * depth / 8) else {
            throw .outOfMemory(file: name, size: size)
        }
        var warnings = cimageio_jpeg_warnings()
        let samples = unsafe Picture.Samples.filled(count: count, depth: depth) { pixels in
            unsafe file.withUnsafeBufferPointer { file in
                unsafe (inkProfile ?? []).withUnsafeBufferPointer { profile in
                    unsafe cimageio_jpeg_decode(
                        file.baseAddress, file.count, &info, pixels.baseAddress, pixels.count, profile.baseAddress,
                        profile.count, &warnings, &result)
                }
            }
        }
        guard let samples else { throw failure() }

        let coding = JPEGCoding(info)
        var notes: [String] = []
        let words = unsafe String(cString: cimageio_jpeg_first_warning(&warnings))
        if warnings.damaged > 0 {
            notes.append("it is damaged and some of its pixels are not what was stored (\(words))")
        } else if warnings.missing_end {
            notes.append("its end marker is missing; every pixel was there")
        } else if warnings.other > 0 {
            notes.append("the JPEG library remarked: \(words)")
        }
        if coding.color == .cmyk || coding.color == .ycck {
            notes.append(
                warnings.used_ink_profile
                    ? "it is a CMYK picture and was converted to sRGB by its ink profile"
                    : "it is a CMYK picture without a usable ink profile and was converted to RGB by multiplying inks")
        }
        let facts = SourceFacts(
            storedSize: size, bitDepth: Int(info.stored_depth), colorType: coding.color.colorType,
            isInterlaced: coding.isProgressive, orientation: 1, byteCount: file.count)
        let picture = Picture(size: size, layout: info.channels == 1 ? .gray : .rgb, samples: samples)
        return Decoded(picture: picture, facts: facts, coding: coding, notes: notes, isDamaged: warnings.damaged > 0)
    }

    /// Encodes 8-bit grey or RGB, coded as `coding` says where it fits the picture, else at `quality` and 4:4:4.
    static func encode(
        _ picture: Picture, coding: JPEGCoding?, quality: Int, density: PixelDensity?,
        segments: [JPEGMetadata.Segment], name: String
    ) throws(ImageFileError) -> [UInt8] {
        precondition(picture.depth == 8 && !picture.layout.hasAlpha, "a JPEG holds 8-bit grey or RGB")
        guard picture.width <= 65500, picture.height <= 65500 else {
            throw .cannotEncode(
                file: name, format: .jpeg,
                detail: "a JPEG is at most 65500 pixels wide and high, the picture is \(picture.size)")
        }
        var request = cimageio_jpeg_request(picture: picture, quality: quality)
        coding.map { request.follow($0) }
        density.map { request.setDensity($0) }
        return try unsafe written(picture, segments: segments, name: name) { pixels, list, count, out, result in
            unsafe cimageio_jpeg_encode(pixels, &request, list, count, out, result)
        }
    }

    /// Encodes into `source` the blocks in which `picture`, upright, differs from it; all others keep their coefficients.
    static func splice(
        _ picture: Picture, into source: JPEGSource, isProgressive: Bool, density: PixelDensity?,
        segments: [JPEGMetadata.Segment], name: String
    ) throws(ImageFileError) -> (bytes: [UInt8], blocks: JPEGSource.Blocks) {
        precondition(picture.depth == 8 && !picture.layout.hasAlpha, "a JPEG holds 8-bit grey or RGB")
        let stored = source.turnedBack(picture)
        var request = cimageio_jpeg_request(picture: stored, quality: 100)
        request.progressive = isProgressive
        density.map { request.setDensity($0) }
        var report = cimageio_jpeg_splice_report()
        let bytes = try unsafe written(stored, segments: segments, name: name) { pixels, list, count, out, result in
            unsafe source.bytes.withUnsafeBufferPointer {
                unsafe cimageio_jpeg_splice(
                    $0.baseAddress, $0.count, pixels, &request, list, count, out, &report, result)
            }
        }
        return (bytes, JPEGSource.Blocks(all: Int(report.blocks), changed: Int(report.changed)))
    }

    private typealias Writing = (
        UnsafePointer<UInt8>?, UnsafePointer<cimageio_jpeg_segment>?, Int, UnsafeMutablePointer<cimageio_buffer>,
        UnsafeMutablePointer<cimageio_result>
    ) -> Bool

    /// The file that `write` makes of the samples and segments.
    private static func written(
        _ picture: Picture, segments: [JPEGMetadata.Segment], name: String, by write: Writing
    ) throws(ImageFileError) -> [UInt8] {
        var out = unsafe cimageio_buffer()
        var result = cimageio_result()
        defer { unsafe cimageio_free(&out) }
        // The payloads stand in one array, so that one pointer serves them all.
        let payloads = segments.flatMap(\.payload)
        let done = unsafe payloads.withUnsafeBufferPointer { payload in
            var start = 0
            let list = unsafe segments.map { segment in
                defer { start += segment.payload.count }
                return unsafe cimageio_jpeg_segment(
                    marker: segment.marker, data: payload.baseAddress.map { unsafe $0 + start },
                    count: segment.payload.count)
            }
            return unsafe picture.withSampleBytes { pixels in
                unsafe write(
                    pixels.baseAddress?.assumingMemoryBound(to: UInt8.self), list, list.count, &out, &result)
            }
        }
        guard done else { throw .encoding(result, file: name, format: .jpeg, size: picture.size) }
        return unsafe out.array
    }
}

extension JPEGCoding {
    init(_ info: cimageio_jpeg_info) {
        let colors: [Color] = [.gray, .gray, .yCbCr, .rgb, .cmyk, .ycck]
        let horizontal = elements(of: info.horizontal, UInt8.self)
        let vertical = elements(of: info.vertical, UInt8.self)
        let slots = elements(of: info.component_table, UInt8.self)
        let present = elements(of: info.has_table, Bool.self)
        let values = elements(of: info.tables, UInt16.self)
        // Tables that some component uses, in the order of their slots, and each slot's new index.
        let count = Int(info.component_count)
        let used = Set(slots.prefix(count).map(Int.init)).filter { present[$0] }.sorted()
        let index = Dictionary(uniqueKeysWithValues: zip(used, used.indices))
        color = colors[Int(info.color)]
        tables = used.map { Array(values[$0 * 64 ..< ($0 + 1) * 64]) }
        components = (0 ..< count).map {
            Component(
                horizontal: Int(horizontal[$0]), vertical: Int(vertical[$0]), table: index[Int(slots[$0])] ?? 0)
        }
        isProgressive = info.progressive
        isArithmetic = info.arithmetic
        estimatedQuality = 0
        estimatedQuality = estimateQuality()
    }

    /// The quality whose standard tables differ least from these, in the sum of absolute differences relative to
    /// the tables' own size (a coarse table's entries would else outweigh a fine one's).
    private func estimateQuality() -> Int {
        let luma = components.first?.table
        func distance(_ quality: Int) -> Double {
            var total = 0.0
            for (index, table) in tables.enumerated() {
                var standard = [UInt16](repeating: 0, count: 64)
                unsafe standard.withUnsafeMutableBufferPointer {
                    unsafe cimageio_jpeg_standard_table(index != luma && color != .rgb, Int32(quality), $0.baseAddress)
                }
                let sum = table.reduce(0) { $0 + Int($1) } + standard.reduce(0) { $0 + Int($1) }
                let difference = zip(table, standard).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
                total += Double(difference) / Double(max(1, sum))
            }
            return total
        }
        // Of equals (at the bottom end all entries are clamped) the highest.
        return (1 ... 100).map { ($0, distance($0)) }.min { ($0.1, -$0.0) < ($1.1, -$1.0) }?.0 ?? 75
    }

    /// The coding of the same picture with rows and columns swapped.
    var transposed: JPEGCoding {
        var result = self
        result.components = components.map {
            Component(horizontal: $0.vertical, vertical: $0.horizontal, table: $0.table)
        }
        result.tables = tables.map { table in (0 ..< 64).map { table[$0 % 8 * 8 + $0 / 8] } }
        return result
    }

    /// Whether libjpeg can write these sampling factors: each divides the largest, a block row holds at most ten.
    var canBeWritten: Bool {
        guard !tables.isEmpty, let widest = components.map(\.horizontal).max(),
            let tallest = components.map(\.vertical).max()
        else { return false }
        return components.allSatisfy {
            (1 ... 4).contains($0.horizontal) && (1 ... 4).contains($0.vertical)
                && widest.isMultiple(of: $0.horizontal) && tallest.isMultiple(of: $0.vertical)
        } && components.reduce(0) { $0 + $1.horizontal * $1.vertical } <= 10
            && tables.allSatisfy { table in table.allSatisfy { (1 ... 32767).contains($0) } }
    }
}

extension JPEGCoding.Color {
    var colorType: SourceFacts.ColorType {
        switch self {
        case .gray: .gray
        case .yCbCr: .yCbCr
        case .rgb: .rgb
        case .cmyk: .cmyk
        case .ycck: .ycck
        }
    }
}

extension cimageio_jpeg_request {
    fileprivate init(picture: Picture, quality: Int) {
        self.init()
        width = UInt32(picture.width)
        height = UInt32(picture.height)
        channels = Int32(picture.layout.channels)
        self.quality = Int32(min(100, max(1, quality)))
        horizontal = (1, 1, 1)
        vertical = (1, 1, 1)
        density_x = 1
        density_y = 1
    }

    /// Codes as the source did, where its kind of colour is the picture's; else takes only its quality.
    fileprivate mutating func follow(_ coding: JPEGCoding) {
        quality = Int32(min(100, max(1, coding.estimatedQuality)))
        progressive = coding.isProgressive
        let fits = channels == 1 ? !coding.components.isEmpty : coding.color == .yCbCr || coding.color == .rgb
        guard fits, coding.canBeWritten else { return }
        keep_rgb = coding.color == .rgb
        table_count = Int32(min(4, coding.tables.count))
        unsafe withUnsafeMutableBytes(of: &tables) { raw in
            let all = unsafe raw.bindMemory(to: UInt16.self)
            for (index, value) in coding.tables.prefix(4).joined().enumerated() { unsafe all[index] = value }
        }
        let parts = coding.components
        func three(_ value: (JPEGCoding.Component) -> Int) -> (UInt8, UInt8, UInt8) {
            let first = UInt8(value(parts[0]))
            return parts.count >= 3 ? (first, UInt8(value(parts[1])), UInt8(value(parts[2]))) : (first, first, first)
        }
        component_table = three(\.table)
        horizontal = three(\.horizontal)
        vertical = three(\.vertical)
    }

    fileprivate mutating func setDensity(_ density: PixelDensity) {
        // JFIF has no metre; 16 bits hold any plausible number of pixels per centimetre or inch.
        let divisor: UInt64 = density.unit == .perMetre ? 100 : 1
        let (x, y) = ((UInt64(density.x) + divisor / 2) / divisor, (UInt64(density.y) + divisor / 2) / divisor)
        guard let x = UInt16(exactly: x), let y = UInt16(exactly: y), x > 0, y > 0 else { return }
        density_x = x
        density_y = y
        density_unit =
            switch density.unit {
            case .aspect: 0
            case .perInch: 1
            case .perCentimetre, .perMetre: 2
            }
    }
}
