import Diffusion
import Foundation
import ImageFiles
import Masking
import Parallel
import Raster
import TestSupport
import Testing

@testable import Editing

/// Work that is cancelled at any moment ends as `Cancelled`, leaves no file, and nothing that changes the next.
@Suite(.serialized) struct CancelledEditTests {
    /// What is cancelled, from 0 to the whole of its time, in so many moments.
    private let moments = 3

    enum Work: String, CaseIterable {
        case erase, inpaint, outpaint, remix, recolor, select, grow, feather, edges
    }

    private static let picture: Picture = {
        let size = PixelSize(width: 360, height: 280)
        var samples = [UInt8](repeating: 0, count: 3 * size.area)
        var state: UInt32 = 1
        for index in 0 ..< size.area {
            state = state &* 1_664_525 &+ 1_013_904_223
            let (x, y) = (index % size.width, index / size.width)
            let isThing = (x - 180) * (x - 180) + (y - 140) * (y - 140) < 6000
            for channel in 0 ..< 3 {
                samples[3 * index + channel] = UInt8(
                    clamping: (isThing ? 60 + 70 * channel : 180 - 20 * channel) + (x + y) / 40 + Int(state >> 28))
            }
        }
        return Picture(size: size, layout: .rgb, samples: .eight(samples))
    }()

    private static let marks: PictureInput = {
        let size = PixelSize(width: 2000, height: 1500)
        let samples = (0 ..< size.area).map {
            ($0 % size.width / 90 + $0 / size.width / 70) % 3 == 0 ? 255 : 0 as UInt8
        }
        let picture = Picture(size: size, layout: .gray, samples: .eight(samples))
        guard let file = try? ImageFile.encode(picture, format: .png, name: "mask") else {
            preconditionFailure("a mask is encoded")
        }
        return .bytes(file.bytes, name: "mask.png")
    }()

    /// Does the work, with its results in that folder.
    private func perform(_ work: Work, in folder: String) throws {
        let picture = PictureInput.bytes(
            try ImageFile.encode(Self.picture, format: .png, name: "photo").bytes, name: "photo.png")
        let output = OutputChoice(path: folder + "/")
        let hole = try MaskShape(box: "30%,30%,40%,40%")
        func edit(
            _ mode: EditMode, masks: [MaskSource], prompt: String = "", canvas: CanvasChange? = nil,
            detail: Detail? = nil
        ) throws {
            var request = EditRequest(
                mode: mode, picture: picture, masks: masks, prompt: prompt, canvas: canvas)
            request.settings.seed = 1
            request.settings.steps = 2
            request.settings.detail = detail
            _ = try EditJob(request: request, output: output).run(
                randomSeed: 1, openModel: { _ in try ModelChoice(source: .embedded).open() }, observe: { _ in })
        }
        func mask(_ task: MaskTask, of input: PictureInput? = nil) throws {
            _ = try MaskJob(task: task, input: input ?? picture, output: output).run { _ in }
        }
        switch work {
        case .erase: try edit(.erase, masks: [.shape(hole)])
        case .inpaint: try edit(.inpaint, masks: [.shape(hole)], prompt: "a red heart")
        case .outpaint: try edit(.outpaint, masks: [], canvas: .zoomOut(1.2, anchor: .center))
        case .remix: try edit(.remix, masks: [], prompt: "snow")
        case .recolor: try edit(.remix, masks: [.shape(hole)], prompt: "blue", detail: .color)
        case .select: try mask(.select(GrabCut(), box: hole, include: [], exclude: []))
        case .grow: try mask(.grow(60), of: Self.marks)
        case .feather: try mask(.feather(30), of: Self.marks)
        case .edges: try mask(.edges(EdgeDetector(), radius: 2))
        }
    }

    private func files(in folder: String) throws -> [String: Data] {
        var result: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            result[name] = try Data(contentsOf: URL(filePath: folder + "/" + name))
        }
        return result
    }

    @Test(arguments: Work.allCases.oneIfSanitized)
    func cancelledWorkLeavesNothing(work: Work) throws {
        let scratch = try Scratch()
        func folder(_ name: String) throws -> String {
            let path = scratch.path(name)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            return path
        }
        let whole = try folder("whole")
        let start = ContinuousClock.now
        try Cancellation().during { try perform(work, in: whole) }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let expected = try files(in: whole)
        #expect(!expected.isEmpty)

        var cancelled = 0
        for moment in 0 ..< moments {
            let place = try folder("\(moment)")
            let cancellation = Cancellation()
            // The first time at once: later work may be far quicker than what was timed.
            let wait = moment == 0 ? 0 : seconds * (Double(moment) + Double.random(in: 0 ..< 1)) / Double(moments)
            let stopper = Thread {
                Thread.sleep(forTimeInterval: wait)
                cancellation.cancel()
            }
            stopper.start()
            do {
                try cancellation.during { try perform(work, in: place) }
                // It was done before.
                #expect(try files(in: place).keys.sorted() == expected.keys.sorted())
            } catch {
                #expect(error is Cancelled, "\(error)")
                #expect(try files(in: place).isEmpty, "after \(wait) of \(seconds) s")
                cancelled += 1
            }
        }
        #expect(cancelled > 0)
        let again = try folder("again")
        try perform(work, in: again)
        #expect(try files(in: again) == expected)
    }
}
