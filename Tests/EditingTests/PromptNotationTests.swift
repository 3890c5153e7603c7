import Diffusion
import Foundation
import PlainText
import Testing

@testable import Editing

/// The notation of other programs in prompts: what is done, what is named, and that nothing of it takes long or
/// crashes.
@Suite struct PromptNotationTests {
    private func tag(_ name: String, _ weight: Float, _ textWeight: Float? = nil) -> PromptNotation.LoRATag {
        .init(name: name, weight: weight, textWeight: textWeight ?? weight)
    }

    @Test func `Tags of LoRAs are taken out and read as AUTOMATIC1111 reads them`() {
        let cases: [(String, String, [PromptNotation.LoRATag])] = [
            ("a cat <lora:style:0.8>, red", "a cat , red", [tag("style", 0.8)]),
            ("<lora:style>a cat", "a cat", [tag("style", 1)]),
            // The first number is the text encoders', the second the denoiser's.
            ("a <lora:style:0.8:0.6> cat", "a  cat", [tag("style", 0.6, 0.8)]),
            ("<lora:style:te=0.5:unet=-2>x", "x", [tag("style", -2, 0.5)]),
            ("<lora:style:0.7:unet=1>x", "x", [tag("style", 1, 0.7)]),
            ("<lyco:a b.v2:1><lora: c :0>x", "x", [tag("a b.v2", 1), tag("c", 0)]),
            ("<LoRA:sub/style:+.5>", "", [tag("sub/style", 0.5)]),
            ("plain (words:1.2) and [less] \\(not\\) <3 a<b>c", "plain (words:1.2) and [less] \\(not\\) <3 a<b>c", []),
            ("", "", []),
        ]
        for (prompt, text, loras) in cases {
            let found = PromptNotation(prompt)
            #expect(found.text == text && found.loras == loras && found.warnings.isEmpty, "\(prompt): \(found)")
        }
    }

    @Test func `Tags that cannot be followed are said`() {
        let cases = [
            ("<lora:style:strong> cat", " cat", "its weight is 'strong', expected a number from -10 to 10"),
            ("<lora:style:nan> cat", " cat", "its weight is 'nan'"),
            ("<lora:style:99> cat", " cat", "its weight is '99'"),
            ("<lora:style:1:te=x> cat", " cat", "its weight is 'x'"),
            ("<lora: :1> cat", " cat", "it names no LoRA"),
            ("<hypernet:ink:0.5> cat", " cat", "hypernetworks are not read"),
            ("<lora:style:1 cat", "<lora:style:1 cat", "is a tag that is not whole"),
            ("<style:1> cat", "<style:1> cat", "is a tag that is not known here"),
        ]
        for (prompt, text, warning) in cases {
            let found = PromptNotation(prompt)
            #expect(found.text == text && found.loras.isEmpty, "\(prompt): \(found)")
            #expect(found.warnings.count == 1 && found.warnings[0].description.contains(warning), "\(found.warnings)")
        }
        let more = PromptNotation("<lora:style:1:1:8:lbw=ALL>x")
        #expect(more.loras == [tag("style", 1)] && more.warnings.count == 1)
        let negative = PromptNotation("bad <lora:style:1>", isNegative: true)
        #expect(negative.text == "bad " && negative.loras.isEmpty)
        #expect(negative.warnings.first?.description.hasPrefix("negative prompt: '<lora:style:1>' is left out") == true)
    }

    @Test(arguments: [
        ("a [cat:dog:0.5] runs", "'[cat:dog:0.5]' is prompt editing"), ("[cat::12] x", "'[cat::12]' is prompt editing"),
        ("[(big:1.2) cat:0.3]", "is prompt editing"), ("[cat|dog] x", "'[cat|dog]' is alternation"),
        ("{red|blue} car", "'{red|blue}' is a random choice"), ("{2$$a|b|c}", "is a random choice"),
        ("{word} x", "is NovelAI's emphasis"), ("a __colour__ car", "'__colour__' is a wildcard"),
        ("a __art/old-style__ car", "is a wildcard"), ("a cat AND a dog", "'AND' is composition of prompts"),
        ("a cat++ runs", "'cat++' is notation of InvokeAI's compel"), ("a cat+, b", "'cat+' is notation"),
        ("(a cat)+", "is notation of InvokeAI's compel"), ("(a cat)-- runs", "compel"), ("cat-- x", "'cat--' is"),
        ("(\"a\", \"b\").blend(0.5, 0.5)", "compel"),
        ("(red fox)1.3, snow", "'(red fox)1.3' is notation of InvokeAI's compel"),
        ("a (red fox)0.8", "compel"),
        ("embedding:easynegative", "how ComfyUI calls a textual inversion"),
        ("a cat --ar 16:9", "'--ar' is a parameter of Midjourney"), ("cat::2 dog", "'cat::2' is a multi-prompt"),
        ("a ADDCOL b", "'ADDCOL' is notation of the Regional Prompter"),
    ]) func `What is not done is named, and stays as it is`(prompt: String, says: String) {
        for isNegative in [false, true] {
            let found = PromptNotation(prompt, isNegative: isNegative)
            #expect(found.text == prompt && found.loras.isEmpty)
            #expect(found.warnings.count == 1, "\(found.warnings)")
            #expect(found.warnings.first?.description.contains(says) == true, "\(found.warnings)")
            #expect(found.warnings.first?.description.contains(", and is taken as plain words") == true)
        }
    }

    @Test(arguments: [
        (
            "a cat --ar 16:9",
            "prompt: '--ar' is a parameter of Midjourney, and is taken as plain words; give settings as options of the command"
        ),
        (
            "heart++",
            "prompt: 'heart++' is notation of InvokeAI's compel, and is taken as plain words; write (word:1.1) for a weight"
        ),
    ]) func `What to write instead is a clause of its own`(prompt: String, warning: String) {
        #expect(PromptNotation(prompt).warnings.map(\.description) == [warning])
    }

    @Test(arguments: [
        "a portrait, 85mm, f/1.8", "(word:1.2), ((word)), [word], [[less]]", "(a:0) (b:-1) (c: 2.5 ) (d:+.5)",
        "(time: noon)", "(x:)", "\\[cat:dog:0.5\\]", "cat BREAK dog",
        "well-lit, semi-transparent -- soft - light", "18+ years, 3:2, 10:30", "file_name, __init, a__b",
        "sand and sea",
        "e-mail :-) [note: 5 pm]", "C + D", "(a) - b", "[a photo of: a cat]", "embedding", "{}", "x: y", "a < b > c",
    ]) func `Plain words and what is done raise no word`(prompt: String) {
        let found = PromptNotation(prompt)
        #expect(found.text == prompt && found.warnings.isEmpty, "\(found.warnings)")
    }

    @Test(arguments: [
        (
            "(heart:1e9)",
            "'(heart:1e9)' is a bracket whose weight is not read, and is taken as plain words; write (word:1.2) for a weight"
        ), ("(heart:nan)", "'(heart:nan)' is a bracket whose weight is not read"),
        ("(heart: inf )", "'(heart: inf )' is"), ("(heart:1,5)", "is not read"), ("(heart:150%)", "is not read"),
        ("(heart:1.2.3)", "is not read"), ("((heart):0x2)", "is not read"),
        ("(heart:99999999999999999999999999999999999999999)", "is not read"),
        (
            "(heart:1000)",
            "'(heart:1000)' weighs its words 1000 times, beyond what models can follow; 0.5 to 1.5 is usual"
        ), ("(heart:-20)", "weighs its words -20 times"),
    ]) func `A weight that is none, or beyond sense, is named, and nothing is done about it`(
        prompt: String, says: String
    ) {
        for isNegative in [false, true] {
            let found = PromptNotation(prompt, isNegative: isNegative)
            #expect(found.text == prompt && found.loras.isEmpty)
            #expect(found.warnings.count == 1, "\(found.warnings)")
            #expect(found.warnings.first?.description.contains(says) == true, "\(found.warnings)")
        }
        #expect(PromptNotation("(a:nan) (b:1000) (c:1e9) (d:2000)").warnings.count == 2)
        // As in the reference: a number as it is, what is none as words.
        for (prompt, text, weight) in [("(heart:1000)", "heart", 1000), ("(heart:1e9)", "heart:1e9", 1.1)] {
            let parts = Prompt(prompt).stretches.flatMap(\.self)
            #expect(parts.map(\.text) == [text] && parts.map(\.weight) == [Float(weight)], "\(parts)")
        }
    }

    @Test func `Each kind is named once, and no text of them takes long`() {
        let twice = PromptNotation("[a|b] [c|d] [e:f:0.1]")
        #expect(twice.warnings.count == 2)
        let pieces = [
            "<lora:", "<lora:x:", "<lora:x:y>", "<lora:x:1>", "<", "[", "[a:", "[a|", "{", "{a|", "(", "__", "__a", "_",
            "a++", "+", "-", "--", "AND ", "embedding:", "::", "a::", "\\", "<x:y>", "é<łora:", "]", "}", ")", ":", "|",
            ">",
        ]
        for piece in pieces {
            let found = PromptNotation(String(repeating: piece, count: 10_000))
            #expect(found.warnings.count <= 20)
        }
        #expect(PromptNotation(String(repeating: "<lora:x:1>", count: 10_000)).loras.count == 10_000)
    }

    @Test func `Links that lead back are followed once`() throws {
        let scratch = try Scratch()
        let lora = URL(fileURLWithPath: scratch.path("models/Lora"))
        let manager = FileManager.default
        try manager.createDirectory(at: lora.appending(path: "z"), withIntermediateDirectories: true)
        try Data().write(to: lora.appending(path: "z/pen.pt"))
        for name in (0 ..< 40).map({ "again\($0)" }) {
            try manager.createSymbolicLink(atPath: lora.appending(path: name).path(), withDestinationPath: ".")
        }
        try manager.createSymbolicLink(atPath: lora.appending(path: "a").path(), withDestinationPath: "z")
        // 40 links five deep were 10^8 folders.
        let library = try LoRALibrary(for: .file(scratch.path("models/model.safetensors")))
        #expect(library.file(named: "pen")?.hasSuffix("/Lora/z/pen.pt") == true)
    }

    /// A LoRA is found by its name in the folders of other programs, and beside the model.
    @Test func `LoRAs are found by name`() throws {
        let scratch = try Scratch()
        let root = scratch.path("webui/models")
        for path in [
            "Stable-diffusion/model.safetensors", "Lora/ink.safetensors", "Lora/old/Pen.pt", "Lora/.hidden.pt",
        ] {
            let url = URL(fileURLWithPath: "\(root)/\(path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data().write(to: url)
        }
        try Data().write(to: URL(fileURLWithPath: "\(root)/Stable-diffusion/beside.safetensors"))
        let library = try LoRALibrary(for: .file("\(root)/Stable-diffusion/model.safetensors"))
        func file(_ name: String) -> String? { library.file(named: name)?.split(separator: "/").last.map(String.init) }
        #expect(file("ink") == "ink.safetensors" && file("ink.safetensors") == "ink.safetensors")
        #expect(file("Pen") == "Pen.pt" && file("pen") == "Pen.pt" && file("old/Pen") == "Pen.pt")
        #expect(file("beside") == "beside.safetensors")
        #expect(file("in") == nil && file(".hidden") == nil && file("../Lora/ink") == nil && file("new/Pen") == nil)
    }
}
