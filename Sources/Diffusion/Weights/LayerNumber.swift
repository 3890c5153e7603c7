extension StringProtocol {
    /// The number of a layer or level in a tensor's name; `nil` for other text, or for numbers large enough to
    /// overflow, which no network has.
    var layerNumber: Int? {
        guard utf8.count <= 4, let number = Int(self), number >= 0 else { return nil }
        return number
    }
}
