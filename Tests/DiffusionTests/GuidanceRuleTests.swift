import Testing

@testable import Diffusion

@Suite struct GuidanceRuleTests {
    private static let (first, second, third): ([Float], [Float], [Float]) = ([1, -2], [3, 0.5], [-1, 4])

    @Test func `Each kind combines its branches by its formula`() {
        let (p, n, o) = (Self.first, Self.second, Self.third)
        #expect(GuidanceRule.none.followed(p) == p)
        #expect(GuidanceRule.none.branches == [.prompt])

        let free = GuidanceRule(kind: .classifierFree(scale: 3))
        #expect(free.branches == [.negative, .prompt])
        // 3 + 3 · (1 − 3) and 0.5 + 3 · (−2 − 0.5).
        #expect(free.followed(n + p) == [-3, -7])
        #expect(GuidanceRule(kind: .classifierFree(scale: 1)).followed(n + p) == p)

        let instruction = GuidanceRule(kind: .instruction(text: 4, picture: 2))
        #expect(instruction.branches == [.prompt, .negative, .negativeWithoutPicture])
        // −1 + 4 · (1 − 3) + 2 · (3 + 1) and 4 + 4 · (−2 − 0.5) + 2 · (0.5 − 4).
        #expect(instruction.followed(p + n + o) == [-1, -13])
    }

    @Test func `Rescaling brings the result to the spread of the prompt's prediction`() {
        func spread(_ values: [Float]) -> Float { abs(values[0] - values[1]) }
        let (p, n, o) = (Self.first, Self.second, Self.third)
        for (kind, predictions) in [
            (GuidanceRule.Kind.classifierFree(scale: 5), n + p), (.instruction(text: 4, picture: 2), p + n + o),
        ] {
            let plain = GuidanceRule(kind: kind).followed(predictions)
            let rescaled = GuidanceRule(kind: kind, rescale: 1).followed(predictions)
            #expect(spread(plain) > 1.5 * spread(p) && abs(spread(rescaled) - spread(p)) < 1e-5)
        }
    }

    @Test func `A rule applies within its interval, and none nowhere`() {
        let rule = GuidanceRule(kind: .classifierFree(scale: 2), interval: 0.25 ... 0.5)
        #expect([0, 0.25, 0.4, 0.5, 0.6, 1].map { rule.applies(at: $0) } == [false, true, true, true, false, false])
        #expect(rule.isPartial && !GuidanceRule(kind: .classifierFree(scale: 2)).isPartial)
        let none = GuidanceRule(kind: .none, interval: 0.25 ... 0.5)
        #expect(!none.applies(at: 0.4) && !none.isPartial)
    }
}
