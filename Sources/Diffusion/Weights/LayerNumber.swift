extension StringProtocol {
    /// The number of a layer or level in a tensor's name; `nil` for other text and for numbers that no network has,
    /// which could not be reckoned with.
    var layerNumber: Int? {
        guard utf8.count <= 4, let number = Int(self), number >= 0 else { return nil }
        return number
    }
}
