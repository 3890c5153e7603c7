internal import Masking

extension EditRequest {
    /// Throws `EditError` for settings out of range and for a prompt longer than any encoder would read.
    public func validate() throws(EditError) {
        try settings.validate()
        if !protected.isEmpty, settings.composite == .raw { throw .protectionImpossible }
        for text in [prompt, negativePrompt] where text.utf8.count > EditSettings.promptLimit {
            throw .promptTooLong(bytes: text.utf8.count, limit: EditSettings.promptLimit)
        }
    }
}
