internal import PlainText

/// Quantities as people read them.
public enum Figures {
    /// "18 bytes", "40 kB", "850 MB", "3.7 GB"; decimal multiples.
    public static func bytes(_ count: Int) -> String {
        if count < 1000 { return count.of("byte") }
        if count < 1_000_000 { return "\(min(999, Int((Double(count) / 1e3).rounded()))) kB" }
        let megabytes = Double(count) / 1e6
        return megabytes < 1000 ? "\(Int(megabytes.rounded())) MB" : "\(rounded(megabytes / 1000, decimals: 1)) GB"
    }

    /// "859.5 million".
    public static func count(_ count: Int) -> String {
        switch count {
        case ..<1_000_000: "\(count)"
        case ..<1_000_000_000: "\(rounded(Double(count) / 1e6, decimals: 1)) million"
        default: "\(rounded(Double(count) / 1e9, decimals: 2)) thousand million"
        }
    }

    /// "0.38 s", "12.4 s".
    public static func seconds(_ seconds: Double) -> String {
        "\(rounded(seconds, decimals: seconds < 10 ? 2 : 1)) s"
    }

    /// "40 s", "2 min 5 s", "1 h 20 min".
    public static func duration(_ seconds: Double) -> String {
        let whole = seconds.isFinite ? Int(min(seconds, 1e9).rounded(.up)) : 0
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }

    /// With exactly that many decimals, 1 to 3.
    static func rounded(_ value: Double, decimals: Int) -> String {
        let scale = decimals == 1 ? 10 : decimals == 2 ? 100 : 1000
        guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
        let units = Int((value * Double(scale)).rounded())
        let fraction = String(abs(units % scale))
        return
            "\(units < 0 ? "-" : "")\(abs(units / scale)).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
    }
}
