public import Tensors

/// The tensors of one network, by name.
public protocol WeightSource: Sendable {
    /// What errors about the source call it, usually a path.
    var file: String { get }
    /// All files that tensors come from; empty for weights in memory.
    var files: [MappedFile] { get }
    /// The name of every tensor that `tensor(_:)` returns, unordered.
    var names: [String] { get }
    /// The names of tensors that are there in a type the engine does not compute with, unordered. Includes integers and
    /// booleans, which are not weights.
    var unusableNames: [String] { get }
    /// `nil` where the source has no tensor of that name, or has it in a type the engine does not compute with.
    func tensor(_ name: String) -> WeightTensor?
    /// The type, as the file writes it, of a tensor that is there but in a type the engine does not compute with; else
    /// `nil`.
    func unusableElementType(_ name: String) -> String?
    /// The tensor of that name and shape.
    ///
    /// - Throws: `WeightError.missingTensors`, `.unsupportedElementType` or `.wrongShape`.
    func tensor(_ name: String, shape: [Int]) throws(WeightError) -> WeightTensor
    /// What the file calls the tensor, where it is not what the network does: for errors.
    func nameInFile(_ name: String) -> String
}

extension WeightSource {
    /// The names of all tensors, unordered.
    var allNames: [String] { names + unusableNames }
    /// Whether there is a tensor of that name, of whatever type.
    func has(_ name: String) -> Bool { tensor(name) != nil || unusableElementType(name) != nil }
    public func nameInFile(_ name: String) -> String { name }

    public func tensor(_ name: String, shape: [Int]) throws(WeightError) -> WeightTensor {
        guard let tensor = tensor(name) else {
            if let found = unusableElementType(name) {
                throw .unsupportedElementType(file: file, tensor: nameInFile(name), found: found)
            }
            throw .missingTensors(file: file, count: 1, first: [nameInFile(name)])
        }
        guard tensor.shape == shape else {
            throw .wrongShape(file: file, tensor: nameInFile(name), expected: shape, found: tensor.shape)
        }
        return tensor
    }
}
