import Foundation
import ImageFiles
import Raster
import Testing

/// How values may be written, and what is said of those that are none.
@Suite struct ValueFormTests {
    private static func words(_ text: String) -> [String] {
        // A bar parts words that hold spaces.
        text.split(separator: text.contains("|") ? "|" : " ").map(String.init)
    }

    static let understood: [String] = [
        "--strength 50%", "--strength|50 %", "--strength 0,5", "--strength .5", "--strength=60%", "--seed -1",
        "--seed=-1", "--seed 42.0", "--seed random", "--seed 18446744073709551615", "--steps 20.0", "--steps +20",
        "--guidance 7,5", "--guidance-rescale 70%", "--guidance-interval 20%:80%", "--guidance-interval 0.2-0.8",
        "--feather 3px", "--feather|3 px", "--feather 2,5", "--padding 32px", "--grow|8 pixels", "--blend 4px",
        "--max-memory 8G", "--max-memory|8 GB", "--max-memory 8GiB", "--max-memory 6,5G", "--threads 2",
        "--max-pixels 64MP", "--max-pixels 64M", "--max-pixels 64000000", "--precision fp32", "--precision F32",
        "--precision float32", "--sampler|DPM++ 2M Karras", "--sampler|DPM++ 2M", "--sampler|Euler a",
        "--sampler dpmpp_2m_sde", "--sampler DDIM", "--sampler plms", "--sampler|UniPC", "--schedule Karras",
        "--schedule|SGM Uniform", "--rng GPU", "--fill ff8800", "--fill #f80", "--fill PatchMatch",
        "--fill Patch-Match", "--fill|patch match", "--fill PATCH_MATCH", "--seed Random", "--live-preview Terminal",
        "--box|10, 20, 30, 10", "--box|10 20 30 10", "--box 10px,20px,30px,10px", "--box|10 %,20 %,30%,10%",
        "--detail Kept", "--mask-means KEEP", "--count 2", "--reuse-features 2", "--batch-size 2", "--coherence 2",
    ]

    /// A picture that is not there is only missed when all values were read.
    @Test(arguments: understood)
    func `The obvious ways to write a value are understood`(option: String) throws {
        let outcome = try Editor().run(["inpaint", "missing.png", "m.png"] + Self.words(option))
        #expect(outcome.code == 66, "\(outcome.error)")
    }

    @Test(arguments: [
        "--size 512x512", "--size 512X512", "--size 512×512", "--size 512*512", "--size|512 x 512", "--size 512x512px",
        "--aspect 16:9", "--aspect 16/9", "--aspect 16x9", "--aspect 2.39:1", "--aspect 1,85:1", "--aspect 1.5",
        "--zoom-out 150%", "--zoom-out 1.5x", "--zoom-out 1,5", "--right 64px", "--right 20000",
        "--right 64 --panel 256px",
        "--size 512x512 --anchor Top_Left",
    ])
    func `The obvious ways to write a canvas are understood`(option: String) throws {
        let outcome = try Editor().run(["outpaint", "missing.png"] + Self.words(option))
        #expect(outcome.code == 66, "\(outcome.error)")
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let command: String
        let option: String
        let says: [String]
        var testDescription: String { option }

        init(_ option: String, _ says: String..., of command: String = "inpaint missing.png m.png") {
            self.command = command
            self.option = option
            self.says = says
        }
    }

    static let wrong: [Wrong] = [
        Wrong("--seed -2", "0 to 18446744073709551615, or -1 for a new one", "for example 42"),
        Wrong("--seed abc", "or -1 for a new one"), Wrong("--seed 1.5", "whole number"),
        Wrong("--seed 18446744073709551616", "18446744073709551615"),
        Wrong("--strength half", "share from 0.01 to 1", "0.6 or 60%"), Wrong("--strength 50", "from 0.01 to 1", "50"),
        Wrong("--strength 0x1", "share"), Wrong("--steps 20.5", "a whole number from 1 to 1000 steps", "example 20"),
        Wrong("--steps 1,000", "whole number"), Wrong("--steps 50%", "whole number"),
        Wrong("--guidance high", "number from 0 to 50", "example 7.5"),
        Wrong("--guidance-interval 0.8:0.2", "start:end", "0.2:0.8"), Wrong("--guidance-interval 0.5", "start:end"),
        Wrong("--feather 10%", "a number from 0 to 256 pixels", "example 4"),
        Wrong("--padding 10%", "a whole number from 0 to 4096 pixels", "example 64"),
        Wrong("--max-memory lots", "K, M, G or T", "6G"), Wrong("--max-memory 50%", "K, M, G or T"),
        Wrong("--threads 0", "1 to 1024", "0"), Wrong("--threads all", "a whole number from 1 to 1024 threads"),
        Wrong("--max-pixels huge", "number of pixels", "400MP"),
        Wrong("--precision fp16", "'f32', 'bf16' or 'int8'"), Wrong("--sampler best", "dpmpp-2m", "euler-ancestral"),
        Wrong("--sampler|DPM++ 2M Karras|--schedule|exponential", "karras", "exponential", "one of the two"),
        Wrong("--fill reddish", "#rrggbb", "patchmatch"), Wrong("--box 1,2,3", "x,y,w,h", "10,20,200,100"),
        Wrong("--box left,2,3,4", "x,y,w,h"), Wrong("--box 0x10,1,5,5", "x,y,w,h"),
        Wrong("--ellipse 9,9,0x1p3,4", "cx,cy,rx,ry"),
        Wrong("--size=0x0", "two sides above 0", "0×0", of: "outpaint a.png --print-request"),
        Wrong("--size=-800x600", "two sides above 0", "-800×600", of: "outpaint a.png --print-request"),
        Wrong("--size 40000x40000", "268435456 pixels in all", of: "outpaint a.png --print-request"),
        Wrong("--size 9000000000000x9000000000000", "pixels in all", of: "outpaint a.png --print-request"),
        Wrong("--ellipse 1,2", "cx,cy,rx,ry", "300,200,120,80"),
        Wrong("--polygon|1,1 2,2", "3", "10,10 200,40"), Wrong("--lora m.png:strong", "weight", "m.png:0.8"),
        Wrong("--lora m.png:99", "-10 to 10"), Wrong("--embedding m.png:", "file and its word"),
        Wrong("--count many", "1 to 64 pictures"), Wrong("--grow big", "0 to 512 pixels"),
        Wrong("--size 100", "width x height", "1024x768", of: "outpaint missing.png"),
        Wrong("--size 100", "width x height", of: "generate x"), Wrong("--size wide", "width x height", of: "bench"),
        Wrong("--aspect wide", "width:height", "16:9", of: "outpaint missing.png"),
        Wrong("--aspect 16:0", "1 to 1000", "16:0", of: "outpaint missing.png"),
        Wrong("--zoom-out twice", "1.001 to 16", "1.5", of: "outpaint missing.png"),
        Wrong("--right 50%", "pixels", "256", of: "outpaint missing.png"),
        Wrong("--anchor nowhere", "top-left", of: "outpaint missing.png --size 99x99"),
        Wrong("--at here", "x,y", "120,80", of: "mask color m.png"),
        Wrong("--tolerance 10%", "0 to 200", of: "mask color m.png #fff"),
        Wrong("#fffff", "#rrggbb", "#ff8800", of: "mask color m.png"),
        Wrong("far", "1 to 4096 pixels", of: "mask grow m.png"),
        Wrong("--from bright", "a whole number from 0 to 65535", "example 128", of: "mask threshold m.png"),
        Wrong("--to 50%", "a whole number from 0 to 65535", of: "mask threshold m.png"),
        Wrong("soft", "0.1 to 256 pixels", of: "mask feather m.png"),
        Wrong("--width thick", "0.1 to 10000", of: "mask stroke m.png 1,1"),
        Wrong("--variant fp8", "fp16", "bf16", of: "models pull a/b"),
        Wrong("--weights q4", "int8", "f16", of: "models convert a b"),
    ]

    @Test(arguments: wrong)
    func `A value that is none says what was expected`(_ wrong: Wrong) throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.run(wrong.command.split(separator: " ").map(String.init) + Self.words(wrong.option))
        #expect(outcome.code == 64, "\(outcome.error)")
        for part in wrong.says { #expect(outcome.error.contains(part), "\(outcome.error)") }
        #expect(outcome.errorLines.filter { $0.hasPrefix("editor: ") }.count == 1, "\(outcome.error)")
    }

    @Test(arguments: [
        ("inpaint a.png m.png x --steps= 5", "--steps has no value"),
        ("remix --seed= a.png x", "--seed has no value"),
        ("erase a.png m.png --output= b.png", "--output has no value"),
        ("erase a.png m.png -o= b.png", "-o has no value"), ("erase a.png m.png --model=", "--model has no value"),
        ("variations --lora= a.png", "--lora has no value"), ("erase a.png --box= 1,1,5,5", "--box has no value"),
        ("mask text a.png hi --font= x", "--font has no value"),
        ("erase a.png m.png --force=", "--force takes no value"),
        ("models pull a/b --variant= fp16", "--variant has no value"),
    ]) func `What follows an equals sign that ends a word is no value`(command: String, says: String) throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.run(command.split(separator: " ").map(String.init))
        #expect(outcome.code == 64 && outcome.error == "editor: \(says)\n", "\(outcome.error)")
        #expect(editor.names == ["a.jpg", "a.png", "empty.png", "m.png", "small.png"])
    }

    @Test(
        arguments: [
            (["inpaint", "a.png", "m.png", "x", "--negative=", "--seed", "4"], nil, 4),
            (["remix", "--negative=", "a.png", "x", "--seed", "4"], nil, 4),
            (["remix", "a.png", "x", "--negative=none=", "--seed", "4"], "none=", 4),
            // A value, and what stands behind the end of options.
            (["remix", "--seed", "4", "--negative", "a=", "--", "a.png", "--steps="], "a=", 4),
        ] as [([String], String?, UInt64)])
    func `An empty text is an empty text`(arguments: [String], negative: String?, seed: UInt64) throws {
        let editor = try Editor()
        try editor.writePictures()
        let printed = try editor.run([arguments[0], "--print-request"] + arguments.dropFirst())
        #expect(printed.code == 0, "\(printed.error)")
        let request = try #require(
            try JSONSerialization.jsonObject(with: Data(printed.outputBytes)) as? [String: Any])
        #expect(request["picture"] as? String == "a.png")
        #expect(request["negativePrompt"] as? String == negative)
        #expect((request["seed"] as? NSNumber)?.uint64Value == seed)
    }

    @Test func `Values mean what they say`() throws {
        let editor = try Editor()
        try editor.writePictures()
        try TinyModel.write(to: editor.folder.appending(path: "model"))
        func made(_ arguments: [String], _ name: String) throws -> LoadedImage {
            let outcome = try editor.run(arguments + ["--model", "model", "-o", name])
            #expect(outcome.code == 0, "\(outcome.error)")
            return try ImageFile.read(path: editor.path(name))
        }
        let wide = try made(["outpaint", "a.png", "--aspect", "2.39:1", "--steps", "1"], "wide.png")
        #expect(wide.picture.height == 48 && wide.picture.width == 115)
        let square = try made(["generate", "x", "--size", "64*64", "--steps", "1.0"], "square.png")
        #expect(square.picture.width == 64 && square.picture.height == 64)
        let record = try made(
            [
                "remix", "a.png", "x", "--strength", "50%", "--guidance", "6,5", "--sampler", "DPM++ 2M Karras",
                "--steps", "4",
            ],
            "r.png"
        ).provenance?.infotext
        #expect(record?["Denoising strength"] == "0.5")
        #expect(record?["CFG scale"] == "6.5")
        #expect(record?["Sampler"] == "DPM++ 2M")
        #expect(record?["Schedule type"] == "Karras")
        let seeds = try ["1.png", "2.png"].map {
            try made(["inpaint", "a.png", "m.png", "--seed", "-1", "--steps", "1"], $0).provenance?.infotext?["Seed"]
        }
        #expect(seeds[0] != nil && seeds[0] != seeds[1])
    }

    @Test func `Limits are named as they are`() throws {
        let editor = try Editor()
        try editor.writePictures()
        for (size, found) in [("1", "1 byte"), ("2000", "1.9K"), ("255.99M", "255.9M"), ("0", "0 bytes")] {
            let outcome = try editor.run(["inpaint", "a.png", "m.png", "--max-memory", size])
            #expect(outcome.code == 64)
            #expect(
                outcome.error.hasSuffix("--max-memory must be at least 256M, found \(found)\n"), "\(outcome.error)")
        }
        for aspect in ["0", "0:1", "1:0", "0.001:1"] {
            let outcome = try editor.run(["outpaint", "a.png", "--aspect", aspect])
            #expect(outcome.code == 64)
            #expect(
                outcome.error.contains(
                    "--aspect must be width:height, two numbers from 0.01 to 1000 such as 16:9 or 2.39:1, found \(aspect)"
                ), "\(outcome.error)")
        }
        // 1001:100 in hundredths.
        #expect(try editor.run(["outpaint", "missing.png", "--aspect", "10.01:1"]).code == 66)
    }

    @Test(arguments: ["inpaint", "erase"]) func `A word in the place of the mask is no file`(command: String) throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.run([command, "a.png", "a red door"])
        #expect(outcome.code == 64, "\(outcome.error)")
        #expect(
            outcome.error.contains(
                "missing expected argument '<mask>': there is no file 'a red door'; name a mask picture, or give a shape with --box"
            ), "\(outcome.error)")
        // What is called as pictures are is one that is not there.
        #expect(try editor.run([command, "a.png", "gone.png"]).code == 66)
    }
}
