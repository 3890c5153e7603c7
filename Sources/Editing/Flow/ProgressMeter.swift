internal import Diffusion
internal import Raster

/// Turns the engine's progress into events with times, and keeps the time that each part of an edit took.
final class ProgressMeter {
    /// Whole seconds and parts that each stage took so far, all passes together.
    private(set) var seconds: [EditStage: Double] = [:]
    private(set) var stepsDone = 0
    /// Which pass of the edit runs, from 1, and how many there are.
    var pass = 1
    var passes = 1
    /// The picture that a pass begins at, from 0, and how many there are.
    var firstPicture = 0
    var pictures = 1
    /// Denoising steps of each pass of one picture, as planned; a sampler may take some more.
    var plannedSteps: [Int] = []

    private let observe: (EditEvent) throws -> Void
    private let clock = ContinuousClock()
    private var stage: EditStage?
    private var since: ContinuousClock.Instant
    /// Of the passes that began, as planned.
    private var plannedStepsBegun = 0

    init(observe: @escaping (EditEvent) throws -> Void) {
        self.observe = observe
        since = clock.now
    }

    /// Mean seconds of a denoising step; 0 before the first.
    var secondsPerStep: Double { stepsDone > 0 ? (seconds[.denoise] ?? 0) / Double(stepsDone) : 0 }

    func note(_ note: EditNote) throws {
        try observe(.note(note))
    }

    /// A stage begins, and the one before ends.
    func begin(_ next: EditStage) throws {
        switchStage(to: next)
        try observe(.stage(next))
    }

    /// The last stage ends.
    func end() {
        switchStage(to: nil)
    }

    func saved(_ picture: SavedPicture) throws {
        try observe(.saved(picture))
    }

    /// What the engine reports, during a pass.
    func engine(_ progress: DenoiseProgress) throws {
        switch progress.part {
        case .text: try begin(.text)
        case .encode: try begin(.encode)
        case .decode: try begin(.decode)
        case .askAgain: try observe(.working)
        case .denoise:
            if stage != .denoise {
                try begin(.denoise)
            } else {
                // Time is added at every step, so that the mean is up to date.
                switchStage(to: .denoise)
            }
            guard progress.step > 0 else {
                if pass <= plannedSteps.count { plannedStepsBegun += plannedSteps[pass - 1] }
                return
            }
            stepsDone += 1
            let planned = plannedSteps.reduce(0, +) * pictures
            // Pictures that go step by step together have all begun.
            let stepsLeft = max(
                progress.steps - progress.step + max(0, planned - plannedStepsBegun), planned - stepsDone)
            try observe(
                .step(
                    StepProgress(
                        pass: pass, passes: passes, picture: min(pictures, firstPicture + progress.picture + 1),
                        pictures: pictures, step: progress.step, steps: progress.steps,
                        secondsPerStep: secondsPerStep,
                        secondsLeft: secondsPerStep * Double(stepsLeft),
                        memoryBytes: ProcessMemory.residentBytes)))
            if let preview = progress.preview { try observe(.preview(LivePreview.picture(preview))) }
        }
    }

    private func switchStage(to next: EditStage?) {
        let now = clock.now
        if let stage { seconds[stage, default: 0] += (now - since) / .seconds(1) }
        stage = next
        since = now
    }
}
