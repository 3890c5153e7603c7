internal import Raster

extension EditEvent {
    /// As `--json` writes it, one line each; `nil` where there is nothing to tell.
    public var json: JSONObject? {
        switch self {
        case .working: nil
        case .note(let note):
            JSONObject([("event", .text(note.isWarning ? "warning" : "note")), ("text", .sentence(note.sentence))])
        case .stage(let stage):
            JSONObject([("event", .text("stage")), ("stage", .text(stage.rawValue))])
        case .step(let progress):
            JSONObject([
                ("event", .text("step")), ("pass", .integer(progress.pass)), ("passes", .integer(progress.passes)),
                ("picture", .integer(progress.picture)), ("pictures", .integer(progress.pictures)),
                ("step", .integer(progress.step)), ("steps", .integer(progress.steps)),
                ("secondsPerStep", .number(progress.secondsPerStep)), ("secondsLeft", .number(progress.secondsLeft)),
                ("memoryBytes", .integer(progress.memoryBytes)),
            ])
        case .preview(let picture):
            JSONObject([
                ("event", .text("preview")), ("size", .list([.integer(picture.width), .integer(picture.height)])),
            ])
        case .saved(let picture):
            JSONObject([
                ("event", .text("saved")), ("output", .text(picture.path)), ("seed", .unsigned(picture.seed)),
                ("contactSheet", .flag(picture.isContactSheet)),
            ])
        }
    }
}
