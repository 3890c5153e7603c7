import Tensors

@testable import Diffusion

private let model = try! ModelFiles(.embedded)
private let denoiser = try! model.weights("unet")

/// Reads bytes as a safetensors file that is a LoRA or an embedding, in every layout of names, and adds its layers to
/// weights of their shape; or, where they are none, as names, one a line.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: count)
    guard let file = unsafe try? SafetensorsFile(staticBytes: bytes, name: "input.safetensors") else {
        for line in bytes.split(separator: 0x0A).prefix(100) {
            guard let key = LoRAKey(String(decoding: line, as: UTF8.self)) else { continue }
            precondition(key.layer.utf8.count <= 3 * line.count + 16)
        }
        return 0
    }
    _ = try? LearnedToken.read(file)
    guard let lora = try? LoRAFile(file, metadata: file.header.metadata) else { return 0 }
    _ = AdapterFacts(lora)
    // Its own layers as a model's, whose names then are the file's.
    for part in [LoRAKey.Part.denoiser, .textEncoder] {
        let table = LayerTable(part, file)
        _ = table.numbered(lora.layers.values.compactMap(\.changedShape))
    }
    for layer in lora.layers.values.prefix(50) {
        guard let shape = layer.changedShape,
            shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) <= 1 << 16,
            shape.allSatisfy({ $0 <= 1 << 16 }), layer.fits(shape)
        else { continue }
        var values = [Float](repeating: 0.5, count: shape.reduce(1, *))
        layer.apply(to: &values, shape: shape, weight: 0.8)
    }
    _ = try? MatchedAdapters.adapted(denoiser, part: "unet", by: lora, model: "model")
    return 0
}
