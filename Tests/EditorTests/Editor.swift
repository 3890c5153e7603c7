import Foundation
import ImageFiles
import Raster

/// The built program, run as a user runs it, in a folder of its own.
final class Editor {
    struct Outcome {
        var code: Int32
        var output: String
        var outputBytes: [UInt8]
        var error: String

        /// The lines of standard error.
        var errorLines: [Substring] { error.split(separator: "\n") }
    }

    let folder: URL
    /// Set for the program beside what the tests run in.
    var environment: [String: String] = [:]

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "editor-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Beside the test bundle, where the build puts products.
    static var program: URL {
        let candidates = [CommandLine.arguments[0], Bundle.main.bundlePath] + Bundle.allBundles.map(\.bundlePath)
        for candidate in candidates {
            var folder = URL(fileURLWithPath: candidate).deletingLastPathComponent()
            // On macOS the bundle is a folder that holds the executable some levels down.
            for _ in 0 ..< 4 {
                let program = folder.appending(path: "editor")
                var isFolder: ObjCBool = false
                if FileManager.default.fileExists(atPath: program.path(), isDirectory: &isFolder), !isFolder.boolValue {
                    return program
                }
                folder.deleteLastPathComponent()
            }
        }
        preconditionFailure("the program was not built beside the tests")
    }

    /// Starts the program without waiting for it.
    func start(_ arguments: [String], input: Any? = FileHandle.nullDevice) throws -> (Process, Pipe, Pipe) {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments
        process.currentDirectoryURL = folder
        var environment = ProcessInfo.processInfo.environment
        environment["XDG_CACHE_HOME"] = folder.appending(path: ".cache").path()
        environment["COLUMNS"] = "80"
        // Nothing that the user has settled.
        environment["XDG_CONFIG_HOME"] = folder.appending(path: ".config").path()
        environment["HF_HUB_CACHE"] = folder.appending(path: ".hub").path()
        environment.merge(self.environment) { $1 }
        process.environment = environment
        let output = Pipe()
        let error = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = error
        try process.run()
        return (process, output, error)
    }

    func run(_ arguments: [String], input: [UInt8]? = nil) throws -> Outcome {
        let pipe = Pipe()
        let (process, output, error) = try start(arguments, input: input == nil ? FileHandle.nullDevice : pipe)
        if let input {
            // From another thread: a pipe holds little, and the program may answer before it has read all.
            Thread.detachNewThread {
                try? pipe.fileHandleForWriting.write(contentsOf: Data(input))
                try? pipe.fileHandleForWriting.close()
            }
        }
        return Self.outcome(of: process, output, error)
    }

    static func outcome(of process: Process, _ output: Pipe, _ error: Pipe) -> Outcome {
        // Both streams are read at once: the program stops when either pipe is full.
        let errors = Collected()
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            errors.data = error.fileHandleForReading.readDataToEndOfFile()
            done.signal()
        }
        // A program that hangs must not hang the tests.
        // It stays in the queue even when cancelled, so it must not hold the process, and with it the pipes.
        let watchdog = DispatchWorkItem { [id = process.processIdentifier] in kill(id, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: watchdog)
        defer { watchdog.cancel() }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        done.wait()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
            output: String(decoding: bytes, as: UTF8.self), outputBytes: Array(bytes),
            error: String(decoding: errors.data, as: UTF8.self))
    }

    /// Handed from one thread to the other by a semaphore.
    private final class Collected: @unchecked Sendable {
        // Sendable: written before the signal, read after the wait.
        var data = Data()
    }

    func path(_ name: String) -> String { folder.appending(path: name).path() }

    /// What lies in the folder, hidden files left out.
    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []).filter { !$0.hasPrefix(".") }
            .sorted()
    }

    /// What else lies there.
    var hiddenNames: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path()).filter { $0.hasPrefix(".") } }
    }

    func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    func write(_ bytes: some Sequence<UInt8>, _ name: String) throws {
        try Data(bytes).write(to: folder.appending(path: name))
    }

    func write(_ picture: Picture, _ name: String) throws {
        try ImageFile.write(picture, to: path(name), format: ImageFormat(pathExtensionOf: name) ?? .png)
    }

    /// A picture of 64×48 and masks for it.
    func writePictures() throws {
        let size = PixelSize(width: 64, height: 48)
        let samples = (0 ..< size.area * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 / 11) }
        try write(Picture(size: size, layout: .rgb, samples: .eight(samples)), "a.png")
        try write(Picture(size: size, layout: .rgb, samples: .eight(samples)), "a.jpg")
        func mask(_ name: String, size: PixelSize = size, where isWhite: (Int, Int) -> Bool) throws {
            let samples: [UInt8] = (0 ..< size.area).map { isWhite($0 % size.width, $0 / size.width) ? 255 : 0 }
            try write(Picture(size: size, layout: .gray, samples: .eight(samples)), name)
        }
        try mask("m.png") { x, y in (20 ..< 40).contains(x) && (10 ..< 30).contains(y) }
        try mask("empty.png") { _, _ in false }
        try mask("small.png", size: PixelSize(width: 32, height: 32)) { _, _ in true }
    }
}
