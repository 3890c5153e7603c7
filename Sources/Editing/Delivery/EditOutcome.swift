public import ImageFiles
public import Raster

/// What an edit did, once its pictures are saved.
public struct EditOutcome: Sendable {
    public var saved: [SavedPicture]
    public var pictures: [Picture]
    /// What the samples of the pictures mean.
    public var colorSpace: ColorSpace
    public var seeds: [UInt64]
    /// `nil` where no model was asked, because nothing was to be repainted.
    public var model: String?
    public var size: PixelSize
    /// Denoising steps that were run, all pictures and passes together.
    public var stepsDone: Int
    /// As asked for, before strength shortens them.
    public var steps: Int
    public var secondsPerStep: Double
    public var seconds: [EditStage: Double]
    public var peakMemoryBytes: Int

    /// What a screen shows of it: the picture in sRGB, or the contact sheet of several.
    public var preview: Picture? {
        if saved.contains(where: \.isContactSheet) { return ContactSheet.make(of: pictures, colorSpace: colorSpace) }
        guard let picture = pictures.first, !colorSpace.isSRGB else { return pictures.first }
        return Picture(colorSpace.toSRGB(RGBImage(picture)))
    }

    /// The last line of `--json`.
    public var json: JSONObject {
        let pictures = saved.filter { !$0.isContactSheet }
        var members: [(String, JSONObject.Value)] = [
            ("event", .text("done")),
            ("output", pictures.first.map { .text($0.path) } ?? .null),
            ("seed", seeds.first.map { .unsigned($0) } ?? .null),
            ("model", model.map { .text($0) } ?? .null),
            ("width", .integer(size.width)),
            ("height", .integer(size.height)),
            ("steps", .integer(steps)),
            ("stepsDone", .integer(stepsDone)),
            ("secondsPerStep", .number(secondsPerStep)),
            (
                "seconds",
                .object(
                    JSONObject(
                        EditStage.allCases.map { ($0.rawValue, .number(seconds[$0] ?? 0)) }
                            + [("total", .number(seconds.values.reduce(0, +)))]))
            ),
            ("peakMemoryBytes", .integer(peakMemoryBytes)),
        ]
        if pictures.count > 1 {
            members.append(("outputs", .list(pictures.map { .text($0.path) })))
            members.append(("seeds", .list(seeds.map { .unsigned($0) })))
        }
        if let sheet = saved.first(where: \.isContactSheet) { members.append(("contactSheet", .text(sheet.path))) }
        return JSONObject(members)
    }
}
