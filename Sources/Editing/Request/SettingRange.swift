/// The values that a setting of numbers accepts, with what its help says about them.
public struct SettingRange<Value: Comparable & Sendable>: Sendable {
    /// What is counted, for example "pixels"; empty for a bare ratio.
    public let unit: String
    public let range: ClosedRange<Value>

    public init(_ unit: String, _ range: ClosedRange<Value>) {
        self.unit = unit
        self.range = range
    }

    /// "1 to 1000"
    public var bounds: String { "\(Self.text(of: range.lowerBound)) to \(Self.text(of: range.upperBound))" }
    /// "1 to 1000 steps"
    public var allowed: String { bounds + (unit.isEmpty ? "" : " \(unit)") }

    public func contains(_ value: Value) -> Bool { range.contains(value) }

    /// A whole number without a point, whatever its type.
    public static func text(of value: Value) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
