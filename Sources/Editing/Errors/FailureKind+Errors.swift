internal import Diffusion
internal import ImageFiles
internal import Masking
internal import Tensors

extension FailureKind {
    /// Whose fault an error of any stage is; `nil` for an error that no stage declares.
    public init?(_ error: any Error) {
        switch error {
        case let error as any Failing: self = error.kind
        case let error as ImageFileError:
            self =
                switch error.category {
                case .badData: .badData
                case .noInput: .noInput
                case .cannotCreate: .cannotCreate
                case .inputOutput: .inputOutput
                }
        case is MaskError: self = .badData
        case is OutpaintError, is MaskShapeError: self = .usage
        case is SelectionError: self = .badData
        case TextShapeError.nothingToDraw, TextShapeError.tooLong, TextShapeError.tooManyLines: self = .usage
        case is TextShapeError: self = .badData
        case SamplingError.stepsOutOfRange, SamplingError.unsupportedSchedule: self = .usage
        case ModelError.unsupportedPrecision: self = .usage
        case ModelError.notWritten: self = .inputOutput
        // As of a picture that does not fit.
        case ComputeError.outOfMemory, WeightError.outOfMemory: self = .badData
        case is ModelError, is AdapterError, is WeightError, is ConfigurationError, is NetworkError, is TokenizerError,
            is SamplingError:
            self = .modelUnusable
        case ComputeError.libraryMissing: self = .modelUnusable
        case is ComputeError: self = .internalFault
        case is CancellationError: self = .interrupted
        default: return nil
        }
    }
}
