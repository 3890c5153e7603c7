import Diffusion
import Foundation
import Masking
import PlainText
import Raster
import Testing

@testable import Editing

/// A request is a value that JSON can say in full.
@Suite struct RequestJSONTests {
    /// A small generator, so that runs are alike (Steele, Lea and Flood 2014, SplitMix64).
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }

    private func read(_ json: String) throws -> EditRequest { try EditRequest(json: Array(json.utf8), name: "r.json") }

    private func message(_ json: String) -> String {
        do {
            _ = try read(json)
            return "no error"
        } catch { return "\(error)" }
    }

    private static let masks: [MaskSource] = [
        .picture(.file(path: "m \"1\".png")), .picture(.bytes([0, 1, 254, 255, 7], name: "standard input")), .ownAlpha,
        .shape(.box(origin: .init(x: .pixels(1.25), y: .share(0.07)), width: .share(0.1), height: .pixels(3))),
        .shape(.ellipse(center: .init(x: .pixels(-5), y: .pixels(1e-5)), radiusX: .pixels(9), radiusY: .share(0.29))),
        .shape(
            .polygon(
                [
                    .init(x: .pixels(1), y: .pixels(2)), .init(x: .share(0.5), y: .pixels(2)),
                    .init(x: .pixels(3), y: .pixels(4.5)),
                ], .evenOdd)),
        .shape(.stroke([.init(x: .pixels(1), y: .pixels(2))], width: 12.5)),
    ]

    /// Every setting with random values, in random company.
    @Test func `What is written reads back the same`() throws {
        var random = Random(state: 1)
        for _ in 0 ..< 500 {
            var request = EditRequest(
                mode: .inpaint,
                picture: Bool.random(using: &random) ? .file(path: "a.png") : .bytes([1, 2], name: "b"),
                masks: Self.masks.filter { _ in Bool.random(using: &random) },
                prompt: ["", "a \"red\" fox\n🦊", "\u{10FEE9}"].randomElement(using: &random) ?? "",
                negativePrompt: Bool.random(using: &random) ? "" : "no")
            request.protected = Self.masks.filter { _ in Bool.random(using: &random) }
            func maybe(_ change: (inout EditSettings) -> Void) {
                if Bool.random(using: &random) { change(&request.settings) }
            }
            func pick<Value>(_ setting: Setting<Value>, _ values: [Value]) {
                if Bool.random(using: &random), let value = values.randomElement(using: &random) {
                    setting.set(value, in: &request.settings)
                }
            }
            for setting in [
                Settings.count, Settings.batchSize, Settings.steps, Settings.reuseFeatures, Settings.padding,
                Settings.grow, Settings.blend, Settings.panel, Settings.livePreviewInterval, Settings.maxPixels,
            ] {
                let range = setting.range.range
                pick(setting, [range.lowerBound, range.upperBound, Int.random(in: range, using: &random)])
            }
            for setting in [
                Settings.guidance, Settings.imageGuidance, Settings.guidanceRescale, Settings.strength,
                Settings.feather,
            ] {
                let range = setting.range.range
                pick(setting, [range.lowerBound, range.upperBound, Float.random(in: range, using: &random)])
            }
            pick(Settings.seed, [0, .max, 1 << 63 + 1, random.next()])
            pick(Settings.rng, RandomSource.allCases)
            pick(Settings.sampler, SamplerKind.allCases)
            pick(Settings.schedule, ScheduleType.allCases)
            pick(Settings.knownLatents, [.reimpose])
            pick(Settings.coherence, [0, 1, 20])
            pick(Settings.coherenceMethod, DenoiseRequest.CoherenceMethod.allCases)
            pick(Settings.area, EditArea.allCases)
            pick(Settings.detail, [.kept, .mixed])
            pick(Settings.composite, [.seamless, .paste, .stencil])
            pick(Settings.fill, [.blurred, .patchmatch, .original])
            pick(Settings.alpha, Composite.AlphaPolicy.allCases)
            pick(Settings.maskMeans, MaskMeaning.allCases)
            pick(Settings.tileable, [.x, .y, .both])
            pick(Settings.maxMemory, [256 << 20, .max])
            maybe { $0.guidanceInterval = 0.2 ... 0.30000001 }
            maybe { $0.reusesKnown = true }
            maybe { $0.fitMask = true }
            let json = try request.json()
            #expect(try read(json) == request, "\(json)")
            // Whoever has a coder of their own.
            let foundation = try JSONDecoder().decode(EditRequest.self, from: JSONEncoder().encode(request))
            #expect(foundation == request, "\(json)")
        }
    }

    @Test func `Every canvas, colour and path reads back the same`() throws {
        for canvas: CanvasChange in [
            .margins(Margins(left: 1, right: 0, top: 2, bottom: 300)), .aspect(width: 16, height: 9, anchor: .left),
            .size(PixelSize(width: 1024, height: 768), anchor: .bottomRight), .zoomOut(1.3, anchor: .center),
        ] {
            let request = EditRequest(mode: .outpaint, picture: .file(path: "a"), canvas: canvas)
            #expect(try read(request.json()) == request)
        }
        var request = EditRequest(mode: .generate, prompt: "x", size: PixelSize(width: 64, height: 8))
        for color: (Float, Float, Float) in [(0, 0.5, 1), (1, 136 / 255, 0), (0.1, 0.2, 0.3)] {
            request.settings.fill = .color(red: color.0, green: color.1, blue: color.2)
            #expect(try read(request.json()) == request)
        }
        for data in ["M10 10 H90 V90 Z", "M0.1,0.2C1 2 3 4 5 6s7 8 9 10ZM1 1 2 2", "M5 5A3 4 30 1 0 9 9"] {
            let shape = try MaskShape(svgPath: data, rule: .evenOdd)
            let request = EditRequest(mode: .erase, picture: .file(path: "a"), masks: [.shape(shape)])
            #expect(try read(request.json()) == request, "\(data)")
        }
    }

    @Test func `What is default is not written, and null is nothing`() throws {
        let request = EditRequest(mode: .variations, picture: .file(path: "a.png"))
        #expect(try request.json() == "{\n  \"mode\": \"variations\",\n  \"picture\": \"a.png\"\n}")
        let nulls = Settings.all.map { "\"\($0.key)\": null" }.joined(separator: ", ")
        #expect(try read("{\"mode\": \"variations\", \"picture\": \"a.png\", \"masks\": null, \(nulls)}") == request)
    }

    /// The examples of docs/request.md, every mode among them.
    @Test func `The documented examples are requests`() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/request.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let examples = text.components(separatedBy: "```json\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
        var modes: Set<String> = []
        for example in examples { modes.insert(try read(example).mode.rawValue) }
        #expect(examples.count == 9 && modes == Set(EditMode.allCases.map(\.rawValue)))
        for key in SettingKey.allCases where Settings.all.contains(where: { $0.key == key }) {
            #expect(text.contains("`\(key)`"), "\(key)")
        }
    }

    @Test(arguments: [
        ("{\"mode\": \"inpaint\", \"setps\": 3}", "'setps' is no setting; did you mean 'steps'?"),
        ("{\"mode\": \"inpaint\", \"negative\": \"x\"}", "'negative' is no setting; did you mean 'negativePrompt'?"),
        ("{\"mode\": \"inpaint\", \"weather\": 3}", "'weather' is no setting"),
        (
            "{}",
            "mode must be \"inpaint\", \"outpaint\", \"remix\", \"variations\", \"generate\" or \"erase\", found nothing"
        ),
        ("{\"mode\": \"paint\"}", "or \"erase\", found \"paint\""),
        (
            "{\"mode\": \"inpaint\", \"steps\": \"many\"}",
            "steps must be a whole number from 1 to 1000 steps, found \"many\""
        ),
        ("{\"mode\": \"inpaint\", \"steps\": 2.5}", "steps must be a whole number from 1 to 1000 steps, found 2.5"),
        ("{\"mode\": \"inpaint\", \"steps\": true}", "found true"),
        ("{\"mode\": \"inpaint\", \"steps\": [1]}", "found a list"),
        ("{\"mode\": \"inpaint\", \"steps\": {}}", "found an object"),
        ("{\"mode\": \"inpaint\", \"steps\": 0}", "steps must be from 1 to 1000 steps, found 0"),
        ("{\"mode\": \"inpaint\", \"strength\": NaN}", "strength must be from 0.01 to 1, found nan"),
        ("{\"mode\": \"inpaint\", \"strength\": 1e400}", "strength must be from 0.01 to 1, found inf"),
        (
            "{\"mode\": \"inpaint\", \"seed\": -1}",
            "seed must be a whole number from 0 to 18446744073709551615, found -1"
        ),
        ("{\"mode\": \"inpaint\", \"seed\": 18446744073709551616}", "seed must be a whole number from 0 to"),
        ("{\"mode\": \"inpaint\", \"seed\": 1e17}", "seed must be a whole number from 0 to"),
        ("{\"mode\": \"inpaint\", \"area\": \"all\"}", "area must be \"mask\" or \"whole\", found \"all\""),
        ("{\"mode\": \"inpaint\", \"fill\": \"red\"}", "a colour as \"#rrggbb\", found \"red\""),
        (
            "{\"mode\": \"inpaint\", \"guidanceInterval\": [0.8, 0.2]}",
            "guidanceInterval must be two shares from 0 to 1"
        ),
        ("{\"mode\": \"inpaint\", \"maxMemory\": 1000}", "maxMemory must be at least 256M, found 1000 bytes"),
        ("{\"mode\": \"inpaint\", \"fitMask\": 1}", "fitMask must be true or false, found 1"),
        (
            "{\"mode\": \"inpaint\", \"steps\": 3, \"steps\": 4}",
            "'r.json' is no request: the key 'steps' is there twice at byte"
        ),
        ("[]", "'r.json' is no request: expected an object, found an array"),
        ("", "'r.json' is no request: unexpected end"),
        ("{\"mode\": \"inpaint\", \"masks\": [[[[[[[[[[1]]]]]]]]]]}", "nesting deeper than 8"),
        (
            "{\"mode\": \"inpaint\", \"picture\": 3}",
            "picture must be a path, or an object with \"file\" or with \"base64\""
        ),
        ("{\"mode\": \"inpaint\", \"picture\": \"\"}", "picture must be a path"),
        (
            "{\"mode\": \"inpaint\", \"picture\": {\"base64\": \"AA=\"}}",
            "picture.base64 must be a file's bytes in Base64"
        ),
        (
            "{\"mode\": \"inpaint\", \"picture\": {\"file\": \"a\", \"base64\": \"AA==\"}}",
            "found both a file and bytes"
        ),
        ("{\"mode\": \"inpaint\", \"picture\": {\"path\": \"a\"}}", "'path' is no setting"),
        ("{\"mode\": \"inpaint\", \"masks\": {}}", "masks must be a list of masks, found an object"),
        (
            "{\"mode\": \"inpaint\", \"masks\": [\"a\", {\"box\": [1, 2, 3]}]}",
            "masks[1].box: '1.0,2.0,3.0' is not of the form x,y,w,h"
        ),
        ("{\"mode\": \"inpaint\", \"masks\": [{\"box\": [1, 2, 3, 0]}]}", "masks[0].box: "),
        ("{\"mode\": \"inpaint\", \"masks\": [{\"box\": \"1,2,3,4\"}]}", "masks[0].box must be a list of four lengths"),
        (
            "{\"mode\": \"inpaint\", \"masks\": [{\"box\": [\"1,2\", 3, 4]}]}",
            "masks[0].box must be a list of four lengths"
        ),
        (
            "{\"mode\": \"inpaint\", \"masks\": [{\"box\": [1, 2, 3, 4], \"rule\": \"evenodd\"}]}",
            "'masks[0].rule' is no setting"
        ),
        ("{\"mode\": \"inpaint\", \"masks\": [{\"box\": [1, 2, 3, 4], \"path\": \"M1 1\"}]}", "found box and path"),
        ("{\"mode\": \"inpaint\", \"masks\": [{}]}", "masks[0] must be a path or an object of one kind"),
        (
            "{\"mode\": \"inpaint\", \"masks\": [{\"stroke\": [[1, 2]]}]}",
            "masks[0].width must be a number from 0.1 to 10000 pixels, found nothing"
        ),
        (
            "{\"mode\": \"inpaint\", \"masks\": [{\"path\": \"M1 1 K\"}]}",
            "masks[0].path: the path is wrong at character"
        ),
        ("{\"mode\": \"inpaint\", \"masks\": [{\"ownAlpha\": false}]}", "masks[0].ownAlpha must be true, found false"),
        ("{\"mode\": \"inpaint\", \"left\": 3}", "left has no meaning for inpaint"),
        ("{\"mode\": \"erase\", \"size\": \"64x64\"}", "size has no meaning for erase"),
        ("{\"mode\": \"outpaint\"}", "outpaint needs to know how far to extend: give left"),
        ("{\"mode\": \"outpaint\", \"left\": 3, \"zoomOut\": 2}", "exclude each other"),
        ("{\"mode\": \"outpaint\", \"left\": -3}", "left must be 0 pixels or more, found -3"),
        ("{\"mode\": \"outpaint\", \"left\": 0}", "nothing would be added"),
        ("{\"mode\": \"outpaint\", \"zoomOut\": 99}", "zoomOut must be from 1.001 to 16 times, found 99"),
        ("{\"mode\": \"outpaint\", \"size\": \"12\"}", "size must be a text such as \"1024x768\", found \"12\""),
        (
            "{\"mode\": \"outpaint\", \"aspect\": \"0:9\"}",
            "aspect must be width:height, two numbers from 0.01 to 1000 such as 16:9 or 2.39:1, found 0:9"
        ),
        ("{\"mode\": \"generate\", \"strength\": 0.5}", "generate starts from none"),
        ("{\"mode\": \"erase\", \"picture\": \"-\"}", "picture must be a path (standard input is \"/dev/stdin\""),
        ("{\"mode\": \"erase\", \"picture\": \"\"}", "picture must be a path, or an object with"),
        ("{\"mode\": \"erase\", \"picture\": {\"file\": \"-\"}}", "picture.file must be a path (standard input"),
        ("{\"mode\": \"erase\", \"picture\": \"a\", \"masks\": [\"m\", \"-\"]}", "masks[1] must be a path (standard"),
        (
            "{\"mode\": \"outpaint\", \"picture\": \"a\", \"size\": \"0x600\"}",
            "size must be two sides above 0, of at most 268435456 pixels in all, found 0×600"
        ),
        (
            "{\"mode\": \"generate\", \"size\": \"4x4000000\"}",
            "size must have sides of 8 to 32768 pixels, found 4x4000000"
        ),
        (
            "{\"mode\": \"remix\", \"composite\": \"raw\", \"protected\": [\"a\"]}",
            "composite \"raw\" writes every pixel anew"
        ),
    ]) func `What is wrong is named, with what is allowed and what was found`(json: String, says: String) {
        let message = message(json)
        #expect(message.contains(says), "\(message)")
        #expect(!message.contains("--"), "\(message)")
    }

    @Test func `A byte order mark is passed over, and other encodings are named`() throws {
        let json = "{\"mode\": \"generate\", \"prompt\": \"a hill\"}"
        #expect(try EditRequest(json: [0xEF, 0xBB, 0xBF] + Array(json.utf8), name: "r").prompt == "a hill")
        for (encoding, name) in [
            (String.Encoding.utf16, "UTF-16"), (.utf16LittleEndian, "UTF-16"), (.utf16BigEndian, "UTF-16"),
            (.utf32, "UTF-32"), (.utf32LittleEndian, "UTF-32"), (.utf32BigEndian, "UTF-32"),
        ] {
            let bytes = Array(try #require(json.data(using: encoding)))
            let error = #expect(throws: EditError.self) { try EditRequest(json: bytes, name: "r") }
            #expect(error?.description == "'r' is no request: it is \(name), expected UTF-8")
        }
    }

    @Test func `Masks are counted before they are read`() throws {
        let many = [String](repeating: "\"m.png\"", count: 1001).joined(separator: ",")
        #expect(throws: EditError.tooManyMasks(.masks, count: 1001)) {
            try read("{\"mode\": \"inpaint\", \"masks\": [\(many)]}")
        }
        #expect(throws: EditError.tooManyMasks(.protected, count: 1001)) {
            try read("{\"mode\": \"inpaint\", \"protected\": [\(many)]}")
        }
        var request = EditRequest(mode: .inpaint)
        request.masks = [MaskSource](repeating: .ownAlpha, count: 1001)
        #expect(throws: EditError.tooManyMasks(.masks, count: 1001)) { try request.validate() }
    }

    @Test func `Base64 is read strictly`() {
        for count in 0 ..< 20 {
            let bytes = (0 ..< count).map { UInt8(truncatingIfNeeded: $0 &* 97 &+ 250) }
            let text = Base64.text(of: bytes)
            #expect(text == Data(bytes).base64EncodedString())
            #expect(Base64.bytes(of: text) == bytes)
        }
        // As MIME and many tools break it into lines.
        let long = (0 ..< 200).map { UInt8($0) }
        for options in [Data.Base64EncodingOptions.lineLength76Characters, .lineLength64Characters] {
            let lines = Data(long).base64EncodedString(options: [
                options, .endLineWithCarriageReturn, .endLineWithLineFeed,
            ])
            #expect(Base64.bytes(of: lines + "\r\n") == long)
        }
        for wrong in [
            "A", "AA", "AAA", "AA=", "A===", "====", "AB==", "AAB=", "AA==AAAA", "AA A", "ÄAAA", "AA-_",
        ] {
            #expect(Base64.bytes(of: wrong) == nil, "\(wrong)")
        }
    }
}
