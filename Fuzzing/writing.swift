import Raster

@testable import ImageFiles

/// Writes a small picture with metadata made of the bytes, in the format that the first byte names, and reads it again:
/// EXIF, XMP, a profile, texts, Photoshop resources and densities, each in whatever state a file may have left them.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 16 else { return 0 }
    var input = unsafe Array(UnsafeBufferPointer(start: data, count: count))[...]
    func byte() -> UInt8 { input.popFirst() ?? 0 }
    func number() -> UInt32 { (0 ..< 4).reduce(0) { value, _ in value << 8 | UInt32(byte()) } }
    /// Up to the next field: a length in three bytes, then as many as there are.
    func field() -> [UInt8] {
        let length = Int(byte()) << 16 | Int(byte()) << 8 | Int(byte())
        defer { input = input.dropFirst(length) }
        return Array(input.prefix(length))
    }
    let choice = byte()
    let which = byte()
    let layouts: [Picture.Layout] = [.gray, .grayAlpha, .rgb, .rgba]
    let layout = layouts[Int(choice >> 2) % 4]
    let size = PixelSize(width: 1 + Int(which & 7), height: 3)
    let samples = [UInt8](repeating: 99, count: size.area * layout.channels)
    let picture = Picture(size: size, layout: layout, samples: .eight(samples))

    var metadata = ImageMetadata()
    let units: [PixelDensity.Unit] = [.aspect, .perMetre, .perInch, .perCentimetre]
    metadata.density = PixelDensity(x: number(), y: number(), unit: units[Int(which >> 3) % 4])
    metadata.hasAssociatedAlpha = which & 0x20 != 0
    while !input.isEmpty {
        switch byte() % 8 {
        case 0: metadata.exif = field()
        case 1: metadata.xmp = field()
        case 2: metadata.iccProfile = field()
        case 3: metadata.photoshopResources = field()
        case 4:
            let (colors, alpha) = (field(), field())
            metadata.palette = PNGPalette(colors[...], alpha: alpha[...], depth: 1 << Int(which & 3))
            metadata.grayDepth = 1 << Int(which >> 2 & 1)
        case 5:
            let entry = TextEntry(
                keyword: String(decoding: field(), as: UTF8.self), text: String(decoding: field(), as: UTF8.self),
                language: String(decoding: field(), as: UTF8.self))
            metadata.text.append(entry)
            if let resources = RawProfileText.decode(entry) {
                precondition(RawProfileText.decode(RawProfileText.encode(resources)) == resources)
            }
        case 6:
            let types = ["gAMA", "cHRM", "sRGB", "cICP", "mDCV", "cLLI"]
            metadata.colorChunks.append(PNGChunk(type: types[Int(byte()) % 6], data: field()))
        default: continue
        }
    }
    // What is read has passed through these.
    if let exif = metadata.exif, EXIFBlock(exif) == nil { metadata.exif = nil }
    let settings = Infotext(prompt: "a red door", parameters: [.init(key: "Steps", value: "4")])
    let provenance: Provenance? = which & 0x40 == 0 ? nil : .edited(settings)
    let format = ImageFormat.written[Int(choice) % 4]
    guard
        let encoded = try? ImageFile.encode(
            picture, format: format, metadata: metadata, provenance: provenance, quality: choice & 0x10 == 0 ? nil : 50)
    else { return 0 }
    guard let again = try? ImageFile.read(bytes: encoded.bytes, name: "output") else {
        preconditionFailure("\(format) that cannot be read was written")
    }
    precondition(again.picture.size == size)
    return 0
}
