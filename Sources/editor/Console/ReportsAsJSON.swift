/// A command that may be asked to report in JSON, its failures too.
protocol ReportsAsJSON {
    var reportsAsJSON: Bool { get }
}
