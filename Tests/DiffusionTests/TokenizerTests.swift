import Foundation
import Testing

@testable import Diffusion

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

    /// Words that were added among them, and `!` to fill up with.
    @Test func `A tokenizer.json gives the windows that transformers 5 makes of it`() throws {
        let tokenizer = try CLIPTokenizer(path: "\(Fixtures.root)/parity/tokenizer/saved")
        #expect(tokenizer.pad == 0)
        #expect(tokenizer.configuration.addedTokens.count == 6)
        let cases = try #require(Fixtures.json("parity/tokenizer/saved/cases.json").list)
        #expect(cases.count == 35)
        for test in cases {
            let text = try #require(test["text"]?.text)
            let expected = try #require(test["window"]?.list).compactMap(\.integer)
            #expect(tokenizer.window(tokenizer.tokens(text)) == expected, "\(text.debugDescription)")
        }
    }

    /// `tokenizer.json` as it was saved, changed and alone in a folder.
    private static func saved(
        in scratch: ScratchFolder, _ change: (inout [String: JSONValue]) throws -> Void
    ) throws -> String {
        guard case .object(var members) = try Fixtures.json("parity/tokenizer/saved/tokenizer.json") else {
            throw TokenizerError.badVocabulary(file: "saved", reason: "no object")
        }
        try change(&members)
        try JSONValue.object(members).line.write(
            toFile: scratch.path + "/tokenizer.json", atomically: true, encoding: .utf8)
        return scratch.path
    }

    private static func model(_ members: inout [String: JSONValue], _ change: (inout [String: JSONValue]) -> Void) {
        guard case .object(var model)? = members["model"] else { return }
        change(&model)
        members["model"] = .object(model)
    }

    @Test(arguments: [false, true]) func `A tokenizer.json alone gives the tokens of vocab.json and merges.txt`(
        isOld: Bool
    ) throws {
        let scratch = try ScratchFolder()
        let folder = try Self.saved(in: scratch) { members in
            members["added_tokens"] = nil
            // Before tokenizers 0.20 a pair was one string.
            guard isOld else { return }
            Self.model(&members) { model in
                let pairs = model["merges"]?.list ?? []
                model["merges"] = .array(
                    pairs.map { .string(($0.list ?? []).compactMap(\.text).joined(separator: " ")) })
                model["type"] = nil
            }
        }
        let tokenizer = try CLIPTokenizer(path: folder)
        #expect((tokenizer.begin, tokenizer.end, tokenizer.pad) == (912, 913, 913))
        for test in try #require(Fixtures.json("parity/tokenizer/cases.json").list) {
            let text = try #require(test["text"]?.text)
            #expect(tokenizer.tokens(text) == test["tokens"]?.list?.compactMap(\.integer), "\(text.debugDescription)")
        }
    }

    @Test func `A tokenizer.json of another kind, or a broken one, is refused`() throws {
        let kinds: [(String, (inout [String: JSONValue]) -> Void)] = [
            ("its model is Unigram, expected BPE", { Self.model(&$0) { $0["type"] = .string("Unigram") } }),
            ("its words do not end with '</w>'", { Self.model(&$0) { $0["end_of_word_suffix"] = .null } }),
            ("its words go on with '##'", { Self.model(&$0) { $0["continuing_subword_prefix"] = .string("##") } }),
            ("it does not make letters lower case", { $0["normalizer"] = .null }),
            ("its tokens are not made of bytes", { $0["pre_tokenizer"] = .object(["type": .string("Whitespace")]) }),
            ("it has no model", { $0["model"] = .array([]) }),
            ("its 'vocab' should be an object, it is an array", { Self.model(&$0) { $0["vocab"] = .array([]) } }),
            ("its 'merges' should be an array, it is not there", { Self.model(&$0) { $0["merges"] = nil } }),
            (
                "merge 2: expected two tokens",
                { Self.model(&$0) { $0["merges"] = .array([.string("t h"), .array([.string("a")])]) } }
            ),
            (
                "merge 1: a token that the vocabulary lacks",
                { Self.model(&$0) { $0["merges"] = .array([.string("t 🦊")]) } }
            ),
            ("an added token has no content or no number", { $0["added_tokens"] = .array([.null]) }),
            (
                "token '!' is number 0, and as an added token 7",
                { $0["added_tokens"] = .array([.object(["id": .integer(7), "content": .string("!")])]) }
            ),
        ]
        for (sentence, change) in kinds {
            let scratch = try ScratchFolder()
            let folder = try Self.saved(in: scratch, change)
            let error = #expect(throws: TokenizerError.self) { try CLIPTokenizer(path: folder) }
            #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "read")")
            #expect(error?.description.contains("tokenizer.json") == true)
        }
    }

    /// As transformers 5.23 reads the files of its predecessors: Stable Diffusion 2's name `!` in the map alone.
    @Test func `The map of special tokens counts where the configuration does not list its tokens`() throws {
        func tokenizer(_ files: [String: String]) throws -> CLIPTokenizer {
            let scratch = try ScratchFolder()
            for name in ["vocab.json", "merges.txt"] {
                try FileManager.default.copyItem(
                    atPath: "\(Fixtures.root)/parity/tokenizer/\(name)", toPath: "\(scratch.path)/\(name)")
            }
            for (name, text) in files {
                try text.write(toFile: "\(scratch.path)/\(name)", atomically: true, encoding: .utf8)
            }
            return try CLIPTokenizer(path: scratch.path)
        }
        let map = ("special_tokens_map.json", #"{"pad_token": "!"}"#)
        let plain = #"{"pad_token": "<|endoftext|>", "model_max_length": 77}"#
        #expect(try tokenizer(["tokenizer_config.json": plain]).pad == 913)
        #expect(try tokenizer(["tokenizer_config.json": plain, map.0: map.1]).pad == 0)
        #expect(try tokenizer([map.0: map.1]).pad == 0)
        let listed = #"""
            {"pad_token": "<|endoftext|>", "added_tokens_decoder":
            {"914": {"content": "<s1>", "normalized": false}, "913": {"content": "<|endoftext|>"}}}
            """#
        let own = try tokenizer(["tokenizer_config.json": listed, map.0: map.1])
        #expect(own.pad == 913)
        #expect(own.tokens("<s1>") == [914])
        #expect(own.tokens("<S1>") != [914])
        #expect(try tokenizer(["added_tokens.json": #"{"<s1>": 914}"#]).tokens("a <S1>")[1] == 914)
        #expect(throws: ConfigurationError.self) { try tokenizer(["added_tokens.json": #"{"<s1>": -1}"#]) }
        #expect(throws: ConfigurationError.self) {
            try tokenizer(["tokenizer_config.json": #"{"added_tokens_decoder": {"x": {"content": "y"}}}"#])
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
