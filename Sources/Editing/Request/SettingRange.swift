/// The values that a numeric setting accepts, with what its help says about them.
public struct SettingRange<Value: Comparable & Sendable>: Sendable {
    /// As the command line spells it, without dashes.
    public let name: String
    /// What is counted, for example "pixels"; empty for a bare ratio.
    public let unit: String
    public let range: ClosedRange<Value>

    public init(_ name: String, _ unit: String, _ range: ClosedRange<Value>) {
        self.name = name
        self.unit = unit
        self.range = range
    }

    /// "1 to 1000"
    public var bounds: String { "\(Self.text(of: range.lowerBound)) to \(Self.text(of: range.upperBound))" }
    /// "1 to 1000 steps"
    public var allowed: String { bounds + (unit.isEmpty ? "" : " \(unit)") }

    /// Throws `EditError.outOfRange` for a value outside; `nil` (not asked for) passes.
    public func check(_ value: Value?) throws(EditError) {
        guard let value, !range.contains(value) else { return }
        throw .outOfRange(setting: name, allowed: "from \(allowed)", found: Self.text(of: value))
    }

    /// A whole number without a point, whatever its type.
    private static func text(of value: Value) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
