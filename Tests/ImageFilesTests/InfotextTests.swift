import ImageFiles
import Testing

@Suite struct InfotextTests {
    private let full = Infotext(
        prompt: "a “lake”, at dawn\nsecond line 🏞️", negativePrompt: "blurry, text\nlow quality",
        parameters: [
            .init(key: "Steps", value: "20"), .init(key: "Sampler", value: "Euler a"),
            .init(key: "CFG scale", value: "7"),
            .init(key: "Seed", value: "1"), .init(key: "Size", value: "512x512"),
            .init(key: "Model", value: "a, \"b\": c\\d\n🎨"), .init(key: "Masked content", value: "fill"),
        ])

    @Test func rendersAsReadersExpect() {
        #expect(
            full.rendered == """
                a “lake”, at dawn
                second line 🏞️
                Negative prompt: blurry, text
                low quality
                Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, \
                Model: "a, \\"b\\": c\\\\d\\n🎨", Masked content: fill
                """)
    }

    @Test func roundTrips() {
        #expect(Infotext(parsing: full.rendered) == full)
        let bare = Infotext(prompt: "", parameters: full.parameters)
        #expect(Infotext(parsing: bare.rendered) == bare)
        #expect(!bare.rendered.contains("Negative"))
        let long = Infotext(prompt: String(repeating: "🏔️ peak ", count: 10_000), parameters: full.parameters)
        #expect(Infotext(parsing: long.rendered).parameters == full.parameters)
    }

    @Test func emptyValuesAndNegativePromptAreLeftOut() {
        var text = Infotext(prompt: "p", parameters: [.init(key: "Steps", value: "3"), .init(key: "Model", value: "")])
        #expect(text.rendered == "p\nSteps: 3")
        text["Steps"] = nil
        #expect(text.rendered == "p")
        text["Seed"] = "9"
        #expect(text["Seed"] == "9")
    }

    @Test func lastLineNeedsThreeParameters() {
        let two = Infotext(parsing: "a cat\nSteps: 20, Seed: 1")
        #expect(two.prompt == "a cat\nSteps: 20, Seed: 1")
        #expect(two.parameters.isEmpty)
        let three = Infotext(parsing: "a cat\nSteps: 20, Seed: 1, Size: 8x8")
        #expect(three.prompt == "a cat")
        #expect(three.parameters.count == 3)
    }

    @Test func readsWhatOthersWrite() {
        let text = """
            masterpiece, (mountain:1.2), <lora:x:0.8>\r
            Negative prompt: EasyNegative\r
            Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 42, Size: 768x512, Hashes: \
            {"model": "abc"}, Lora hashes: "x: 1234, y: 5678", Version: v1.10.1
            """
        let infotext = Infotext(parsing: text)
        #expect(infotext.prompt == "masterpiece, (mountain:1.2), <lora:x:0.8>")
        #expect(infotext.negativePrompt == "EasyNegative")
        #expect(infotext["Schedule type"] == "Karras")
        #expect(infotext["Lora hashes"] == "x: 1234, y: 5678")
        #expect(infotext["Version"] == "v1.10.1")
    }

    @Test func anyTextIsRead() {
        for text in [
            "", "\n\n", ":", "a:", "\"", "Steps: \"", "Negative prompt:", "a: \"\\",
            String(repeating: "a", count: 100_000),
        ] {
            _ = Infotext(parsing: text).rendered
        }
    }
}
