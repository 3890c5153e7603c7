import Diffusion
import Testing

@testable import Editing

/// How long an edit is said to take still.
@Suite struct TimeLeftTests {
    /// An edit whose parts take known seconds, by a clock that is put on by hand.
    private struct Script {
        var fill = 0.0
        var encode = 0.0
        var step = 0.0
        var decode = 0.0
        var save = 0.0
        /// What the first run takes longer, as weights are packed in it.
        var first = 0.0

        /// Seconds that were said to be left and those that were, at each step.
        func play(pictures: Int, passes: Int, steps: Int, fillsOnce: Bool = false) throws -> [(
            said: Double, true: Double
        )] {
            var clock = 0.0
            var said: [(at: Double, left: Double)] = []
            let meter = ProgressMeter(
                observe: { if case .step(let progress) = $0 { said.append((clock, progress.secondsLeft)) } },
                now: { clock })
            meter.expect(
                pictures: pictures, stepsOfPasses: [Int](repeating: steps, count: passes),
                fills: fillsOnce ? pictures : pictures * passes, runs: pictures * passes)
            func engine(_ part: DenoiseProgress.Part, _ step: Int = 0) throws {
                try meter.engine(DenoiseProgress(part: part, picture: 0, step: step, steps: steps))
            }
            for picture in 0 ..< pictures {
                for pass in 0 ..< passes {
                    meter.firstPicture = picture
                    meter.pass = pass + 1
                    let isFirst = picture == 0 && pass == 0
                    if !fillsOnce || pass == 0 {
                        try meter.begin(.fill)
                        clock += fill
                    }
                    meter.beginRun()
                    try engine(.encode)
                    clock += encode + (isFirst ? first : 0)
                    try engine(.denoise)
                    for number in 1 ... steps {
                        clock += step
                        try engine(.denoise, number)
                    }
                    try engine(.decode)
                    clock += decode
                }
                try meter.begin(.save)
                clock += save
            }
            return said.map { ($0.left, clock - $0.at) }
        }
    }

    @Test func `Filling holes between passes counts`() throws {
        let script = Script(fill: 5, encode: 1, step: 0.05, decode: 1.2)
        for (said, real) in try script.play(pictures: 1, passes: 16, steps: 4) {
            #expect((real / 1.5 ... real * 1.5).contains(said), "\(said) said, \(real) left")
        }
    }

    @Test func `A fill that tiles do not repeat, and a first run that is slow, mislead no longer than the first pass`()
        throws
    {
        let script = Script(fill: 8, encode: 0.5, step: 0.1, decode: 0.6, first: 3)
        let found = try script.play(pictures: 1, passes: 12, steps: 5, fillsOnce: true)
        for (said, real) in found.dropFirst(5) {
            #expect((real / 1.5 ... real * 1.5).contains(said), "\(said) said, \(real) left")
        }
        #expect(found[0].said < 5 * found[0].true)
    }

    @Test func `Several pictures that take long to save count`() throws {
        let script = Script(encode: 0.5, step: 0.1, decode: 0.5, save: 2)
        let found = try script.play(pictures: 8, passes: 1, steps: 10)
        // A contact sheet that is made at the end is left out of this script.
        for (said, real) in found.dropFirst(10).dropLast(30) {
            #expect((real / 1.5 ... real * 1.5).contains(said), "\(said) said, \(real) left")
        }
    }
}
