internal import CParallel
internal import Diffusion
internal import ImageFiles
public import PlainText
internal import Raster
internal import Tensors

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// What this machine can do, which model would be used, and what an edit will cost, measured now.
public struct MachineReport: Sendable {
    private var entries: [FileReport.Entry]

    /// Opens the model and, where that works, times a short edit at its native size.
    ///
    /// - Parameter observe: called between steps; what it throws stops the measurement and is thrown on.
    public init(model: ModelChoice, observe: () throws -> Void) throws {
        entries = Self.machine(model)
        let opened: any PictureModel
        do {
            opened = try model.open()
        } catch {
            entries.append(.init(label: "model", sentence: "none: \(error)", name: "model", value: .null))
            return
        }
        entries += opened.facts.entries
        let precision = (model.precision ?? .automatic).rawValue
        entries.append(.init(label: "precision", text: precision, name: "precision", value: .text(precision)))
        entries += try Cost(of: opened, observe: observe).entries
    }

    /// One fact a line.
    public func text(namedBy naming: some SettingNaming = .keys) -> String {
        FileReport.text(of: entries, namedBy: naming)
    }
    public var json: JSONObject { FileReport.json(of: entries) }

    private static func machine(_ model: ModelChoice) -> [FileReport.Entry] {
        let processors = Int(parallel_processors())
        let total = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
        var entries: [FileReport.Entry] = [
            .init(label: "version", text: Release.name, name: "version", value: .text(Release.version)),
            .init(
                label: "instructions", text: Compute.instructionSet, name: "instructionSet",
                value: .text(Compute.instructionSet)),
            .init(
                label: "bf16", text: Compute.hasNativeBFloat16 ? "native" : "emulated, f32 is the default",
                name: "hasNativeBF16", value: .flag(Compute.hasNativeBFloat16)),
            .init(
                label: "oneDNN", text: Compute.libraryVersion, name: "oneDNN", value: .text(Compute.libraryVersion)),
            .init(
                label: "threads", text: "\(model.threads ?? Compute.threads) of \(processors.of("processor"))",
                name: "threads",
                value: .integer(model.threads ?? Compute.threads)),
            .init(label: "memory", text: Figures.bytes(total), name: "memoryBytes", value: .integer(total)),
        ]
        let formats = ImageFormat.allCases.filter(\.isReadable).map {
            $0.displayName + ($0 == .jpeg && ImageFormat.readsDeepJPEG ? " (8 and 12 bits)" : "")
        }
        entries.append(
            .init(
                label: "pictures", text: formats.joined(separator: ", "), name: "formats",
                value: .list(formats.map { .text($0) })))
        if let name = processorName {
            entries.insert(.init(label: "processor", text: name, name: "processor", value: .text(name)), at: 1)
        }
        if let available = availableMemory {
            entries.append(
                .init(
                    label: "free memory", text: Figures.bytes(available), name: "availableMemoryBytes",
                    value: .integer(available)))
        }
        return entries
    }

    private static var processorName: String? {
        #if os(Linux)
            return field("model name", of: "/proc/cpuinfo")
        #else
            var length = 0
            guard sysctlbyname("machdep.cpu.brand_string", nil, &length, nil, 0) == 0, length > 1 else { return nil }
            var bytes = [UInt8](repeating: 0, count: length)
            guard sysctlbyname("machdep.cpu.brand_string", &bytes, &length, nil, 0) == 0 else { return nil }
            return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        #endif
    }

    /// What can be had without swapping, in bytes; `nil` where the system does not say.
    private static var availableMemory: Int? {
        field("MemAvailable", of: "/proc/meminfo")?.split(separator: " ").first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// The value of the first line "name : value" of a file of the proc file system.
    private static func field(_ name: String, of path: String) -> String? {
        FileSystem.text(of: path)?.split(separator: "\n").first { $0.hasPrefix(name) }?
            .split(separator: ":", maxSplits: 1).dropFirst().first
            .map { String($0.drop { $0 == " " || $0 == "\t" }) }
    }
}

/// What an edit of a model's native size takes, by a measurement of two steps.
private struct Cost {
    let entries: [FileReport.Entry]

    init(of model: any PictureModel, observe: () throws -> Void) throws {
        let facts = model.facts
        let side = facts.nativeSize
        let size = PixelSize(width: side, height: side)
        let steps = facts.defaults.steps ?? 20
        // Two steps: the first also prepares the network, the second is what each further one takes.
        let request = DenoiseRequest(
            conditioning: .masked(
                RGBImage(size: size, repeating: (0.5, 0.5, 0.5)), mask: Plane(size: size, repeating: 1)),
            prompt: "a landscape", seeds: [0], steps: 2, guidance: facts.defaults.guidance ?? 7.5)
        let clock = ContinuousClock()
        let start = clock.now
        var stepEnds: [ContinuousClock.Instant] = []
        try model.run(
            request,
            progress: { progress in
                try observe()
                if progress.part == .denoise, progress.step > 0 { stepEnds.append(clock.now) }
            }, finished: { _ in })
        let total = (clock.now - start) / .seconds(1)
        var perStep = total / 2
        if stepEnds.count >= 2 {
            perStep = (stepEnds[stepEnds.count - 1] - stepEnds[stepEnds.count - 2]) / .seconds(1)
        }
        let seconds = total + perStep * Double(steps - 2)
        let peak = ProcessMemory.peakBytes
        entries = [
            .init(
                label: "a step", text: "\(Figures.seconds(perStep)) at \(side)×\(side), measured now",
                name: "secondsPerStep", value: .number(perStep)),
            .init(
                label: "an edit",
                text:
                    "about \(Figures.duration(seconds)) for \(steps.of("step")) at \(side)×\(side), \(Figures.bytes(peak)) of memory",
                name: "secondsPerEdit", value: .number(seconds)),
            .init(
                label: "peak memory", text: Figures.bytes(peak), name: "peakMemoryBytes", value: .integer(peak)),
        ]
    }
}
