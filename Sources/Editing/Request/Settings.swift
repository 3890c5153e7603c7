public import Diffusion
public import Masking
internal import PlainText
public import Raster

/// The table of all settings of an edit: one entry each, from which validation, JSON, the record in pictures and the
/// command line's help are made.
public enum Settings {
    // MARK: How many, and from which noise

    public static let count = Setting.number(
        .count, "pictures", 1 ... 64, .always(\.count)
    ) {
        "How many pictures, \($0.bounds), with consecutive seeds; more than one also makes a contact sheet. Default: 1."
    }
    public static let batchSize = Setting.number(
        .batchSize, "pictures", 1 ... 16, .always(\.batchSize), infotext: "Batch size"
    ) {
        "Compute so many of several pictures (\(.count)) at once, \($0.bounds): a little faster, in more memory. They share what fills a hole, and differ by rounding from what their seeds give alone. Default: 1."
    }
    public static let seed = Setting.number(
        .seed, "", 0 ... UInt64.max, .asked(\.seed), infotext: "Seed"
    ) {
        "Seed, \($0.bounds): the same seed and settings give the same picture. Default, and for -1: a new one each time, which is printed."
    }
    public static let rng = Setting(
        .rng, .always(\.randomSource), .word, infotext: "RNG",
        help: "Whose random numbers a seed draws: torch is PyTorch on the CPU, philox PyTorch on CUDA.")

    // MARK: The way from noise to picture

    public static let steps = Setting.number(
        .steps, "steps", 1 ... 1000, .asked(\.steps), infotext: "Steps"
    ) { "Denoising steps, \($0.bounds). Default: the model's own, else 20." }
    public static let guidance = Setting<Float>.number(
        .guidance, "", 0 ... 50, .asked(\.guidance), infotext: "CFG scale"
    ) {
        "How closely to follow the prompt, a scale of \($0.allowed); 1 is no guidance and twice as fast. Default: the model's own, else 7.5."
    }
    public static let imageGuidance = Setting<Float>.number(
        .imageGuidance, "", 0 ... 50, .asked(\.imageGuidance), infotext: "Image CFG scale"
    ) {
        "For models that follow instructions (InstructPix2Pix): how closely to keep to the picture, a scale of \($0.allowed). Default: 1.5."
    }
    public static let guidanceRescale = Setting<Float>.number(
        .guidanceRescale, "", 0 ... 1, .asked(\.guidanceRescale), infotext: "CFG rescale"
    ) {
        "Take back so much of the contrast that guidance adds, a share of \($0.allowed): against dark or oversaturated results; 0.7 is usual. Default: the model's own, else 0."
    }
    public static let guidanceInterval = Setting(
        .guidanceInterval, .always(\.guidanceInterval), .interval, infotext: "Guidance interval",
        help:
            "The part of the steps, from 0 to 1, in which guidance applies; the others take half the time. Default: 0:1."
    )
    public static let reuseFeatures = Setting.number(
        .reuseFeatures, "steps", 1 ... 10, .always(\.deepFeatureInterval), infotext: "Reuse features"
    ) {
        "Compute the network's coarse levels only every so many steps, \($0.bounds): faster, and a little different. Default: 1."
    }
    public static let reuseKnown = Setting(
        .reuseKnown, .always(\.reusesKnown), .flag, infotext: "Reuse known",
        help:
            "Of several pictures (\(.count)) compute all but the first only around the mask, and take the rest from the first: several times faster where the mask is small. An approximation: what a seed gives then depends on whether it is the first. They share what fills the hole."
    )
    public static let strength = Setting<Float>.number(
        .strength, "", 0.01 ... 1, .asked(\.strength), infotext: "Denoising strength"
    ) {
        "How much to change, a share of \($0.allowed). Default: the model's own, else 1; remix takes 0.6 of that, variations half. With \(.detail, "kept") or color they take 0.9 and 0.8; with color the embedded model takes 1 where the prompt names a colour."
    }
    public static let sampler = Setting(
        .sampler, .asked(\.sampler), .word, infotext: "Sampler",
        help: "Sampler. Default: what the model names. lcm with a LoRA: 4 steps, guidance 1.")
    public static let schedule = Setting(
        .schedule, .asked(\.schedule), .word, infotext: "Schedule type",
        help: "Spacing of the steps. Default: what the model names.")
    public static let knownLatents = Setting(
        .knownLatents, .always(\.knownLatents), .word,
        help: "How the network is told of the known part: written back after every step, or through its own channels.")
    public static let coherence = Setting.number(
        .coherence, "times", 0 ... 20, .always(\.coherence), infotext: "Coherence"
    ) {
        "Ask the network so many more times at each step, \($0.bounds), each as long as a step, so that what is painted fits what is around it: for models that were not made for inpainting. Default: 0."
    }
    public static let coherenceMethod = Setting(
        .coherenceMethod, .always(\.coherenceMethod), .word,
        help:
            "What \(.coherence) does: lanpaint lets hole and surroundings move together before a step, repaint takes the step again."
    )

    // MARK: The masked part

    public static let area = Setting(
        .area, .always(\.area), .word, infotext: "Inpaint area",
        help: "Work on a crop around the mask, or on the whole picture.")
    public static let padding = Setting.number(
        .padding, "pixels", 0 ... 4096, .asked(\.padding), infotext: "Masked area padding"
    ) { "Context around the mask, \($0.allowed). Default: from the mask's size." }
    public static let grow = Setting.number(.grow, "pixels", 0 ... 512, .asked(\.grow)) {
        "Grow the mask for painting, \($0.allowed); what is pasted stays under the mask itself. Default: from the model."
    }
    public static let feather = Setting<Float>.number(
        .feather, "pixels", 0 ... 256, .asked(\.feather), infotext: "Mask blur"
    ) { "Blur the grown mask for painting, \($0.allowed) of standard deviation. Default: 4." }
    public static let fill = Setting(
        .fill, .asked(\.fill), .fill, infotext: "Masked content",
        help:
            "What stands in the hole before painting: fill, patchmatch, noise, original or a colour (#rrggbb). Default: the model's own, else patchmatch to erase and outpaint, original to remix, fill to inpaint."
    )
    public static let detail = Setting(
        .detail, .asked(\.detail), .word,
        help:
            "Where fine detail comes from. model: the model's picture. kept: the start (the picture, or what filled the hole); the model changes shapes and tones. color: the start, with its light and shade; the model changes colours. mixed: the start, except where the model painted something. Default: the model's own choice, else model; color for a masked remix with a model that keeps detail; model with a stencil, a raw result, or a fill of noise or a colour."
    )
    public static let composite = Setting(
        .composite, .asked(\.composite), .word,
        help:
            "How the patch is put back. seamless: matched in colour. paste: as it is. stencil: cut out by the mask, with contrast. raw: the network's whole picture. Default: seamless; paste where a remix changes colours only; stencil where words are painted into a mask of 'editor mask text'."
    )
    public static let blend = Setting.number(.blend, "pixels", 0 ... 256, .always(\.blend)) {
        "Let a band outside the mask be mixed with the patch, \($0.allowed). With 0 every pixel outside comes back byte for byte. Default: 0."
    }
    public static let panel = Setting.number(.panel, "pixels", 32 ... 16384, .asked(\.panel)) {
        "Extend by at most so many pixels at a time, \($0.bounds); each panel continues those before it. Default: three quarters of the model's own size, or of the picture's shorter side where that is longer."
    }
    public static let tileable = Setting(
        .tileable, .always(\.tileable), .axes,
        help:
            "Make the result repeat without a seam: along x (its right border meets its left one), y or both. Sides along these axes must be multiples of the model's own."
    )
    public static let maskMeans = Setting(
        .maskMeans, .always(\.maskMeans), .word,
        help:
            "What is repainted. repaint: the marked part, which is white, or transparent where alpha varies. keep: the rest. white, black, transparent, opaque: exactly that, with values taken as they are."
    )
    public static let fitMask = Setting(
        .fitMask, .always(\.fitMask), .flag,
        help: "Scale a mask of another size to the picture instead of refusing it.")
    public static let alpha = Setting(
        .alpha, .always(\.alpha), .word, help: "Alpha of the repainted part, where the picture has alpha.")

    // MARK: Progress and limits

    /// 0, the default, is never.
    public static let livePreviewInterval = Setting.number(
        .livePreviewInterval, "steps", 0 ... EditSettings.previewIntervals.range.upperBound, .always(\.previewInterval)
    ) { _ in "Steps from one live preview to the next, \(EditSettings.previewIntervals.bounds). Default: 2." }
    public static let maxPixels = Setting.number(.maxPixels, "pixels", 1 ... 1 << 32, .always(\.maximumPixels)) {
        "The largest picture that is read, \($0.bounds) pixels; a file that claims more is refused before memory is taken for it. Default: \(EditSettings.defaultMaximumPixels)."
    }
    public static let maxMemory = Setting(
        .maxMemory, .asked(\.memoryLimit), .bytes(atLeast: EditSettings.smallestMemoryLimit),
        help:
            "Memory that an edit should stay under, 256M and up, for example 6G. A tight limit makes the crop smaller, which gives another picture; a warning says so. Default: no limit."
    )

    /// In the order in which they are written.
    public static let all: [any AnySetting] = [
        count, batchSize, seed, rng, steps, guidance, imageGuidance, guidanceRescale, guidanceInterval, reuseFeatures,
        reuseKnown, strength, sampler, schedule, knownLatents, coherence, coherenceMethod, area, padding, grow, feather,
        fill, detail, composite, blend, panel, tileable, maskMeans, fitMask, alpha, livePreviewInterval, maxPixels,
        maxMemory,
    ]
}

extension Setting where Value: Comparable & Codable {
    /// A number in a range, of which the help tells.
    fileprivate static func number(
        _ key: SettingKey, _ unit: String, _ range: ClosedRange<Value>, _ place: Place, infotext: String? = nil,
        help: (SettingRange<Value>) -> Sentence
    ) -> Setting {
        Setting(key, place, .number(unit, range), infotext: infotext, help: help(SettingRange(unit, range)))
    }
}

// MARK: Forms of single settings

extension SettingForm<ClosedRange<Float>> {
    /// Two shares of the whole: `[0.2, 0.8]`.
    fileprivate static var interval: SettingForm {
        let expected = "two shares from 0 to 1 of which the first is smaller"
        return SettingForm(
            allowed: expected, expected: expected,
            accepts: { 0 <= $0.lowerBound && $0.lowerBound < $0.upperBound && $0.upperBound <= 1 },
            text: { "\($0.lowerBound.shortText):\($0.upperBound.shortText)" },
            encode: { try $1.encode([$0.lowerBound, $0.upperBound], forKey: $2) },
            decode: { container, key in
                guard let ends = try? container.decode([Float].self, forKey: key), ends.count == 2, ends[0] <= ends[1]
                else { return nil }
                return ends[0] ... ends[1]
            })
    }
}

extension SettingForm<Fill> {
    /// A name, a colour as `#rrggbb`, or one as three shares, where it lies between those of 8 bits.
    fileprivate static var fill: SettingForm {
        let allowed = "\"fill\", \"patchmatch\", \"noise\", \"original\" or a colour as \"#rrggbb\""
        return SettingForm(
            allowed: allowed, expected: allowed,
            accepts: { fill in
                guard case .color(let red, let green, let blue) = fill else { return true }
                return [red, green, blue].allSatisfy { 0 <= $0 && $0 <= 1 }
            },
            text: { $0.name },
            encode: { fill, container, key in
                guard case .color(let red, let green, let blue) = fill else {
                    return try container.encode(fill.name, forKey: key)
                }
                let name = fill.hexName
                if name.flatMap(Fill.init(name:)) == fill {
                    try container.encode(name, forKey: key)
                } else {
                    try container.encode([red, green, blue], forKey: key)
                }
            },
            decode: { container, key in
                if let name = try? container.decode(String.self, forKey: key) { return Fill(name: name) }
                guard let shares = try? container.decode([Float].self, forKey: key), shares.count == 3 else {
                    return nil
                }
                return .color(red: shares[0], green: shares[1], blue: shares[2])
            })
    }
}

extension SettingForm<WrappedAxes> {
    fileprivate static var axes: SettingForm {
        .words([("x", .x), ("y", .y), ("both", .both)]) { $0 == .both ? "both" : $0 == .x ? "x" : $0 == .y ? "y" : "" }
    }
}

extension SettingForm<Int> {
    fileprivate static func bytes(atLeast least: Int) -> SettingForm {
        // Rounded down to a tenth, so that less than a limit never reads as the limit.
        @Sendable func text(_ bytes: Int) -> String {
            for (letter, shift) in [("G", 30), ("M", 20), ("K", 10)] where bytes >= 1 << shift {
                let (whole, rest) = bytes.quotientAndRemainder(dividingBy: 1 << shift)
                let tenth = (rest * 10) >> shift
                return "\(whole)\(tenth == 0 ? "" : ".\(tenth)")\(letter)"
            }
            return bytes.of("byte")
        }
        return SettingForm(
            allowed: "at least \(text(least))", expected: "a number of bytes, at least \(least)",
            accepts: { $0 >= least }, text: text, encode: { try $1.encode($0, forKey: $2) },
            decode: { try? $0.decode(Int.self, forKey: $1) }, bounds: (least, .max, "bytes"))
    }
}
