internal import Tensors

/// The arithmetic of a run.
public enum Precision: String, Sendable, CaseIterable {
    /// The reference: agrees with diffusers.
    case f32
    /// bfloat16 operands and activations, sums in f32.
    case bf16
    /// The denoiser's convolutions and linear layers in 8 bits, but for the first and last convolution, the timestep's
    /// layers and the text's keys and values; the rest as in `automatic`.
    case int8

    /// bf16 where the CPU multiplies it natively, else f32.
    public static var automatic: Precision { Compute.hasNativeBFloat16 ? .bf16 : .f32 }

    /// What activations are.
    var elementType: ElementType {
        switch self {
        case .f32: .float32
        case .bf16: .bfloat16
        case .int8: Self.automatic.elementType
        }
    }

    var denoiserArithmetic: ProductArithmetic { self == .int8 ? .int8 : .likeTensors }

    /// Bytes an activation.
    public var activationSize: Int { elementType.size }

    /// About how many bytes a parameter takes, the packed layouts' padding not counted. In 8 bits Winograd's weights are
    /// 16/9 as many, and text encoder and autoencoder are not in 8 bits.
    public var bytesPerParameter: Double {
        switch self {
        case .f32: 4
        case .bf16: 2
        case .int8: 1.5
        }
    }
}
