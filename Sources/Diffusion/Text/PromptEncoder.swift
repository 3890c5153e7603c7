internal import Tensors

/// Prompts to what the denoiser attends to.
struct PromptEncoder {
    let configuration: TextEncoderConfiguration
    private let encoder: TextEncoder

    init(files: ModelFiles, weights: any WeightSource) throws {
        configuration = try TextEncoderConfiguration(files.configuration("text_encoder/config.json"))
        encoder = try TextEncoder(configuration: configuration, weights: weights)
    }

    func callAsFunction(_ prompts: [String], _ compute: Compute) throws -> Tensor {
        fatalError()
    }
}
