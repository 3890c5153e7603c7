import ArgumentParser
import Glibc
import Raster

@testable import Editing
@testable import Masking
@testable import editor

private let folder = "/dev/shm/editor-fuzz-request-\(getpid())"

/// Reads lines as the words of a command line and looks at what they ask for, as far as no file is needed: the masks
/// are drawn, the canvas is planned, the settings are checked. What is no command must be answered by a sentence.
///
/// A first line of `{` is JSON instead: what a hub's listing or a folder's record of what was pulled may hold.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = unsafe String(decoding: UnsafeBufferPointer(start: data, count: count), as: UTF8.self)
    if text.hasPrefix("{") {
        let manifest = folder + "/" + PullManifest.name
        mkdir(folder, 0o700)
        defer {
            unlink(manifest)
            rmdir(folder)
        }
        _ = FileSystem.write(text, to: manifest)
        _ = PullManifest(in: folder)
        return 0
    }
    let words = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    _ = try? ModelHub.Reference(words.last ?? "")
    let command: any ParsableCommand
    do {
        command = try EditorCommand.parseAsRoot(words)
    } catch {
        precondition(EditorCommand.exitCode(for: error) == .success || !Failure(error).sentence.isEmpty)
        return 0
    }
    let size = PixelSize(width: 40, height: 30)
    switch command {
    case let command as OutpaintCommand:
        if let plan = try? command.canvas.change().plan(for: size), plan.canvasSize.area <= 1 << 16 {
            precondition(plan.mask.size == plan.canvasSize)
        }
        check(command.shared, size: size)
    case let command as InpaintCommand:
        draw(command.maskSources, size: size)
        check(command.shared, size: size)
    case let command as EraseCommand:
        draw(command.maskSources, size: size)
        check(command.shared, size: size)
    case let command as RemixCommand: check(command.shared, size: size)
    case let command as VariationsCommand: check(command.shared, size: size)
    case let command as GenerateCommand: check(command.shared, size: size)
    default: break
    }
    return 0
}

private func check(_ shared: SharedOptions, size: PixelSize) {
    _ = try? shared.settings.validate()
    _ = shared.running.added.adapters
}

private func draw(_ sources: MaskSourceOptions, size: PixelSize) {
    // Without those on standard input, which nobody gives here.
    guard !sources.inputs.contains("-"), let masks = try? sources.sources(positional: nil, InputResolver()) else {
        return
    }
    for case .shape(let shape) in masks {
        let mask = shape.mask(size: size)
        precondition(mask.coverage.values.allSatisfy { $0 >= 0 && $0 <= 1 })
    }
}
