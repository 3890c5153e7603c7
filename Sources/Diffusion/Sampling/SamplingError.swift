/// Why a sampler cannot be made from a configuration and a request.
public enum SamplingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The steps asked for are not among those the sampler can take.
    case stepsOutOfRange(sampler: SamplerKind, steps: Int, allowed: ClosedRange<Int>)
    /// The sampler has no such schedule.
    case unsupportedSchedule(sampler: SamplerKind, schedule: ScheduleType)
    /// The model's scheduler_config.json names a class that no sampler here stands for.
    case unknownScheduler(String)
    /// A setting of the model's scheduler_config.json that no sampler here implements.
    case unsupportedSetting(String)
    /// Values of the configuration that make no schedule.
    case badSchedule(reason: String)

    public var description: String {
        switch self {
        case .stepsOutOfRange(let sampler, let steps, let allowed):
            "The sampler \(sampler.rawValue) takes \(allowed.lowerBound)–\(allowed.upperBound) steps with this model, not \(steps)."
        case .unsupportedSchedule(let sampler, let schedule):
            "The sampler \(sampler.rawValue) has no \(schedule.rawValue) schedule."
        case .unknownScheduler(let name):
            "The model's scheduler '\(name)' is not known; name a sampler instead."
        case .unsupportedSetting(let key):
            "The model's scheduler asks for '\(key)', which no sampler here implements."
        case .badSchedule(let reason):
            "The model's scheduler makes no noise schedule: \(reason)."
        }
    }
}
