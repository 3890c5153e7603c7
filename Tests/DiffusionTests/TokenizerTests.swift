import Diffusion
import Testing

@Suite struct TokenizerTests {
    static func tokenizer(pad: String? = nil) throws -> CLIPTokenizer {
        let folder = "\(Fixtures.root)/parity/tokenizer"
        guard let pad else { return try CLIPTokenizer(path: folder) }
        var configuration = TokenizerConfiguration()
        configuration.padToken = pad
        let vocabulary = try MappedFile(path: "\(folder)/vocab.json")
        let merges = try MappedFile(path: "\(folder)/merges.txt")
        return try CLIPTokenizer(
            vocabulary: vocabulary.bytes, merges: merges.bytes, configuration: configuration, name: "memory")
    }

    @Test func numbersTokensAsTheReference() throws {
        let tokenizer = try Self.tokenizer()
        let padded = try Self.tokenizer(pad: "!")
        for test in try #require(Fixtures.json("parity/tokenizer/cases.json").list) {
            let text = try #require(test["text"]?.text)
            let expected = try #require(test["tokens"]?.list).compactMap(\.integer)
            #expect(tokenizer.tokens(text) == expected, "\(text.debugDescription)")
            if let window = test["window"]?.list?.compactMap(\.integer) {
                #expect(padded.window(padded.tokens(text)) == window, "\(text.debugDescription)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func takesAnyTextInTime() throws {
        let tokenizer = try Self.tokenizer()
        let emoji = String(repeating: "🦊❄️👩‍👩‍👧‍👦", count: 4000)
        #expect(tokenizer.tokens(emoji).count > 1000)
        #expect(tokenizer.tokens(String(repeating: "a", count: 100_000)).count > 1000)
        #expect(tokenizer.tokens(String(repeating: "\u{301}", count: 50_000)).count > 1000)
        #expect(tokenizer.tokens(String(repeating: "<|endoftext|>", count: 8000)).count == 8000)
        for text in ["(", "[", "(a", "(a:1.1)", "\\", "BREAK ", ":1)", "((((a))))"] {
            let prompt = Prompt(String(repeating: text, count: 20_000))
            #expect(!TokenizedPrompt(prompt, tokenizer: tokenizer).windows.isEmpty)
        }
    }

    @Test func cutsLongPromptsIntoWindows() throws {
        let tokenizer = try Self.tokenizer()
        let words = String(repeating: "1 ", count: 160)
        var prompt = TokenizedPrompt(Prompt(words), tokenizer: tokenizer)
        #expect(prompt.windows.count == 3)
        let one = tokenizer.tokens("1")[0]
        #expect(prompt.windows[1].tokens == [tokenizer.begin] + Array(repeating: one, count: 75) + [tokenizer.end])
        #expect(
            prompt.windows[2].tokens == [tokenizer.begin] + Array(repeating: one, count: 10) + [tokenizer.end]
                + Array(repeating: tokenizer.pad, count: 65))
        prompt.pad(toWindows: 4)
        #expect(prompt.windows[3].tokens == tokenizer.window([]))
        #expect(prompt.windows.allSatisfy { $0.tokens.count == 77 && $0.weights == Array(repeating: 1, count: 77) })
        #expect(!prompt.isWeighted)
    }

    @Test func weighsTokens() throws {
        let tokenizer = try Self.tokenizer()
        let prompt = TokenizedPrompt(Prompt("a (7:1.5) 1 BREAK [3]"), tokenizer: tokenizer)
        #expect(prompt.windows.count == 2)
        #expect(prompt.isWeighted)
        #expect(prompt.windows[0].weights[...5] == [1, 1, 1.5, 1, 1, 1])
        #expect(prompt.windows[1].weights[...3] == [1, 1 / 1.1, 1, 1])
    }

    /// The examples in the documentation of AUTOMATIC1111's `parse_prompt_attention`, and what people type.
    @Test(
        arguments: [
            ("normal text", [("normal text", 1)]),
            ("an (important) word", [("an ", 1), ("important", 1.1), (" word", 1)]),
            ("(unbalanced", [("unbalanced", 1.1)]),
            ("\\(literal\\]", [("(literal]", 1)]),
            ("(unnecessary)(parens)", [("unnecessaryparens", 1.1)]),
            (
                "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
                [
                    ("a ", 1), ("house", 1.5730001), (" ", 1.1), ("on", 1), (" a ", 1.1), ("hill", 0.55),
                    (", sun, ", 1.1),
                    ("sky", 1.4641001), (".", 1.1),
                ]
            ),
            ("a) b] c:1.2)", [("a) b] c:1.2)", 1)]),
            ("(a:1.2.3)", [("a:1.2.3", 1.1)]),
            ("(a:-1)", [("a", -1)]),
            ("", []),
        ] as [(String, [(String, Float)])])
    func readsBrackets(text: String, parts: [(String, Float)]) {
        let prompt = Prompt(text)
        #expect(prompt.stretches.count == 1)
        #expect(prompt.stretches[0].map(\.text) == parts.map(\.0))
        for (part, expected) in zip(prompt.stretches[0], parts) { #expect(abs(part.weight - expected.1) < 1e-5) }
    }

    @Test func breaksStretches() {
        let stretches = Prompt("a BREAK b, BREAKFAST (c BREAK d:2)BREAK").stretches.map { $0.map(\.text) }
        #expect(stretches == [["a"], ["b, BREAKFAST ", "c"], ["d"], []])
    }

    @Test func saysWhatIsWrongWithItsFiles() throws {
        func failure(_ vocabulary: String, _ merges: String) -> TokenizerError? {
            Array(vocabulary.utf8).withUnsafeBytes { vocabulary in
                Array(merges.utf8).withUnsafeBytes { merges in
                    do throws(TokenizerError) {
                        _ = try CLIPTokenizer(
                            vocabulary: vocabulary, merges: merges, configuration: .init(), name: "model")
                        return nil
                    } catch {
                        return error
                    }
                }
            }
        }
        let specials = #""<|startoftext|>":0,"<|endoftext|>":1"#
        #expect(failure("{\(specials)}", "#version: 0.2\n") == nil)
        #expect(failure("[]", "")?.description.contains("expected an object") == true)
        #expect(failure(#"{"a":0}"#, "") == .missingToken(file: "model/vocab.json", token: "<|startoftext|>"))
        #expect(failure(#"{"a":-1,\#(specials)}"#, "")?.description.contains("has no number") == true)
        #expect(failure("{\(specials)}", "a b\n")?.description.contains("line 1") == true)
        #expect(failure("{\(specials)}", "a\n")?.description.contains("expected two tokens") == true)
    }
}
