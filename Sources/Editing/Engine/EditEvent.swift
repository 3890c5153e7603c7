public import PlainText
public import Raster

/// What an edit tells whoever observes it, in order. The observer stops the edit by throwing.
public enum EditEvent: Sendable {
    case note(EditNote)
    /// A part of the edit begins.
    case stage(EditStage)
    /// A denoising step is finished.
    case step(StepProgress)
    /// What the part that is worked on is expected to become (`EditSettings.previewInterval`).
    case preview(Picture)
    /// Nothing to tell: a moment, within a step, at which the edit can be stopped.
    case working
    /// A file is in place.
    case saved(SavedPicture)
}

/// The parts of an edit, in the order in which they begin. Each pass may come back to earlier ones, and each of several
/// pictures is put in place and saved by itself.
public enum EditStage: String, Sendable, CaseIterable {
    case read, plan, load, fill, text, encode, denoise, decode, composite, save
}

/// Something to say aloud.
public struct EditNote: Worded, Sendable, Equatable {
    public var sentence: Sentence
    /// Whether it may not be what the user wanted; such notes are said even when asked to be quiet.
    public var isWarning: Bool

    /// With settings named as JSON names them.
    public var text: String { description }

    public init(_ sentence: Sentence, isWarning: Bool = false) {
        self.sentence = sentence
        self.isWarning = isWarning
    }
}

/// Where denoising stands.
public struct StepProgress: Sendable, Equatable {
    /// Runs of the network over the edit: the coarse pass and each tile are one each; from 1.
    public var pass: Int
    public var passes: Int
    /// Which picture, from 1.
    public var picture: Int
    public var pictures: Int
    /// Steps finished of `steps` in this pass.
    public var step: Int
    public var steps: Int
    /// Mean over the edit so far.
    public var secondsPerStep: Double
    /// Estimate for all that is left: steps, and what comes before and behind them in each pass.
    public var secondsLeft: Double
    /// Of this process now, resident.
    public var memoryBytes: Int
}

/// A result in its place.
public struct SavedPicture: Sendable, Equatable {
    /// `-` for a picture that was delivered as bytes.
    public var path: String
    public var seed: UInt64
    /// Whether it is an overview of the others.
    public var isContactSheet: Bool

    public init(path: String, seed: UInt64, isContactSheet: Bool = false) {
        self.path = path
        self.seed = seed
        self.isContactSheet = isContactSheet
    }
}
