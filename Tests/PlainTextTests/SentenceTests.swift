import PlainText
import Testing

/// Sentences name settings by what they are; how these are spelled is decided where they are shown.
@Suite struct SentenceTests {
    private struct Fields: SettingNaming {
        func name(of key: SettingKey) -> String { "[\(key.rawValue)]" }
        func choice(of key: SettingKey, _ value: String) -> String { "[\(key.rawValue)=\(value)]" }
        func command(_ verb: String, _ words: [CommandWord]) -> String { "<\(verb) \(words.count)>" }
    }

    private struct Problem: Error, Worded {
        var sentence: Sentence { "\(.fitMask) helps" }
    }

    @Test func `Each front end has its own words for a setting`() {
        let sentence: Sentence =
            "a \(1 + 1) \(.fitMask), \(.detail, "kept"), \(command: "mask grow", [.plain("m.png"), .choice(.to, "1")])"
        #expect(sentence.worded(by: Fields()) == "a 2 [fitMask], [detail=kept], <mask grow 2>")
        #expect("\(sentence)" == "a 2 fitMask, detail \"kept\", 'mask grow m.png to 1'")
        #expect(sentence.settings == [.fitMask, .detail, .to])
    }

    @Test func `What describes itself by a sentence keeps its settings within another`() {
        let error: any Error = Problem()
        let sentences: [Sentence] = [
            "so: \(Problem())", "so: \(error)", "so: " + Problem().sentence, "so: \(.fitMask) helps",
        ]
        for sentence in sentences {
            #expect(sentence.worded(by: Fields()) == "so: [fitMask] helps")
            #expect(sentence == sentences[0])
        }
        #expect(PlainText.sentence(of: error, namedBy: Fields()) == "[fitMask] helps")
        #expect(PlainText.sentence(of: CancellationError(), namedBy: Fields()) == "CancellationError()")
        #expect("\(error)" == "fitMask helps")
    }

    @Test(arguments: [
        ("guidence", "guidance"), ("GUIDANCE", "guidance"), ("negativeprompt", "negativePrompt"), ("stpes", "steps"),
        ("moonlight", nil), ("", nil),
    ]) func `The nearest word is one of few other letters`(word: String, nearest: String?) {
        #expect(word.nearest(in: SettingKey.allCases.map(\.rawValue)) == nearest)
    }
}
