/// File names of the system, which are bytes, as text.
///
/// Most names are UTF-8. Of another, each byte that is none becomes one private scalar, U+10FE80 to U+10FEFF, so that
/// the text can be taken apart, put together and given back as the same bytes, as Python's surrogateescape does (PEP
/// 383). Names that hold these scalars themselves are treated as bytes, so that no two names become one text.
extension String {
    private static var escapeBase: UInt32 { 0x10_FE00 }

    private static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        let value = scalar.value
        return value >= escapeBase + 0x80 && value <= escapeBase + 0xFF ? UInt8(value - escapeBase) : nil
    }

    /// The text of a name's bytes.
    public init(nativeBytes bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        // The scalars of the escape all begin with this byte.
        if !bytes.contains(0xF4), let text = String(validating: bytes, as: UTF8.self) {
            self = text
            return
        }
        var scalars = String.UnicodeScalarView()
        var index = 0
        while index < bytes.count {
            let lead = bytes[index]
            let length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
            if index + length <= bytes.count,
                let text = String(validating: bytes[index ..< index + length], as: UTF8.self),
                text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first, Self.byte(of: scalar) == nil
            {
                scalars.append(scalar)
                index += length
                continue
            }
            if let escape = Unicode.Scalar(Self.escapeBase + UInt32(lead)) { scalars.append(escape) }
            index += 1
        }
        self = String(scalars)
    }

    /// The text of a name that the system gave, which ends with a 0.
    public init(nativePath path: UnsafePointer<CChar>) {
        var bytes: [UInt8] = []
        var next = unsafe path
        while unsafe next.pointee != 0 {
            bytes.append(UInt8(truncatingIfNeeded: unsafe next.pointee))
            unsafe next += 1
        }
        self.init(nativeBytes: bytes)
    }

    /// The bytes that the system knows the name by, without a 0 at the end.
    public var nativeBytes: [UInt8] {
        guard utf8.contains(0xF4) else { return Array(utf8) }
        var bytes: [UInt8] = []
        for scalar in unicodeScalars {
            if let byte = Self.byte(of: scalar) { bytes.append(byte) } else { bytes += Array(String(scalar).utf8) }
        }
        return bytes
    }

    /// The same with a 0 at the end, as the system's functions take it.
    public var nativePath: [CChar] { nativeBytes.map { CChar(truncatingIfNeeded: $0) } + [0] }

    /// Bytes that are no UTF-8 as `\xE9`, for text that must be UTF-8.
    public var withBytesShown: String {
        guard utf8.contains(0xF4) else { return self }
        return showing { Self.byte(of: $0).map(UInt32.init) }
    }

    /// Bytes that are no UTF-8 as what JSON writes for their scalars, `\udbff\udee9`, in a text that is JSON: whoever
    /// reads it has the same name.
    public var withBytesEscaped: String {
        guard utf8.contains(0xF4) else { return self }
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            guard Self.byte(of: scalar) != nil else {
                text.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 { text.append(contentsOf: "\\u\(String(unit, radix: 16))".unicodeScalars) }
        }
        return String(text)
    }

    /// For people: the same, with control characters other than a line break and a tab shown so, too.
    public var printable: String {
        showing { scalar in
            if let byte = Self.byte(of: scalar) { return UInt32(byte) }
            return Self.isControl(scalar) ? scalar.value : nil
        }
    }

    /// The same for one line: line breaks and tabs are shown so, too.
    public var printableLine: String {
        showing { scalar in Self.byte(of: scalar).map(UInt32.init) ?? (scalar.isControl ? scalar.value : nil) }
    }

    /// For a terminal: the same, but the bytes of a name stay what they are.
    public var withControlsShown: String { showing { Self.isControl($0) ? $0.value : nil } }

    /// The same for one line.
    public var lineWithControlsShown: String { showing { $0.isControl ? $0.value : nil } }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isControl && scalar != "\n" && scalar != "\t"
    }

    /// With the scalars for which `code` has a number as that number.
    private func showing(_ code: (Unicode.Scalar) -> UInt32?) -> String {
        guard unicodeScalars.contains(where: { code($0) != nil }) else { return self }
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if let code = code(scalar) {
                let digits = String(code, radix: 16, uppercase: true)
                text.append(contentsOf: ("\\x" + (code < 16 ? "0" : "") + digits).unicodeScalars)
            } else {
                text.append(scalar)
            }
        }
        return String(text)
    }

    /// For text that is no name, such as a prompt: U+FFFD in the place of what was no UTF-8.
    public var repaired: String {
        guard utf8.contains(0xF4) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { Self.byte(of: $0) == nil ? $0 : "\u{FFFD}" }))
    }
}

extension Unicode.Scalar {
    var isControl: Bool { properties.generalCategory == .control }
}
