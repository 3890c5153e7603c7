/// What is done to a picture. All modes are one pipeline with different settings.
public enum EditMode: String, Sendable, CaseIterable {
    /// Repaint the masked part from a prompt.
    case inpaint
    /// Extend the canvas: the new panels are the mask.
    case outpaint
    /// Rework the picture from a prompt, with an optional mask.
    case remix
    /// Rework the picture without a prompt.
    case variations
    /// Paint a new picture from a prompt.
    case generate
    /// Remove what the mask covers and continue its surroundings.
    case erase
}
