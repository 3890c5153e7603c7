import Glibc
import Tensors

@testable import Diffusion

private let path = "/dev/shm/editor-fuzz-gguf-\(getpid())"

/// Reads bytes as a GGUF file and every tensor in it to the last element, then looks for a checkpoint among them.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0, unsafe write(descriptor, data, count) == count else { fatalError("cannot write \(path)") }
    close(descriptor)
    defer { unlink(path) }
    guard let file = try? GGUFFile(path: path) else { return 0 }
    var left = 1 << 22
    for name in file.names {
        guard let tensor = file.tensor(name) else { preconditionFailure("a name without a tensor") }
        // Tensors may share their bytes, so that a small file has any number of them.
        left -= tensor.count
        guard left > 0 else { break }
        let sum = unsafe tensor.bytes.reduce(0) { $0 &+ Int($1) }
        precondition(sum >= 0 && tensor.floats().count == tensor.count)
    }
    _ = try? LDMCheckpoint(file, hints: file.metadata)
    return 0
}
