#if canImport(Darwin)
    internal import Foundation
#else
    // The standard library composes, but only under this SPI so far; Foundation would bring the whole of ICU along.
    @_spi(_Unicode) internal import Swift
#endif

/// The text with every character composed (Unicode normalization form C).
func composed(_ text: String) -> String {
    // Below the first combining mark every text is composed already.
    guard text.unicodeScalars.contains(where: { $0.value >= 0x300 }) else { return text }
    #if canImport(Darwin)
        return text.precomposedStringWithCanonicalMapping
    #else
        var scalars = String.UnicodeScalarView()
        for scalar in text._nfc { scalars.append(scalar) }
        return String(scalars)
    #endif
}
