import Diffusion
import ImageFiles
import Masking
import PlainText
import Raster
import Testing

@testable import Editing

/// The table of settings is whole, and all that is made from it agrees.
@Suite struct SettingTableTests {
    @Test func `Every setting is in the table, once`() {
        let fields = Mirror(reflecting: EditSettings()).children.compactMap(\.label)
        #expect(Settings.all.count == fields.count, "\(fields)")
        #expect(Set(Settings.all.map(\.key)).count == Settings.all.count)
        for setting in Settings.all { #expect(!"\(setting.help)".isEmpty && !setting.allowed.isEmpty) }
    }

    @Test func `What nobody changed is in range`() throws {
        try EditSettings().validate()
        #expect(Settings.steps.defaultValue == nil && Settings.count.defaultValue == 1)
    }

    /// A value just beyond each end of each range, given to the whole request.
    @Test func `A value beyond a range is refused by its key`() {
        func refused<Value>(_ setting: Setting<Value>, _ value: Value, found: String) {
            var request = EditRequest(mode: .inpaint)
            setting.set(value, in: &request.settings)
            #expect(throws: EditError.outOfRange(setting.key, allowed: setting.allowed, found: found)) {
                try request.validate()
            }
        }
        for setting in [
            Settings.count, Settings.batchSize, Settings.steps, Settings.reuseFeatures, Settings.coherence,
            Settings.padding, Settings.grow, Settings.blend, Settings.panel, Settings.livePreviewInterval,
            Settings.maxPixels,
        ] {
            let range = setting.range.range
            refused(setting, range.lowerBound - 1, found: "\(range.lowerBound - 1)")
            refused(setting, range.upperBound + 1, found: "\(range.upperBound + 1)")
        }
        for setting in [
            Settings.guidance, Settings.imageGuidance, Settings.guidanceRescale, Settings.strength, Settings.feather,
        ] {
            let range = setting.range.range
            refused(setting, range.lowerBound - 1, found: SettingRange.text(of: range.lowerBound - 1))
            refused(setting, range.upperBound + 1, found: SettingRange.text(of: range.upperBound + 1))
            var settings = EditSettings()
            setting.set(.nan, in: &settings)
            #expect(throws: EditError.outOfRange(setting.key, allowed: setting.allowed, found: "nan")) {
                try settings.validate()
            }
        }
        refused(Settings.maxMemory, 255 << 20, found: "255M")
        refused(Settings.guidanceInterval, 0.5 ... 1.5, found: "0.5:1.5")
        refused(Settings.fill, .color(red: 2, green: 0, blue: 0), found: "color")
    }

    /// All that the record has a name for is written where it is not the default; of the instructing models' guidance
    /// another test tells.
    @Test func `The record has a place for every setting that the table names for it`() throws {
        let scratch = try Scratch()
        let image = try scratch.write(.patterned(width: 64, height: 64), "a.png")
        let mask = try scratch.write(
            .mask(width: 64, height: 64, white: PixelRect(x: 20, y: 20, width: 24, height: 24)), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask), prompt: "x")
        request.settings.count = 2
        request.settings.batchSize = 2
        request.settings.guidanceRescale = 0.5
        request.settings.guidanceInterval = 0.25 ... 0.75
        request.settings.deepFeatureInterval = 2
        request.settings.reusesKnown = true
        request.settings.sampler = .euler
        request.settings.schedule = .karras
        request.settings.coherence = 1
        request.settings.padding = 7
        let report = try request.run(StubModel(), output: OutputChoice(path: scratch.path("r.png")))
        let record = try ImageFile.read(path: report.saved[0].path).provenance?.infotext
        let keys = Settings.all.compactMap(\.infotextKey)
        #expect(keys.count == 18 && Set(keys).count == keys.count)
        for key in keys where key != Settings.imageGuidance.infotextKey {
            #expect(record?[key] != nil, "\(key)")
        }
    }

    /// Sentences of the library name settings, and no front end's spelling of them.
    @Test func `Help names other settings by their keys`() {
        #expect(Settings.batchSize.help.settings == [.count])
        #expect(Settings.strength.help.settings == [.detail])
        for setting in Settings.all { #expect(!"\(setting.help)".contains("--"), "\(setting.key)") }
    }

    /// Every sentence that an error of the library says, looked through for words of the command line.
    @Test func `Errors name no options`() {
        let size = PixelSize(width: 3, height: 2)
        let errors: [any Worded] =
            [
                EditError.unfitMask(file: "m", picture: "p", reason: .sizeMismatch(mask: size, picture: size)),
                EditError.protectionImpossible, EditError.nothingHeld, EditError.noGlyphs(characters: [], font: "f"),
                EditError.placeholderKept(fill: "noise", detail: .kept), EditError.noiseKept(strength: 0.5),
                EditError.colorOfFill(mode: .erase), EditError.stencilWithoutShape(mode: .remix),
                EditError.notAPreview(found: "x"), EditError.previewIsOutput(path: "x"), EditError.noFont(name: nil),
                EditError.overMemoryLimit(what: "it", needed: 2, limit: 1),
                EditError.untileable(size: size, multiple: 8, nearest: [size]), EditError.nothingRepeats,
                EditError.nothingKept(what: "erase"),
                EditError.outputIsInput(path: "x"), EditError.outputExists(path: "x"),
                EditError.outputTooLarge(path: "x", format: .webp, size: size, others: [.png]), EditError.noCanvas,
                EditError.severalCanvases, EditError.nothingExtended, EditError.anchorOfSides(.top),
                EditError.notForMode(.strength, mode: .generate), EditError.sideOutOfRange(size),
                OutpaintError.nothingToAdd(source: size), OutpaintError.negative(side: .left, value: -1),
                MaskError.classes(values: [1], maximum: 255), MaskError.colors(["#ffffff"]),
                MaskError.picture(colored: 0.5), MaskError.contradictory, MaskError.noAlpha,
                SelectionError.nothingFound, SelectionError.noBackground(box: PixelRect(size)),
                ImageFileError.tooManyPixels(file: "x", size: size, limit: 1),
                ModelError.noEmbeddedModel,
                ModelError.unsupportedPrecision(.bf16), ModelError.notANumber(model: "m", part: "p", tensor: nil),
                ModelError.adaptedNotANumber(model: "m", part: "p", adapters: ["l"]),
                ModelStoreError.unknownDefault(name: "x"), ModelStoreError.needsConfirmation(name: "x"),
                ModelStoreError.noModelThere(what: "x", files: ["a"]),
            ]
        for error in errors {
            #expect(!error.description.contains("--") && !error.description.contains(" -o"), "\(error)")
            #expect(!error.settings.isEmpty, "\(error)")
        }
    }
}
