public import Diffusion
public import Raster

/// How fast each part of an edit runs on this machine, measured now.
public struct BenchReport {
    private let pipeline: DiffusionPipeline
    private let size: PixelSize
    private let repeats: Int
    private let parts: [PartTiming.Part]

    /// A part's figures.
    public struct Line {
        public let text: String
        public let json: JSONObject
    }

    /// Opens the model, to time those parts. Sides are rounded up to what it asks for.
    ///
    /// - Throws: `ModelError`.
    public init(
        model: ModelChoice, size: PixelSize, repeats: Int, parts: [PartTiming.Part] = PartTiming.Part.allCases
    ) throws {
        pipeline = try model.openPipeline()
        let multiple = pipeline.facts.pixelMultiple
        func up(_ side: Int) -> Int { (side + multiple - 1) / multiple * multiple }
        self.size = PixelSize(width: up(size.width), height: up(size.height))
        self.repeats = repeats
        self.parts = parts
    }

    /// What stands above the table.
    public var heading: String {
        """
        \(pipeline.facts.name), \(pipeline.facts.family), \(pipeline.precision.rawValue), \(size), median of \(repeats)
        \(Self.row(["part", "seconds", "GFLOP/s", "of the product's"]))
        """
    }

    /// Times every part in turn, then states the peak memory.
    ///
    /// - Parameters:
    ///   - observe: called between runs; what it throws stops the measurement and is thrown on.
    ///   - line: called with each part's figures.
    public func run(observe: () throws -> Void, line: (Line) throws -> Void) throws {
        var peak: Double?
        for part in parts {
            let timing = try pipeline.time(part, size: size, repeats: repeats, observe: observe)
            if part == .product { peak = timing.gigaflops }
            try line(
                Line(
                    text: Self.row([
                        part.rawValue, Figures.rounded(timing.medianSeconds, decimals: 3),
                        "\(Int(timing.gigaflops.rounded()))",
                        peak.map { "\(Int((100 * timing.gigaflops / $0).rounded())) %" } ?? "",
                    ]),
                    json: JSONObject([
                        ("part", .text(part.rawValue)), ("precision", .text(pipeline.precision.rawValue)),
                        ("width", .integer(size.width)), ("height", .integer(size.height)),
                        ("seconds", .number(timing.medianSeconds)),
                        ("attentionSeconds", .number(timing.attentionSeconds)), ("gflops", .number(timing.gigaflops)),
                        ("repeats", .integer(repeats)),
                    ])))
        }
        let memory = ProcessMemory.peakBytes
        try line(
            Line(
                text: Self.row(["memory", Figures.bytes(memory)]),
                json: JSONObject([("part", .text("memory")), ("peakMemoryBytes", .integer(memory))])))
        _ = pipeline.keepPackedWeights()
    }

    private static func row(_ cells: [String]) -> String {
        let widths = [8, 9, 9, 18]
        return zip(cells, widths).enumerated().map { index, cell in
            let padding = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
            return index == 0 ? cell.0 + padding : padding + cell.0
        }.joined(separator: " ")
    }
}
