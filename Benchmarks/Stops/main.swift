// How long an edit of a large picture works on after it was told to stop.
//
//   stop-benchmarks [MEGAPIXELS] [MOMENTS] [NAME …]     24 million pixels and 12 moments where nothing is said
//
// Each kind of work runs once to its end, then again and again, stopped each time at another moment, spread over the
// whole of it. For each: seconds of the whole work, the longest wait from the stop to the return, the stage in which that
// was, and how many files were left.

import Diffusion
import Editing
import Foundation
import ImageFiles
import Masking
import Parallel
import Raster

let arguments = CommandLine.arguments.dropFirst()
let megapixels = arguments.first.flatMap { Double($0) } ?? 24
let moments = arguments.dropFirst().first.flatMap { Int($0) } ?? 12
let names = Set(arguments.dropFirst(2))

let size = PixelSize(
    width: Int((megapixels * 1.5e6).squareRoot()) / 8 * 8, height: Int((megapixels / 1.5e-6).squareRoot()) / 8 * 8)
let folder = FileManager.default.temporaryDirectory.appending(
    path: "stops-\(ProcessInfo.processInfo.processIdentifier)"
)
.path()
try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)

/// Soft forms and a grain, so that nothing about the picture is easy.
let picture: Picture = {
    var samples = [UInt8](repeating: 0, count: 3 * size.area)
    var state: UInt32 = 1
    for y in 0 ..< size.height {
        for x in 0 ..< size.width {
            state = state &* 1_664_525 &+ 1_013_904_223
            let grain = Int(state >> 28)
            let at = 3 * (y * size.width + x)
            let wave = Int(60 * (sin(Double(x) / 170) + cos(Double(y) / 130)))
            samples[at] = UInt8(clamping: 128 + wave + grain)
            samples[at + 1] = UInt8(clamping: 110 - wave / 2 + grain)
            samples[at + 2] = UInt8(clamping: 90 + x * 100 / size.width + grain)
        }
    }
    return Picture(size: size, layout: .rgb, samples: .eight(samples))
}()
let png = PictureInput.bytes(try ImageFile.encode(picture, format: .png, name: "png").bytes, name: "photo.png")
let jpeg = PictureInput.bytes(try ImageFile.encode(picture, format: .jpeg, name: "jpeg").bytes, name: "photo.jpg")

/// A box in parts of the picture.
func box(_ x: Double, _ y: Double, _ width: Double, _ height: Double) throws -> MaskShape {
    try MaskShape(box: "\(100 * x)%,\(100 * y)%,\(100 * width)%,\(100 * height)%")
}
let hole = try box(0.3, 0.3, 0.3, 0.3)
let output = OutputChoice(path: folder + "/")

func edit(
    _ mode: EditMode, _ input: PictureInput = png, masks: [MaskSource] = [.shape(hole)], prompt: String = "",
    canvas: CanvasChange? = nil, change: @escaping (inout EditSettings) -> Void = { _ in }
) -> @Sendable (@escaping (String) -> Void) throws -> Void {
    var request = EditRequest(mode: mode, picture: input, masks: masks, prompt: prompt, canvas: canvas)
    request.settings.seed = 1
    change(&request.settings)
    let job = EditJob(request: request, output: output)
    let choice = ModelChoice(source: .embedded)
    return { stage in
        _ = try job.run(
            randomSeed: 1, openModel: { _ in try choice.open() },
            observe: { event in if case .stage(let name) = event { stage(name.rawValue) } })
    }
}

func mask(_ task: MaskTask, _ input: PictureInput = png) -> @Sendable (@escaping (String) -> Void) throws -> Void {
    let job = MaskJob(task: task, input: input, output: output)
    return { stage in
        _ = try job.run { if case .stage(let name) = $0 { stage(name.rawValue) } }
    }
}

let whole = try MaskShape(box: "5%,5%,90%,90%")
let maskBytes = PictureInput.bytes(
    try {
        var samples = [UInt8](repeating: 0, count: size.area)
        for y in size.height / 4 ..< size.height / 2 {
            for x in size.width / 4 ..< size.width / 2 where (x / 90 + y / 70) % 3 > 0 {
                samples[y * size.width + x] = 255
            }
        }
        return try ImageFile.encode(
            Picture(size: size, layout: .gray, samples: .eight(samples)), format: .png, name: "mask"
        ).bytes
    }(), name: "mask.png")

let all: [(name: String, run: @Sendable (@escaping (String) -> Void) throws -> Void)] = [
    ("erase png", edit(.erase)),
    ("erase jpeg", edit(.erase, jpeg)),
    ("inpaint", edit(.inpaint, prompt: "a red heart")),
    ("inpaint whole", edit(.inpaint, masks: [.shape(whole)], prompt: "a lake") { $0.area = .whole }),
    ("outpaint", edit(.outpaint, masks: [], canvas: .zoomOut(1.2, anchor: .center))),
    ("remix", edit(.remix, masks: [], prompt: "a winter night")),
    ("recolour", edit(.remix, prompt: "blue flowers") { $0.detail = .color }),
    ("mask shape", mask(.shape(hole))),
    ("mask select", mask(.select(GrabCut(iterations: 5, smoothness: 50), box: hole, include: [], exclude: []))),
    ("mask luminance", mask(.luminance(20 ... 60, softness: 5))),
    ("mask grow", mask(.grow(200), maskBytes)),
    ("mask feather", mask(.feather(60), maskBytes)),
    ("mask fill-holes", mask(.fillHoles, maskBytes)),
    ("mask invert", mask(.invert, maskBytes)),
]

/// What a run came to, handed from its thread to this one.
final class Run: @unchecked Sendable {
    // Sendable: read once `done` was signalled, but for the stage, of which an old value does no harm.
    var stage = ""
    var isCancelled = false
    var failure: (any Error)?
    let done = DispatchSemaphore(value: 0)
}

func start(_ work: @escaping @Sendable (@escaping (String) -> Void) throws -> Void, _ cancellation: Cancellation) -> Run
{
    let run = Run()
    let thread = Thread {
        do {
            try cancellation.during { try work { run.stage = $0 } }
        } catch {
            run.isCancelled = error is Cancelled
            run.failure = error
        }
        run.done.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
    return run
}

func files() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

func say(_ line: String) {
    print(line)
    fflush(nil)
}

say("\(size.width) × \(size.height), \(moments) moments each; seconds")
say("work                whole  longest wait  in")
for (name, work) in all where names.isEmpty || names.contains(name) {
    for file in files() { try FileManager.default.removeItem(atPath: folder + "/" + file) }
    let began = ContinuousClock.now
    let first = start(work, Cancellation())
    first.done.wait()
    if let failure = first.failure {
        print("\(name): \(failure)")
        continue
    }
    let seconds = (ContinuousClock.now - began) / .seconds(1)
    for file in files() { try FileManager.default.removeItem(atPath: folder + "/" + file) }
    var (longest, place, finished) = (0.0, "", 0)
    for moment in 0 ..< moments {
        let cancellation = Cancellation()
        let run = start(work, cancellation)
        Thread.sleep(forTimeInterval: seconds * (Double(moment) + Double.random(in: 0 ..< 1)) / Double(moments))
        let stage = run.stage
        let told = ContinuousClock.now
        cancellation.cancel()
        run.done.wait()
        let wait = (ContinuousClock.now - told) / .seconds(1)
        if run.failure == nil {
            finished += 1
            for file in files() { try FileManager.default.removeItem(atPath: folder + "/" + file) }
        } else if !run.isCancelled {
            print("\(name): \(run.failure!)")
        }
        if wait > longest { (longest, place) = (wait, run.failure == nil ? stage + " (finished)" : stage) }
    }
    let left = files().count
    let counts = (finished > 0 ? "; \(finished) finished" : "") + (left > 0 ? "; \(left) files left" : "")
    say(
        name.padding(toLength: 18, withPad: " ", startingAt: 0)
            + String(format: "%6.2f  %12.3f  ", seconds, longest) + place + counts)
}
try FileManager.default.removeItem(atPath: folder)
