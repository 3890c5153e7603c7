/// Which release this is.
public enum Release {
    public static let version = "0.1.0"
    /// As manual pages write it.
    public static let date = "November 21, 2026"
    /// As pictures and pages name the program: "editor 0.1.0".
    public static let name = "editor \(version)"
}
