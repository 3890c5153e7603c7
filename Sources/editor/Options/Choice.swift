public import ArgumentParser
public import Diffusion
public import Editing
public import Masking

/// One of some words. They are spelled on the command line as in JSON, by their raw values; case, spaces, hyphens and
/// underscores do not matter, and what other programs call the same thing is understood.
public protocol Choice: ExpressibleByArgument, CaseIterable, RawRepresentable where RawValue == String {
    /// Other names, as `plainWord` has them.
    static var aliases: [String: Self] { get }
}

extension Choice {
    public static var aliases: [String: Self] { [:] }

    public init?(argument: String) {
        let word = argument.plainWord
        guard let found = Self.allCases.first(where: { $0.rawValue.plainWord == word }) ?? Self.aliases[word] else {
            return nil
        }
        self = found
    }
}

extension String {
    /// "DPM++ 2M" as "dpmpp2m".
    var plainWord: String {
        lowercased().replacing("++", with: "pp").filter { !$0.isWhitespace && $0 != "-" && $0 != "_" }
    }
}

extension Detail: Choice {}
extension PartTiming.Part: Choice {}
extension DenoiseRequest.KnownLatents: Choice {}
extension DenoiseRequest.CoherenceMethod: Choice {}
extension EditArea: Choice {
    public static var aliases: [String: Self] { ["onlymasked": .mask, "masked": .mask, "wholepicture": .whole] }
}
extension Composite.Mode: Choice {}
extension MaskMeaning: Choice {}
extension TextShape.Alignment: Choice {
    public static var aliases: [String: Self] { ["centre": .center, "middle": .center] }
}
extension MaskCombination: Choice {
    public static var aliases: [String: Self] { ["intersection": .intersect, "add": .union] }
}
extension OutpaintPlan.Anchor: Choice {
    public static var aliases: [String: Self] { ["centre": .center, "middle": .center] }
}
extension Composite.AlphaPolicy: Choice {}
extension RandomSource: Choice {
    public static var aliases: [String: Self] {
        ["cpu": .torch, "gpu": .philox, "cuda": .philox, "nv": .philox]
    }
}
extension Precision: Choice {
    public static var aliases: [String: Self] {
        [
            "fp32": .f32, "float32": .f32, "float": .f32, "full": .f32, "bfloat16": .bf16, "i8": .int8, "q8": .int8,
            "8bit": .int8,
        ]
    }
}
extension ModelConversion.Weights: Choice {
    public static var aliases: [String: Self] {
        [
            "fp32": .f32, "float32": .f32, "fp16": .f16, "float16": .f16, "half": .f16, "bfloat16": .bf16,
            "q80": .int8, "q8": .int8, "i8": .int8,
        ]
    }
}
extension ScheduleType: Choice {
    /// Those of AUTOMATIC1111 and ComfyUI.
    public static var aliases: [String: Self] {
        ["uniform": .linear, "normal": .linear, "sgmuniform": .trailing]
    }
}
extension SamplerKind: Choice {
    /// Those of AUTOMATIC1111, ComfyUI and diffusers.
    public static var aliases: [String: Self] {
        [
            "plms": .pndm, "eulera": .eulerAncestral, "kdpmpp2m": .dpmpp2M, "keuler": .euler,
            "keulera": .eulerAncestral, "keulerancestral": .eulerAncestral, "kheun": .heun,
            "kdpmpp2msde": .dpmpp2MSDE, "dpmsolverpp": .dpmpp2M, "dpmsolvermultistep": .dpmpp2M,
        ]
    }
}

/// A sampler, with the spacing that older names of AUTOMATIC1111 end in: "DPM++ 2M Karras".
struct SamplerArgument: ExpressibleByArgument {
    let kind: SamplerKind
    let spacing: ScheduleType?

    static let allValueStrings = SamplerKind.allCases.map(\.rawValue)

    init?(argument: String) {
        if let kind = SamplerKind(argument: argument) {
            self.kind = kind
            spacing = nil
            return
        }
        let spacings: [ScheduleType] = [.karras, .exponential]
        let word = argument.plainWord
        for spacing in spacings where word.hasSuffix(spacing.rawValue) {
            guard let kind = SamplerKind(argument: String(word.dropLast(spacing.rawValue.count))) else { continue }
            self.kind = kind
            self.spacing = spacing
            return
        }
        return nil
    }
}
