internal import Masking
internal import PlainText
internal import Raster

extension EditRequest {
    /// Throws `EditError` for settings out of range, for such as exclude each other or have no meaning for the mode, and
    /// for a prompt longer than any encoder would read.
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
        for (key, sources) in [(SettingKey.masks, masks), (.protected, protected)] {
            guard sources.count <= EditSettings.maskLimit else { throw .tooManyMasks(key, count: sources.count) }
        }
        try validateExtent()
    }

    /// What the mode makes of its canvas.
    private func validateExtent() throws(EditError) {
        switch mode {
        case .outpaint:
            guard let canvas else { throw .noCanvas }
            try canvas.validate()
        case .generate:
            if settings.strength != nil { throw .notForMode(.strength, mode: mode) }
            if let size {
                let sides = EditSettings.sides
                guard sides.contains(size.width), sides.contains(size.height) else {
                    throw .sideOutOfRange(size)
                }
            }
        case .inpaint, .remix, .variations, .erase: break
        }
    }
}
