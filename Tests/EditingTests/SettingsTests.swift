import Diffusion
import Editing
import ImageFiles
import Masking
import PlainText
import Raster
import Testing

/// Whose wish counts, and what is refused before anything is computed.
@Suite struct SettingsTests {
    private func resolved(
        _ mode: EditMode, prompt: String = "a fox", defaults: EditDefaults = EditDefaults(),
        _ change: (inout EditSettings) -> Void = { _ in }
    ) -> ResolvedSettings {
        var request = EditRequest(mode: mode, prompt: prompt)
        change(&request.settings)
        return ResolvedSettings(for: request, facts: StubModel(defaults: defaults).facts, randomSeed: 9)
    }

    /// What an outpaint needs to be a whole request.
    private static func canvas(_ mode: EditMode) -> CanvasChange? {
        mode == .outpaint ? .zoomOut(2, anchor: .center) : nil
    }

    @Test func `The user comes before the model, the model before the mode`() {
        #expect(resolved(.inpaint).steps == 20)
        #expect(resolved(.inpaint, defaults: EditDefaults(steps: 8)).steps == 8)
        #expect(resolved(.inpaint, defaults: EditDefaults(steps: 8)) { $0.steps = 3 }.steps == 3)
        #expect(resolved(.inpaint).guidanceRescale == 0)
        #expect(resolved(.inpaint, defaults: EditDefaults(guidanceRescale: 0.7)).guidanceRescale == 0.7)
        #expect(
            resolved(.inpaint, defaults: EditDefaults(guidanceRescale: 0.7)) { $0.guidanceRescale = 0 }.guidanceRescale
                == 0)
        #expect(resolved(.inpaint).strength == 1)
        #expect(resolved(.inpaint, defaults: EditDefaults(strength: 0.4)).strength == 0.4)
        #expect(resolved(.generate, defaults: EditDefaults(strength: 0.4)).strength == 1)
    }

    @Test func `A model may say what suits a mode, and an inpaint without words is an erase`() {
        let defaults = EditDefaults(
            steps: 8, guidance: 4, strength: 1, detail: "model",
            modes: ["erase": EditDefaults(strength: 0.4, fill: "patchmatch", detail: "kept")])
        let erase = resolved(.erase, prompt: "", defaults: defaults)
        #expect(erase.strength == 0.4 && erase.steps == 8 && erase.detail == .kept && erase.fill == .patchmatch)
        let silent = resolved(.inpaint, prompt: "", defaults: defaults)
        #expect(silent.strength == 0.4 && silent.detail == .kept)
        let told = resolved(.inpaint, defaults: defaults)
        #expect(told.strength == 1 && told.detail == .model && told.guidance == 4)
        #expect(
            resolved(.remix, defaults: EditDefaults(strength: 0.5, modes: ["remix": EditDefaults(strength: 0.7)]))
                .strength == 0.7)
    }

    @Test func `A model may say that a mask is taken as it is, where something is painted into it`() {
        let defaults = EditDefaults(grow: 3, feather: 2, modes: ["inpaint": EditDefaults(grow: 0, feather: 0)])
        let thing = resolved(.inpaint, defaults: defaults)
        #expect(thing.grow == 0 && thing.feather == 0)
        let hole = resolved(.erase, prompt: "", defaults: defaults)
        #expect(hole.grow == 3 && hole.feather == 2)
        #expect(resolved(.inpaint, defaults: defaults) { $0.grow = 5 }.grow == 5)
        let remix = resolved(.remix, defaults: defaults)
        #expect(remix.grow == 0 && remix.feather == ResolvedSettings.defaultFeather)
    }

    @Test func `A model's negative prompt goes with words, and the user's comes first`() {
        let defaults = EditDefaults(modes: ["inpaint": EditDefaults(negative: "a drawing")])
        #expect(resolved(.inpaint, defaults: defaults).negativePrompt == "a drawing")
        #expect(resolved(.inpaint, prompt: "", defaults: defaults).negativePrompt.isEmpty)
        #expect(resolved(.remix, defaults: defaults).negativePrompt.isEmpty)
        let asked = EditRequest(mode: .inpaint, prompt: "a lake", negativePrompt: "a boat")
        let facts = StubModel(defaults: defaults).facts
        #expect(ResolvedSettings(for: asked, facts: facts, randomSeed: 9).negativePrompt == "a boat")
    }

    @Test func `Coherence that would do nothing is refused, or said`() throws {
        var settings = EditSettings()
        (settings.coherence, settings.knownLatents) = (2, .channels)
        #expect(throws: EditError.nothingHeld) { try settings.validate() }
        settings.knownLatents = .reimpose
        try settings.validate()
        settings.coherence = 21
        #expect(throws: EditError.self) { try settings.validate() }
        let remix = resolved(.remix) { $0.coherence = 2 }
        #expect(remix.notes.contains { $0.isWarning && $0.text.contains("coherence has no effect without a mask") })
        #expect(resolved(.outpaint) { $0.coherence = 2 }.notes.isEmpty && resolved(.remix).notes.isEmpty)
    }

    @Test func `Seeds are consecutive, and drawn where none is given`() {
        #expect(resolved(.inpaint).seeds == [9])
        #expect(
            resolved(.inpaint) {
                $0.seed = 4
                $0.count = 3
            }.seeds == [4, 5, 6])
        #expect(
            resolved(.inpaint) {
                $0.seed = .max
                $0.count = 2
            }.seeds == [.max, 0])
    }

    @Test func `Without words guidance is off, as it would change nothing`() {
        #expect(resolved(.inpaint).guidance == 7.5)
        #expect(resolved(.erase, prompt: "").guidance == 1)
        #expect(resolved(.erase, prompt: "") { $0.guidance = 3 }.guidance == 3)
    }

    @Test func `A raw composite takes the mask as it is`() {
        #expect(resolved(.inpaint) { $0.composite = .raw }.grow == 0)
        #expect(resolved(.inpaint) { $0.composite = .raw }.feather == 0)
        #expect(
            resolved(.inpaint) {
                $0.composite = .raw
                $0.grow = 5
            }.grow == 5)
    }

    @Test(arguments: [Fill.noise, .color(red: 1, green: 0, blue: 1)], EditMode.allCases)
    func `A fill that must not be seen is not kept, and painted over whole`(fill: Fill, mode: EditMode) throws {
        for detail in ["kept", "mixed", "color", "model"] {
            let defaults = EditDefaults(
                strength: 0.15, detail: detail, modes: ["remix": EditDefaults(strength: 0.6, detail: detail)])
            let settings = resolved(mode, defaults: defaults) { $0.fill = fill }
            #expect(settings.detail == .model && settings.strength == 1)
            #expect(settings.notes.contains { $0.text.contains("must not show in the result") } == (detail != "model"))
        }
        guard mode != .generate else { return }
        for detail in Detail.allCases {
            var request = EditRequest(mode: mode, prompt: "a fox", canvas: Self.canvas(mode))
            request.settings.fill = fill
            request.settings.detail = detail
            if detail == .model {
                try request.validate()
            } else {
                #expect(throws: EditError.placeholderKept(fill: fill.name, detail: detail)) { try request.validate() }
            }
        }
        var weak = EditRequest(mode: mode, prompt: "a fox", canvas: Self.canvas(mode))
        weak.settings.fill = fill
        weak.settings.strength = 0.5
        if case .noise = fill {
            #expect(throws: EditError.noiseKept(strength: 0.5)) { try weak.validate() }
        } else {
            try weak.validate()
            #expect(
                resolved(mode) { $0 = weak.settings }.notes.contains {
                    $0.isWarning && $0.text.contains("leaves some of the fill's colour")
                })
        }
    }

    @Test func `A masked remix with kept detail changes colours; words are cut out`() {
        let defaults = EditDefaults(strength: 0.15, detail: "kept", modes: ["remix": EditDefaults(strength: 0.6)])
        var request = EditRequest(mode: .remix, mask: .file(path: "m.png"), prompt: "blue flowers")
        let facts = StubModel(defaults: defaults).facts
        func settings(hasLettering: Bool = false) -> ResolvedSettings {
            ResolvedSettings(for: request, facts: facts, randomSeed: 9, hasLettering: hasLettering)
        }
        #expect(settings().detail == .color && settings().composite.mode == .paste)
        // This model does not say which words it knows: its own picture gives the colours.
        #expect(settings().colorWords.isEmpty && settings().strength == 0.9)
        request.settings.composite = .seamless
        #expect(settings().composite.mode == .seamless)
        request.settings.detail = .kept
        #expect(settings().detail == .kept && settings().strength == 0.6)
        #expect(resolved(.remix, defaults: defaults).detail == .kept)

        request = EditRequest(mode: .inpaint, mask: .file(path: "m.png"), prompt: "snow")
        #expect(settings().composite.mode == .seamless && settings().detail == .kept)
        #expect(settings(hasLettering: true).composite.mode == .stencil)
        #expect(settings(hasLettering: true).detail == .model)
        request.settings.composite = .seamless
        #expect(settings(hasLettering: true).composite.mode == .seamless)
        request.settings.composite = nil
        request.prompt = ""
        #expect(settings(hasLettering: true).composite.mode == .seamless)
    }

    @Test(arguments: EditMode.allCases)
    func `A stencil is for what is painted into a mask`(mode: EditMode) throws {
        var request = EditRequest(mode: mode, prompt: "a fox")
        request.settings.composite = .stencil
        if mode == .inpaint {
            try request.validate()
        } else {
            #expect(throws: EditError.stencilWithoutShape(mode: mode)) { try request.validate() }
        }
    }

    /// What is filled has no light of its own to be kept.
    @Test(arguments: EditMode.allCases)
    func `Colours alone are for a picture that is not filled over`(mode: EditMode) throws {
        var request = EditRequest(mode: mode, prompt: "a red fox", canvas: Self.canvas(mode))
        request.settings.detail = .color
        if [.inpaint, .erase, .outpaint].contains(mode) {
            #expect(throws: EditError.colorOfFill(mode: mode)) { try request.validate() }
        } else {
            try request.validate()
        }
        request.settings.fill = .original
        try request.validate()
    }

    /// The hull of this mask is the whole picture.
    @Test func `A stencil's fill leaves out what is protected, and its mask says what is kept`() throws {
        let scratch = try Scratch()
        let image = try scratch.write(.patterned(width: 64, height: 48), "a.png")
        let mask = try scratch.write(
            .mask(width: 64, height: 48, white: PixelRect(x: 4, y: 4, width: 56, height: 40)), "m.png")
        let top = try scratch.write(
            .mask(width: 64, height: 48, white: PixelRect(x: 0, y: 0, width: 64, height: 10)), "p.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask), prompt: "x")
        request.settings.composite = .stencil
        let model = StubModel()
        func plan() throws -> EditPlan {
            let settings = ResolvedSettings(for: request, facts: model.facts, randomSeed: 1)
            return try EditPlan(request, inputs: EditInputs(request), model: model, settings: settings)
        }
        let free = try plan()
        #expect(free.hole?.coverage.values.allSatisfy { $0 == 1 } == true && free.keepsPixels)
        request.protected = [.picture(.file(path: top))]
        let hole = try #require(try plan().hole)
        #expect((0 ..< 64 * 10).allSatisfy { hole.coverage.values[$0] == 0 })
        #expect(hole.coverage.values[64 * 30 + 30] == 1)
    }

    @Test func `Settings out of range are refused by name`() {
        var settings = EditSettings()
        settings.steps = 0
        #expect(throws: EditError.outOfRange(.steps, allowed: "from 1 to 1000 steps", found: "0")) {
            try settings.validate()
        }
        settings = EditSettings()
        settings.strength = .nan
        #expect(throws: EditError.self) { try settings.validate() }
        let long = EditRequest(mode: .generate, prompt: String(repeating: "🦊", count: 5000))
        #expect(throws: EditError.promptTooLong(bytes: 20000, limit: 16384)) { try long.validate() }
    }

    /// A fill that is drawn at random is each seed's own, or each batch's.
    @Test func `A batch shares what fills the hole, and says its place in it`() throws {
        let scratch = try Scratch()
        let image = try scratch.write(.patterned(width: 64, height: 64), "a.png")
        let mask = try scratch.write(
            .mask(width: 64, height: 64, white: PixelRect(x: 20, y: 20, width: 24, height: 24)), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask), prompt: "x")
        request.settings.count = 3
        request.settings.seed = 7
        request.settings.fill = .noise
        for (batch, groups, places) in [
            (1, [[7], [8], [9]] as [[UInt64]], [nil, nil, nil]), (2, [[7, 8], [9]], ["0", "1", "0"]),
            (8, [[7, 8, 9]], ["0", "1", "2"]),
        ] {
            request.settings.batchSize = batch
            let model = StubModel()
            let report = try request.run(model, output: OutputChoice(path: scratch.path("\(batch).png")))
            #expect(model.requests.map(\.seeds) == groups)
            #expect(model.requests.allSatisfy { $0.batchSize == min(3, batch) })
            let written = try report.saved.prefix(3).map {
                try ImageFile.read(path: $0.path).provenance?.infotext?["Batch pos"]
            }
            #expect(written == places)
        }
    }

    @Test func `What does not fit the memory limit is refused, or worked in smaller passes`() throws {
        let scratch = try Scratch()
        let image = try scratch.write(.patterned(width: 600, height: 400), "a.png")
        let all = PixelRect(x: 0, y: 0, width: 590, height: 390)
        let mask = try scratch.write(.mask(width: 600, height: 400, white: all), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask))
        request.settings.fill = .blurred
        request.settings.memoryLimit = 256 << 20
        let needed = (100 << 20) + 2 * 512 * 512 * 650 * 2
        #expect(
            throws: EditError.overMemoryLimit(what: "this model", needed: needed, limit: 256 << 20)
        ) { try request.run(StubModel(nativeSize: 2048)) }

        let free = StubModel(nativeSize: 512)
        request.settings.memoryLimit = nil
        _ = try request.run(free)
        let limited = StubModel(nativeSize: 512)
        request.settings.memoryLimit = 256 << 20
        _ = try request.run(limited)
        #expect(limited.requests.count > free.requests.count)
    }
}
