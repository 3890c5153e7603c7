internal import CImageIO
public import Raster

/// What the samples of a picture mean, as far as they differ from sRGB.
///
/// Networks are trained on sRGB. A picture in any other space is converted for them and what they painted is converted
/// back, so that the file stays in the space it was made in and samples outside the mask are never touched.
public struct ColorSpace: Sendable, Equatable {
    /// The ICC profile of a space other than sRGB: the file's own, or one made from its other statements. Nil for sRGB.
    public let profile: [UInt8]?
    /// What people call it: "sRGB", "Display P3", "gamma 1.80".
    public let name: String
    /// Whether the file says so; else it is taken as sRGB because it says nothing that can be understood.
    public let isStated: Bool

    /// IEC 61966-2-1, or grey with its curve.
    public static let sRGB = ColorSpace(profile: nil, name: "sRGB", isStated: true)
    /// The same, for want of better knowledge.
    public static let assumed = ColorSpace(profile: nil, name: "sRGB", isStated: false)

    public var isSRGB: Bool { profile == nil }

    private init(profile: [UInt8]?, name: String, isStated: Bool) {
        self.profile = profile
        self.name = name
        self.isStated = isStated
    }

    /// `image` (display-encoded in this space, nominally 0…1) in sRGB, relative colorimetric.
    ///
    /// Nothing is clipped: colours that sRGB cannot show come out below 0 or above 1, so that `fromSRGB` gives them back.
    /// A grey space takes the first channel and gives equal ones.
    public func toSRGB(_ image: RGBImage) -> RGBImage {
        unsafe converted(image, by: cimageio_profile_to_srgb)
    }

    /// `image` in sRGB in this space; for a grey space, its luma (Rec. 709 weights) repeated in the three channels.
    /// Colours that the space cannot show come out below 0 or above 1, or clipped where its profile is made of tables.
    public func fromSRGB(_ image: RGBImage) -> RGBImage {
        unsafe converted(image, by: cimageio_profile_from_srgb)
    }

    private typealias Conversion = (
        UnsafePointer<UInt8>?, Int, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int,
        UnsafeMutablePointer<cimageio_result>?
    ) -> Bool

    private func converted(_ image: RGBImage, by convert: Conversion) -> RGBImage {
        guard let profile else { return image }
        var result = cimageio_result()
        var values = [Float]()
        let done = unsafe fill(&values, count: image.values.count) { target in
            unsafe profile.withUnsafeBufferPointer { profile in
                unsafe image.values.withUnsafeBufferPointer { source in
                    unsafe convert(
                        profile.baseAddress, profile.count, source.baseAddress,
                        target.baseAddress?.assumingMemoryBound(to: Float.self), image.size.area, &result)
                }
            }
        }
        if !done, result.isOutOfMemory { cimageio_abort_for_memory() }
        // Both ways were tried when the space was made.
        precondition(done, "the profile “\(name)” no longer converts: \(result.text)")
        return RGBImage(size: image.size, values: values)
    }

    // MARK: What a file says

    /// The space of a file's samples, by the precedence of the PNG specification (third edition, 4.3): cICP, iCCP,
    /// sRGB, gAMA with cHRM. Other formats have an ICC profile alone, or in EXIF the name of one of two spaces.
    ///
    /// - Parameter followsEXIF: whether EXIF has a say (in a PNG it has none).
    init(
        _ metadata: ImageMetadata, layout: Picture.Layout, followsEXIF: Bool = false, notes: inout [String]
    ) throws(OutOfMemory) {
        let isGray = layout.colorChannels == 1
        func chunk(_ type: String) -> [UInt8]? { metadata.colorChunks.last { $0.type == type }?.data }
        if let codes = chunk("cICP"), let stated = try Self(codePoints: codes, isGray: isGray, notes: &notes) {
            self = stated
        } else if let profile = metadata.iccProfile {
            do throws(Unusable) {
                self = try Self(profile: profile, isGray: isGray)
            } catch {
                if error.isOutOfMemory { throw OutOfMemory() }
                notes.append("its colour profile cannot be used (\(error.reason)); its colours are taken as sRGB")
                self = .assumed
            }
        } else if chunk("sRGB") != nil {
            self = .sRGB
        } else if let gamma = chunk("gAMA") {
            self = try Self(gamma: gamma, chromaticities: chunk("cHRM"), isGray: isGray, notes: &notes)
        } else if followsEXIF, !isGray, metadata.exif.flatMap({ EXIFBlock($0) })?.saysAdobeRGB == true {
            self = try Self(recipe: .adobeRGB, name: "Adobe RGB (as its EXIF says)") ?? .assumed
        } else {
            self = .assumed
        }
    }

    /// Why a profile cannot be used.
    struct Unusable: Error {
        var reason: String
        var isOutOfMemory = false
    }

    private init(profile: [UInt8], isGray: Bool) throws(Unusable) {
        var info = cimageio_profile_info()
        var result = cimageio_result()
        let described = unsafe profile.withUnsafeBufferPointer {
            unsafe cimageio_profile_describe($0.baseAddress, $0.count, &info, &result)
        }
        guard described else { throw Unusable(reason: result.text, isOutOfMemory: result.isOutOfMemory) }
        guard info.channels == (isGray ? 1 : 3) else {
            throw Unusable(
                reason: "it is not for \(isGray ? "grey" : "RGB") samples but for "
                    + (info.channels == 1 ? "grey" : info.channels == 3 ? "RGB" : info.channels == 4 ? "CMYK" : "other")
            )
        }
        let stated = unsafe String(cString: cimageio_profile_name(&info))
        let name = stated.contains { $0 != " " } ? stated : "without a name"
        self.init(profile: info.is_srgb ? nil : profile, name: name, isStated: true)
    }

    /// A space of the recipe; `.sRGB` where it means just that, nil where it makes no sense.
    private init?(recipe: cimageio_color_space, name: String) throws(OutOfMemory) {
        guard let profile = try Self.profile(recipe, name: name) else { return nil }
        do throws(Unusable) {
            self = try Self(profile: profile, isGray: recipe.is_gray)
        } catch {
            if error.isOutOfMemory { throw OutOfMemory() }
            return nil
        }
    }

    private static func profile(_ recipe: cimageio_color_space, name: String) throws(OutOfMemory) -> [UInt8]? {
        var recipe = recipe
        var out = unsafe cimageio_buffer()
        var result = cimageio_result()
        defer { unsafe cimageio_free(&out) }
        let done = unsafe name.withCString { unsafe cimageio_profile_make(&recipe, $0, &out, &result) }
        if result.isOutOfMemory { throw OutOfMemory() }
        return done ? unsafe out.array : nil
    }

    /// gAMA holds 100000 times the exponent from light to sample, cHRM 100000 times white, red, green and blue in xy.
    private init(
        gamma: [UInt8], chromaticities: [UInt8]?, isGray: Bool, notes: inout [String]
    ) throws(OutOfMemory) {
        let exponent = gamma.count == 4 ? Double(Self.number(gamma, at: 0)) / 100_000 : 0
        // Beyond these a picture would be all black or all white.
        guard (0.02 ... 20).contains(exponent) else {
            notes.append("its gamma makes no sense; its colours are taken as sRGB")
            self = .assumed
            return
        }
        var recipe = cimageio_color_space.bt709
        recipe.curve = Int32(CIMAGEIO_CURVE_GAMMA.rawValue)
        recipe.gamma = 1 / exponent
        recipe.is_gray = isGray
        var hasPrimaries = false
        if !isGray, let stated = chromaticities, stated.count == 32 {
            let numbers = (0 ..< 8).map { Double(Self.number(stated, at: $0 * 4)) / 100_000 }
            recipe.white = (numbers[0], numbers[1])
            recipe.red = (numbers[2], numbers[3])
            recipe.green = (numbers[4], numbers[5])
            recipe.blue = (numbers[6], numbers[7])
            hasPrimaries = true
        }
        let hundredths = Int((100 / exponent).rounded())
        let digits = hundredths % 100
        let name =
            "gamma \(hundredths / 100).\(digits < 10 ? "0" : "")\(digits)"
            + (hasPrimaries ? " with its own primaries" : "")
        if let made = try Self(recipe: recipe, name: name) {
            self = made
        } else {
            notes.append("its gamma and primaries make no colour space; its colours are taken as sRGB")
            self = .assumed
        }
    }

    private static func number(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        bytes[offset ..< offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// ITU-T H.273: colour primaries, transfer characteristics, matrix coefficients, full range. Nil, with a note, for
    /// what has no meaning for a picture of this kind.
    private init?(codePoints codes: [UInt8], isGray: Bool, notes: inout [String]) throws(OutOfMemory) {
        guard codes.count == 4 else { return nil }
        guard codes[2] == 0, codes[3] == 1 else {
            notes.append("its cICP chunk speaks of video samples and was not followed")
            return nil
        }
        if codes[1] == 16 || codes[1] == 18 {
            let name = codes[1] == 16 ? "PQ" : "HLG"
            notes.append(
                "it is a picture of high dynamic range (\(name)); the network sees its samples as if they were sRGB")
            self = .assumed
            return
        }
        guard let primaries = cimageio_color_space(primaries: codes[0]), primaries.setting(transfer: codes[1]) != nil,
            var recipe = primaries.setting(transfer: codes[1])
        else {
            notes.append("its cICP chunk names a colour space that this build does not know and was not followed")
            return nil
        }
        recipe.is_gray = isGray
        let names: [UInt8: String] = [1: "BT.709", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"]
        try self.init(recipe: recipe, name: names[codes[0]] ?? "primaries \(codes[0])")
    }

    /// An ICC profile that says what a PNG's colour chunks say, for formats that have no such chunks.
    static func profile(
        replacing metadata: ImageMetadata, layout: Picture.Layout
    ) throws(OutOfMemory) -> [UInt8]? {
        guard metadata.iccProfile == nil, !metadata.colorChunks.isEmpty else { return nil }
        var notes: [String] = []
        return try ColorSpace(metadata, layout: layout, notes: &notes).profile
    }
}

extension cimageio_color_space {
    /// ITU-R BT.709's primaries and white, which are sRGB's, with its curve.
    static var bt709: cimageio_color_space {
        cimageio_color_space(
            white: (0.3127, 0.3290), red: (0.64, 0.33), green: (0.30, 0.60), blue: (0.15, 0.06),
            curve: Int32(CIMAGEIO_CURVE_SRGB.rawValue), gamma: 1, is_gray: false)
    }

    /// Adobe RGB (1998) Color Image Encoding, section 4.3.
    static var adobeRGB: cimageio_color_space {
        var space = bt709
        space.green = (0.21, 0.71)
        space.curve = Int32(CIMAGEIO_CURVE_GAMMA.rawValue)
        space.gamma = 563.0 / 256
        return space
    }

    /// ITU-T H.273, table 2.
    init?(primaries: UInt8) {
        self = .bt709
        switch primaries {
        case 1: break
        case 4: (white, red, green, blue) = ((0.310, 0.316), (0.67, 0.33), (0.21, 0.71), (0.14, 0.08))
        case 5: (red, green, blue) = ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06))
        case 6, 7: (red, green, blue) = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
        case 9: (red, green, blue) = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
        case 11: (white, red, green, blue) = ((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
        case 12: (red, green, blue) = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
        default: return nil
        }
    }

    /// ITU-T H.273, table 3.
    func setting(transfer: UInt8) -> cimageio_color_space? {
        var space = self
        switch transfer {
        case 1, 6, 14, 15: space.curve = Int32(CIMAGEIO_CURVE_REC709.rawValue)
        case 4: (space.curve, space.gamma) = (Int32(CIMAGEIO_CURVE_GAMMA.rawValue), 2.2)
        case 5: (space.curve, space.gamma) = (Int32(CIMAGEIO_CURVE_GAMMA.rawValue), 2.8)
        case 8: (space.curve, space.gamma) = (Int32(CIMAGEIO_CURVE_GAMMA.rawValue), 1)
        case 13: space.curve = Int32(CIMAGEIO_CURVE_SRGB.rawValue)
        default: return nil
        }
        return space
    }
}
