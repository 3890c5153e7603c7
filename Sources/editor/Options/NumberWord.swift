internal import ArgumentParser
internal import Editing
internal import PlainText

/// A number as people write it on a command line: "20", "20.0", "0,5", "50 %", "3px", "−1".
struct NumberWord {
    /// As it was written, for whole numbers beyond 2⁵³.
    let digits: String
    let value: Double
    let isPercent: Bool

    /// `nil` for what is no number, or a number of something else.
    ///
    /// - Parameter units: what may stand behind it.
    init?(_ text: String, units: [String] = []) {
        var word = text.replacing("\u{2212}", with: "-").trimmed[...]
        for unit in units.sorted(by: { $0.count > $1.count }) where word.lowercased().hasSuffix(unit) {
            word = word.dropLast(unit.count)
            break
        }
        isPercent = word.hasSuffix("%")
        if isPercent { word = word.dropLast() }
        var plain = String(word).trimmed
        if plain.hasPrefix("+") { plain.removeFirst() }
        // A comma before three digits may part thousands.
        let parts = plain.split(separator: ",", omittingEmptySubsequences: false)
        if parts.count == 2, !plain.contains("."), !parts[1].isEmpty,
            parts[1].count < 3 || ["", "0", "-0"].contains(parts[0])
        {
            plain = parts.joined(separator: ".")
        }
        // Neither "nan" nor "0x10".
        guard plain.contains(where: \.isNumber), plain.allSatisfy({ "+-.0123456789eE".contains($0) }),
            let number = Double(plain.hasSuffix(".") ? plain + "0" : plain), number.isFinite
        else { return nil }
        digits = plain
        value = isPercent ? number / 100 : number
    }

    /// A whole number, also written as "20.0"; `nil` for another.
    var whole: Int? { isPercent ? nil : Int(digits) ?? Int(exactly: value) }
}

/// Turns a word of the command line into a value, or throws a `ValidationError` that says what was expected.
enum Form {
    typealias Transform<Value> = @Sendable (String) throws -> Value

    /// A whole number of pixels, steps and the like: "20", "64px".
    static func whole(_ range: SettingRange<Int>, example: Int) -> Transform<Int> {
        { text in
            guard let value = NumberWord(text, units: units(of: range.unit))?.whole else {
                throw expected("a whole number from \(range.allowed)", example: "\(example)")
            }
            return value
        }
    }

    /// A whole number of pixels in all, which may be millions: "64000000", "64M", "64MP".
    static func pixels(_ range: SettingRange<Int>, example: String) -> Transform<Int> {
        { text in
            let word = text.trimmed.lowercased()
            let stem = word.hasSuffix("mp") ? word.dropLast(2) : word.hasSuffix("m") ? word.dropLast() : word[...]
            let scale = stem.count < word.count ? 1e6 : 1
            guard let number = NumberWord(String(stem), units: units(of: range.unit)), !number.isPercent,
                let value = number.whole.flatMap({ scale == 1 ? $0 : nil })
                    ?? Int(exactly: (number.value * scale).rounded())
            else { throw expected("a number of pixels from \(range.bounds)", example: example) }
            return value
        }
    }

    /// A number: "7.5", "7,5".
    static func number<Value: BinaryFloatingPoint & Sendable>(
        _ range: SettingRange<Value>, example: String, factor: Bool = false
    ) -> Transform<Value> {
        { text in
            let word = NumberWord(text, units: factor ? ["x", "×", "times"] : units(of: range.unit))
            guard let word, factor || !word.isPercent else {
                throw expected("a number from \(range.allowed)", example: example)
            }
            return Value(word.value)
        }
    }

    /// A part of the whole: "0.5", "50%".
    static func share(_ range: SettingRange<Float>, example: String = "0.6 or 60%") -> Transform<Float> {
        { text in
            guard let word = NumberWord(text) else {
                throw expected("a share from \(range.bounds), or with %", example: example)
            }
            return Float(word.value)
        }
    }

    static func expected(_ what: String, example: String) -> ValidationError {
        ValidationError("expected \(what), for example \(example)")
    }

    private static func units(of unit: String) -> [String] {
        switch unit {
        case "": []
        case "pixels": ["px", "pixels", "pixel"]
        default: [unit, String(unit.dropLast())]
        }
    }
}
