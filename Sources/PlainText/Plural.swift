extension BinaryInteger {
    /// The number with what is counted: "1 step", "20 steps", "2 boxes" by `plural`.
    public func of(_ noun: String, plural: String? = nil) -> String {
        self == 1 ? "1 \(noun)" : "\(self) \(plural ?? noun + "s")"
    }

    /// The verb that follows: "1 byte ends", "2 bytes end".
    public func verb(_ one: String, _ several: String) -> String { self == 1 ? one : several }
}
