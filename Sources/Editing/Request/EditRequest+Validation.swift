internal import Masking

extension EditRequest {
    /// Throws `EditError` for settings out of range and for a prompt longer than any encoder would read.
    public func validate() throws(EditError) {
        try settings.validate()
        if !protected.isEmpty, settings.composite == .raw { throw .protectionImpossible }
        if settings.composite == .stencil, mode != .inpaint { throw .stencilWithoutShape(mode: mode) }
        if let fill = settings.fill, fill.isPlaceholder, mode != .generate {
            if let detail = settings.detail, detail != .model {
                throw .placeholderKept(fill: fill.name, detail: detail)
            }
            if case .noise = fill, let strength = settings.strength, strength < 1 {
                throw .noiseKept(strength: strength)
            }
        }
        if settings.detail == .color, settings.fill != .original,
            mode == .inpaint || mode == .erase || mode == .outpaint
        {
            throw .colorOfFill(mode: mode)
        }
        for text in [prompt, negativePrompt] where text.utf8.count > EditSettings.promptLimit {
            throw .promptTooLong(bytes: text.utf8.count, limit: EditSettings.promptLimit)
        }
    }
}
