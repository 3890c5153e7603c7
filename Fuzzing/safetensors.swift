import Tensors

@testable import Diffusion

/// Reads bytes as a safetensors file and every tensor in it to the last byte, then looks for a checkpoint among them.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: count)
    guard let file = unsafe try? SafetensorsFile(staticBytes: bytes, name: "input") else { return 0 }
    for name in file.names {
        guard let tensor = file.tensor(name) else { preconditionFailure("a name without a tensor") }
        let sum = unsafe tensor.bytes.reduce(0) { $0 &+ Int($1) }
        precondition(sum >= 0 && tensor.floats().count == tensor.count)
    }
    _ = try? LDMCheckpoint(file, hints: file.header.metadata)
    return 0
}
