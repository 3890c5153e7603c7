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

    /// "1 to 1000 steps"
    public var allowed: String {
        "\(range.lowerBound) to \(range.upperBound)" + (unit.isEmpty ? "" : " \(unit)")
    }

    /// Throws `EditError.outOfRange` for a value outside; `nil` (not asked for) passes.
    public func check(_ value: Value?) throws(EditError) {
        guard let value, !range.contains(value) else { return }
        throw .outOfRange(setting: name, allowed: "from \(allowed)", found: "\(value)")
    }
}
