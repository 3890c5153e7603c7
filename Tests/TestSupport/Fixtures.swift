/// The folder of pictures, models and tensors that tests compare with.
public enum Fixtures {
    public static let root: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/") + "/fixtures"
    }()
}
