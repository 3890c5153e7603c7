internal import Diffusion
internal import Parallel
internal import Raster

/// Turns the engine's progress into events with times, and keeps the time that each part of an edit took.
final class ProgressMeter {
    /// Whole seconds and parts that each stage took so far, all passes together.
    private(set) var seconds: [EditStage: Double] = [:]
    private(set) var stepsDone = 0
    /// Which pass of the edit runs, from 1, and how many there are.
    var pass = 1
    private var passes = 1
    /// The picture that a pass begins at, from 0, and how many there are.
    var firstPicture = 0
    private var pictures = 1
    /// Denoising steps of each pass of one picture, as planned; a sampler may take some more.
    private var plannedSteps: [Int] = []

    private let observe: (EditEvent) throws -> Void
    private let now: () -> Double
    private var stage: EditStage?
    private var since: Double
    /// Of the passes that began, as planned.
    private var plannedStepsBegun = 0
    /// What is beside the steps.
    private var times = RunTimes()

    /// - Parameter now: the time in seconds, from any moment.
    init(observe: @escaping (EditEvent) throws -> Void, now: (() -> Double)? = nil) {
        self.observe = observe
        let start = ContinuousClock.now
        self.now = now ?? { (ContinuousClock.now - start) / .seconds(1) }
        since = self.now()
    }

    /// Mean seconds of a denoising step; 0 before the first.
    var secondsPerStep: Double { stepsDone > 0 ? (seconds[.denoise] ?? 0) / Double(stepsDone) : 0 }

    func note(_ note: EditNote) throws {
        try observe(.note(note))
    }

    /// What the network will be asked for. What is before it counts for no run.
    func expect(_ plan: EditPlan) {
        expect(
            pictures: plan.settings.seeds.count, stepsOfPasses: plan.stepsOfPasses, fills: plan.fills, runs: plan.runs)
    }

    /// - Parameters:
    ///   - stepsOfPasses: of one picture.
    ///   - fills: how often a hole is filled, for all pictures.
    ///   - runs: of the network, for all pictures.
    func expect(pictures: Int, stepsOfPasses: [Int], fills: Int, runs: Int) {
        self.pictures = pictures
        passes = stepsOfPasses.count
        plannedSteps = stepsOfPasses
        switchStage(to: stage)
        // A contact sheet is one more.
        times = RunTimes(
            planned: [
                .fill: fills, .encode: runs, .decode: passes * pictures, .save: pictures > 1 ? pictures + 1 : 1,
            ], seconds: seconds)
    }

    /// A run of the network begins; what fills the hole for it is there.
    func beginRun() { times.begin(.encode) }

    /// A stage begins, and the one before ends. Throws where the edit is cancelled, so that no stage begins with what one
    /// made that stopped early.
    func begin(_ next: EditStage) throws {
        try Cancellation.check()
        switchStage(to: next)
        if next == .fill || next == .save { times.begin(next) }
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
        try Cancellation.check()
        switch progress.part {
        case .text: try begin(.text)
        case .encode: try begin(.encode)
        case .decode:
            try begin(.decode)
            times.begin(.decode)
        case .askAgain: try observe(.working)
        case .denoise:
            if stage != .denoise {
                try begin(.denoise)
            } else {
                // Time is added at every step, so that the mean is up to date.
                switchStage(to: .denoise)
            }
            times.record(seconds)
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
                        secondsLeft: secondsPerStep * Double(stepsLeft) + times.secondsLeft,
                        memoryBytes: ProcessMemory.residentBytes)))
            if let preview = progress.preview { try observe(.preview(LivePreview.picture(preview))) }
        }
    }

    private func switchStage(to next: EditStage?) {
        let now = now()
        if let stage { seconds[stage, default: 0] += now - since }
        stage = next
        since = now
    }
}

/// What comes before and behind the steps of runs of the network: holes are filled, pictures encoded, decoded, put in
/// place and saved. Of some edits that is most of the time.
private struct RunTimes {
    /// How often each part is planned, by the stage that it begins with.
    private var planned: [EditStage: Int] = [:]
    /// How often each began, and the seconds of each time that is over.
    private var begun: [EditStage: Int] = [:]
    private var taken: [EditStage: [Double]] = [:]
    /// Seconds of stages that are recorded.
    private var recorded: [EditStage: Double] = [:]

    /// The stages of each part. The prompt is read once.
    private static let parts: [EditStage: [EditStage]] = [
        .fill: [.fill], .encode: [.encode], .decode: [.decode, .composite], .save: [.save],
    ]

    init() {}

    init(planned: [EditStage: Int], seconds: [EditStage: Double]) {
        self.planned = planned
        recorded = seconds
    }

    mutating func begin(_ part: EditStage) { begun[part, default: 0] += 1 }

    /// Takes the time of stages since the last step, at which all of them are over.
    mutating func record(_ seconds: [EditStage: Double]) {
        for (part, stages) in Self.parts {
            let news = stages.reduce(0) { $0 + (seconds[$1] ?? 0) - (recorded[$1] ?? 0) }
            let count = (begun[part] ?? 0) - (taken[part]?.count ?? 0)
            taken[part, default: []] += [Double](repeating: news / Double(max(1, count)), count: count)
        }
        recorded = seconds
    }

    /// For what did not begin. Before anything was decoded that is taken to last as long as encoding: the autoencoder's
    /// other half.
    var secondsLeft: Double {
        Self.parts.keys.reduce(0) { sum, part in
            let known = taken[part] ?? []
            let usual = known.isEmpty && part == .decode ? taken[.encode] ?? [] : known
            return sum + Self.mean(usual) * Double(max(0, (planned[part] ?? 0) - known.count))
        }
    }

    /// Without the first of several, in which weights are packed.
    private static func mean(_ values: [Double]) -> Double {
        let usual = values.count > 1 ? values.dropFirst() : values[...]
        return usual.isEmpty ? 0 : usual.reduce(0, +) / Double(usual.count)
    }
}
