import Glibc
import Tensors

@testable import Diffusion

private let path = "/dev/shm/editor-fuzz-\(getpid())"

/// Reads bytes as a file of PyTorch's (zip archive, legacy or bare pickle) and every tensor in it to the last byte, then
/// looks for a checkpoint among them.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0, unsafe write(descriptor, data, count) == count else { fatalError("cannot write \(path)") }
    close(descriptor)
    defer { unlink(path) }
    guard let file = try? PyTorchFile(path: path) else { return 0 }
    for name in file.names {
        guard let tensor = file.tensor(name) else { preconditionFailure("a name without a tensor") }
        let sum = unsafe tensor.bytes.reduce(0) { $0 &+ Int($1) }
        precondition(sum >= 0 && tensor.floats().count == tensor.count)
    }
    _ = try? LDMCheckpoint(file, hints: file.numbers)
    return 0
}
