/// How much noise is in the latents at each timestep.
public struct NoiseSchedule: Sendable {
    /// Which of the training timesteps are visited.
    public enum Spacing: String, Sendable, CaseIterable {
        case linear, karras, exponential, trailing
    }
}
