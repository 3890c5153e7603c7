internal import Tensors

/// The arithmetic of a run.
public enum Precision: String, Sendable, CaseIterable {
    /// The reference: agrees with diffusers.
    case f32
    /// bfloat16 operands and activations, sums in f32.
    case bf16

    /// bf16 where the CPU multiplies it natively, else f32.
    public static var automatic: Precision { Compute.hasNativeBFloat16 ? .bf16 : .f32 }

    var elementType: ElementType { self == .f32 ? .float32 : .bfloat16 }
}
