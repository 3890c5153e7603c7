extension String {
    /// For people who have to tell names apart: in quotes where white space stands at an end or twice, with characters
    /// that do not show as `\u{200B}`, line breaks and tabs as `printableLine` has them.
    public var quotedIfUnclear: String {
        let shown = unicodeScalars.map { scalar in
            if scalar == "\n" || scalar == "\t" { return String(scalar).lineWithControlsShown }
            return scalar.isUnseen
                ? "\\u{\(String(scalar.value, radix: 16, uppercase: true))}" : String(scalar)
        }.joined()
        let isUnclear = shown.isEmpty || shown.hasPrefix(" ") || shown.hasSuffix(" ") || shown.contains("  ")
        return isUnclear ? "'\(shown)'" : shown
    }
}

extension Unicode.Scalar {
    /// Whether it looks like nothing, or like a plain space without being one. `printable` shows other control characters.
    fileprivate var isUnseen: Bool {
        switch properties.generalCategory {
        case .format, .lineSeparator, .paragraphSeparator: true
        case .spaceSeparator: self != " "
        default: false
        }
    }
}
