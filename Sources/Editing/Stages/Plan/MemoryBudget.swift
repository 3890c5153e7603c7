/// What a run of a model may take of the memory, in bytes. A plan states it; the model has it during its runs only.
public struct MemoryBudget: Sendable, Equatable {
    /// For activations; a model takes no more than its own limit all the same.
    public var activations: Int
    /// For weights that stay between their uses.
    public var weights: Int
}

extension PictureModel {
    /// Does something within a budget, after which the model has its own limits again. `nil` changes nothing.
    func within<Value>(_ budget: MemoryBudget?, _ work: () throws -> Value) rethrows -> Value {
        guard let budget else { return try work() }
        let own = (activations: autoencoderMemory, weights: weightMemory)
        defer {
            autoencoderMemory = own.activations
            weightMemory = own.weights
        }
        autoencoderMemory = min(own.activations, budget.activations)
        weightMemory = budget.weights
        return try work()
    }
}
