public import Masking

extension Fill {
    /// As the command line and models spell it; a colour is just "color".
    public var name: String {
        switch self {
        case .blurred: "fill"
        case .patchmatch: "patchmatch"
        case .noise: "noise"
        case .original: "original"
        case .color: "color"
        }
    }

    /// The fills without parameters by name, and colours as `#rrggbb`; `nil` for anything else.
    public init?(name: String) {
        switch name {
        case "fill": self = .blurred
        case "patchmatch": self = .patchmatch
        case "noise": self = .noise
        case "original": self = .original
        default:
            let digits = name.dropFirst()
            guard name.hasPrefix("#"), digits.count == 6, digits.allSatisfy(\.isHexDigit),
                let value = UInt32(digits, radix: 16)
            else { return nil }
            self = .color(
                red: Float(value >> 16) / 255, green: Float(value >> 8 & 255) / 255, blue: Float(value & 255) / 255)
        }
    }
}

extension Fill {
    /// A colour as `#rrggbb`, to the nearest of 8 bits; `nil` for another fill, or a colour that is none.
    var hexName: String? {
        guard case .color(let red, let green, let blue) = self,
            [red, green, blue].allSatisfy({ 0 <= $0 && $0 <= 1 })
        else { return nil }
        let digits = [red, green, blue].map { share in
            let value = UInt8((share * 255).rounded())
            return (value < 16 ? "0" : "") + String(value, radix: 16)
        }
        return "#" + digits.joined()
    }
}
