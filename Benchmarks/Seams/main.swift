import Diffusion
import Editing
import Foundation
import ImageFiles
import Masking
import Raster

// Which way of putting a patch back leaves the least seam: the table of docs/compositing.md.
//
//     swift run -c release seam-benchmarks [folder of pictures] [folder for the results]
//
// Each picture is edited under four masks by the embedded model, once, from PatchMatch's fill; its patch is then put back
// in each way, and `SeamStatistic` measures the edge. Ratios of 1 are what a picture has that was never edited.

let arguments = CommandLine.arguments.dropFirst()
let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
let folder = arguments.first ?? root.appending(path: "fixtures/images").path()
let results = arguments.dropFirst().first

/// A way of putting a patch back. All write under the mask only.
enum Variant: String, CaseIterable {
    case unedited = "the photo, unedited"
    case paste = "paste"
    case seamless = "seamless"
    case membrane = "plain membrane (Poisson)"
    case multiBand = "multi-band (Burt and Adelson 1983)"

    func applied(_ patch: RGBImage, mask: Mask, to source: Picture) -> Picture {
        let whole = PixelRect(source.size)
        let before = RGBImage(source)
        switch self {
        case .unedited: return source
        case .paste: return Composite(mode: .paste).applied(patch: patch, at: whole, mask: mask, to: source)
        case .seamless: return Composite(mode: .seamless).applied(patch: patch, at: whole, mask: mask, to: source)
        case .membrane:
            let corrected = plainMembrane(patch, source: before, mask: mask)
            return Composite(mode: .paste).applied(patch: corrected, at: whole, mask: mask, to: source)
        case .multiBand:
            let blended = blendedByBands(patch, source: before, mask: mask)
            return Composite(mode: .paste).applied(patch: blended, at: whole, mask: mask, to: source)
        }
    }
}

/// The four masks, in shares of the picture's sides.
let masks: [(name: String, mask: (PixelSize) -> Mask)] = [
    ("box", { .rectangle(rectangle(0.3, 0.35, 0.35, 0.35, of: $0), size: $0) }),
    ("ellipse", { ellipse($0, 0.55, 0.5, 0.22, 0.28) }),
    ("ring", { ellipse($0, 0.5, 0.5, 0.32, 0.36).subtracting(ellipse($0, 0.5, 0.5, 0.16, 0.18)) }),
    ("border", { .rectangle(rectangle(0, 0.45, 0.4, 0.55, of: $0), size: $0) }),
]

func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, of size: PixelSize) -> PixelRect {
    PixelRect(
        x: Int(Double(size.width) * x), y: Int(Double(size.height) * y), width: Int(Double(size.width) * width),
        height: Int(Double(size.height) * height)
    ).intersection(PixelRect(size))
}

func ellipse(_ size: PixelSize, _ x: Double, _ y: Double, _ radiusX: Double, _ radiusY: Double) -> Mask {
    var plane = Plane(size: size)
    for index in 0 ..< size.area {
        let dx = (Double(index % size.width) / Double(size.width) - x) / radiusX
        let dy = (Double(index / size.width) / Double(size.height) - y) / radiusY
        if dx * dx + dy * dy <= 1 { plane.values[index] = 1 }
    }
    return Mask(coverage: plane)
}

/// The patch plus the membrane of its difference from the source on the pixels around the mask (Pérez et al. 2003).
func plainMembrane(_ patch: RGBImage, source: RGBImage, mask: Mask) -> RGBImage {
    let rim = mask.grown(by: 1).coverage.values
    let roles: [Membrane.Role] = mask.coverage.values.indices.map {
        mask.coverage.values[$0] > 0 ? .free : rim[$0] > 0 ? .fixed : .outside
    }
    let membrane = Membrane(size: patch.size, roles: roles)
    var result = patch
    for channel in 0 ..< 3 {
        let difference = (0 ..< patch.size.area).map { pixel in
            roles[pixel] == .fixed ? source.values[pixel * 3 + channel] - patch.values[pixel * 3 + channel] : 0
        }
        let correction = membrane.solved(difference)
        for pixel in roles.indices where roles[pixel] == .free {
            result.values[pixel * 3 + channel] += correction[pixel]
        }
    }
    return result
}

/// Each band of the patch and the source mixed by the mask blurred as widely as the band is coarse.
func blendedByBands(_ patch: RGBImage, source: RGBImage, mask: Mask) -> RGBImage {
    let share = RGBImage(size: mask.size, values: mask.coverage.values.flatMap { [$0, $0, $0] })
    guard min(patch.width, patch.height) >= 16 else { return mixed(patch, source, share) }
    return blendedByBands(patch, source, share)
}

private func blendedByBands(_ patch: RGBImage, _ source: RGBImage, _ share: RGBImage) -> RGBImage {
    guard min(patch.width, patch.height) >= 16 else { return mixed(patch, source, share) }
    let coarse = blendedByBands(reduced(patch), reduced(source), reduced(share))
    func band(_ image: RGBImage) -> RGBImage { combined(image, expanded(reduced(image), to: image.size), -) }
    return combined(mixed(band(patch), band(source), share), expanded(coarse, to: patch.size), +)
}

func combined(_ a: RGBImage, _ b: RGBImage, _ operation: (Float, Float) -> Float) -> RGBImage {
    RGBImage(size: a.size, values: zip(a.values, b.values).map(operation))
}

func mixed(_ patch: RGBImage, _ source: RGBImage, _ share: RGBImage) -> RGBImage {
    var result = source
    for index in result.values.indices {
        result.values[index] += share.values[index] * (patch.values[index] - source.values[index])
    }
    return result
}

/// Burt and Adelson's REDUCE: blurred by (1 4 6 4 1) / 16 along both axes, every second pixel.
func reduced(_ image: RGBImage) -> RGBImage {
    let weights: [Float] = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16]
    let half = PixelSize(width: (image.width + 1) / 2, height: (image.height + 1) / 2)
    var rows = RGBImage(size: PixelSize(width: half.width, height: image.height))
    for y in 0 ..< image.height {
        for x in 0 ..< half.width {
            for (tap, weight) in weights.enumerated() {
                let from = (y * image.width + min(image.width - 1, max(0, 2 * x + tap - 2))) * 3
                for channel in 0 ..< 3 {
                    rows.values[(y * half.width + x) * 3 + channel] += weight * image.values[from + channel]
                }
            }
        }
    }
    var result = RGBImage(size: half)
    for y in 0 ..< half.height {
        for (tap, weight) in weights.enumerated() {
            let from = min(image.height - 1, max(0, 2 * y + tap - 2)) * half.width * 3
            for index in 0 ..< half.width * 3 {
                result.values[y * half.width * 3 + index] += weight * rows.values[from + index]
            }
        }
    }
    return result
}

/// Enlarged again; what the two lose is the band, so any enlargement gives the whole back.
func expanded(_ image: RGBImage, to size: PixelSize) -> RGBImage { image.resized(to: size, filter: .bilinear) }

// MARK: - Run

let model = try ModelChoice(source: .embedded).open()
let scratch = FileManager.default.temporaryDirectory.appending(path: "seams-\(UUID().uuidString)")
try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
if let results { try FileManager.default.createDirectory(atPath: results, withIntermediateDirectories: true) }

let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
var found: [Variant: [SeamStatistic]] = [:]
for name in names {
    let path = folder + "/" + name
    guard case .readable? = (FileManager.default.contents(atPath: path)?.prefix(64)).map({ ImageFormat.sniff($0) })
    else { continue }
    let source = try ImageFile.read(path: path).picture
    for (kind, make) in masks {
        let mask = make(source.size)
        let maskPath = scratch.appending(path: "mask.png").path()
        let gray = mask.coverage.values.map { $0 > 0 ? 255 : 0 as UInt8 }
        try ImageFile.write(
            Picture(size: mask.size, layout: .gray, samples: .eight(gray)), to: maskPath, format: .png)
        var request = EditRequest(mode: .erase, picture: .file(path: path), mask: .file(path: maskPath))
        request.settings.fill = .patchmatch
        request.settings.seed = 1
        let made = try EditJob(request: request, output: OutputChoice()).patch(randomSeed: 1, model: model)
        var patch = RGBImage(source)
        patch.paste(made.patch, x: made.place.x, y: made.place.y)
        for variant in Variant.allCases {
            let result = variant.applied(patch, mask: mask, to: source)
            found[variant, default: []].append(SeamStatistic(RGBImage(result), mask: mask))
            if let results {
                let file = "\(name)-\(kind)-\(variant).png"
                try ImageFile.write(result, to: results + "/" + file, format: .png)
            }
        }
    }
}

print("| | mean | median | largest | tail: mean | median |\n|---|---|---|---|---|---|")
func figure(_ value: Double) -> String { String(format: "%.3f", value) }
for variant in Variant.allCases {
    guard let statistics = found[variant] else { continue }
    let (ratios, tails) = (statistics.map(\.ratio).sorted(), statistics.map(\.tailRatio).sorted())
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    func median(_ values: [Double]) -> Double {
        (values[(values.count - 1) / 2] + values[values.count / 2]) / 2
    }
    let row = [mean(ratios), median(ratios), ratios[ratios.count - 1], mean(tails), median(tails)]
    print("| \(variant.rawValue) | " + row.map(figure).joined(separator: " | ") + " |")
}
let pairs = found[.unedited] ?? []
print("\n\(pairs.count) pairs of picture and mask, edges of \(pairs.reduce(0) { $0 + $1.count }) pixels in all")
try FileManager.default.removeItem(at: scratch)
