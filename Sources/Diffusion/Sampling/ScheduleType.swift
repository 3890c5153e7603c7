/// Which of the training timesteps are visited.
public enum ScheduleType: String, Sendable, CaseIterable {
    /// Evenly spaced, in the way the model's configuration says.
    case linear
    /// σ^(1/7) evenly spaced (arXiv 2206.00364, equation 5).
    case karras
    /// log σ evenly spaced.
    case exponential
    /// Evenly spaced back from the very last timestep (arXiv 2305.08891, table 2).
    case trailing
}
