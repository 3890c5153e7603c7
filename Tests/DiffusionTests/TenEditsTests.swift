#if os(Linux)
    import Foundation
    import Raster
    import Testing

    @testable import Diffusion
    @testable import Tensors

    /// Ten edits in one process, with other models, LoRAs, sizes and limits of memory each time, against ten processes.
    @Suite struct TenEditsTests {
        struct Edit: Sendable {
            var model: ModelSource
            var size: PixelSize
            var precision = Precision.f32
            var lora: Float?
            var threads: Int?
            /// Bytes of weights that may stay, and of activations.
            var weightMemory: Int?
            var activationMemory: Int?
            var keeps = false

            /// Opens the model, edits, and closes it.
            /// - Parameter folder: for packed weights.
            func picture(folder: String) throws -> [Float] {
                let loras = lora.map {
                    [LoRAChoice(path: "\(Fixtures.root)/parity/adapters/kohya.safetensors", weight: $0)]
                }
                let pipeline = try DiffusionPipeline(
                    model: model, precision: precision, threads: threads,
                    packedWeightFolder: keeps ? folder : nil, parametersWorthKeeping: keeps ? 0 : .max,
                    spillFolder: folder, clipVocabulary: "\(Fixtures.root)/parity/tokenizer/merges.txt",
                    adapters: Adapters(loras: loras ?? []))
                if let weightMemory {
                    pipeline.memoryLimits.weights = weightMemory
                    pipeline.memoryLimits.isShort = true
                }
                if let activationMemory { pipeline.memoryLimits.activations = activationMemory }
                let source = RGBImage(size: size, values: (0 ..< size.area * 3).map { Float($0 % 97) / 96 })
                let mask = Plane(size: size, values: (0 ..< size.area).map { $0 % size.width < size.width / 2 ? 1 : 0 })
                let request = DenoiseRequest(
                    conditioning: .masked(source, mask: mask), prompt: "a red fox", seeds: [3], steps: 2, guidance: 3)
                let picture = try #require(try pipeline.run(request).first)
                _ = pipeline.keepPackedWeights()
                return picture.values
            }
        }

        static let all: [Edit] = {
            func fixture(_ name: String) -> ModelSource { .folder("\(Fixtures.root)/parity/pipelines/\(name)") }
            func size(_ width: Int, _ height: Int) -> PixelSize { PixelSize(width: width, height: height) }
            let rounded: Precision = Compute.canMultiply(.bfloat16) ? .bf16 : .f32
            return [
                Edit(model: .embedded, size: size(128, 128), precision: rounded),
                Edit(model: fixture("sd1"), size: size(64, 32), lora: 1),
                Edit(model: .embedded, size: size(192, 128), activationMemory: 1 << 20),
                Edit(model: fixture("sd2-inpaint"), size: size(32, 32), keeps: true),
                Edit(model: fixture("sd1"), size: size(32, 64), threads: 1, weightMemory: 0),
                Edit(model: .embedded, size: size(192, 192), precision: rounded, weightMemory: 1 << 20),
                Edit(model: fixture("sd1"), size: size(64, 32), lora: 0.5, weightMemory: 100_000),
                Edit(model: fixture("sd2-inpaint"), size: size(64, 64), precision: rounded, weightMemory: 0),
                Edit(model: .embedded, size: size(128, 192), weightMemory: 8 << 20),
                Edit(model: fixture("sd2-inpaint"), size: size(32, 32), keeps: true),
            ]
        }()

        /// Bytes of this process's memory, when nothing is under way.
        static func resident() throws -> Int {
            try Engine.shared.run {}
            let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            return (Int(text.split(separator: " ")[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
        }

        static func write(_ picture: [Float], _ number: Int, to folder: String) throws {
            try picture.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: "\(folder)/\(number)"))
        }

        @Test(
            .timeLimit(.minutes(10)),
            .disabled(if: ProcessInfo.processInfo.environment["EDITOR_SANITIZER"] != nil, "it keeps what is freed"))
        func `Ten edits give the bytes of ten processes, and leave no memory behind`() async throws {
            let (together, alone) = (try ScratchFolder(), try ScratchFolder())
            let folders = [together.path, alone.path]
            await #expect(processExitsWith: .success) { [folder = folders[0] as String] in
                var sizes: [Int] = []
                for round in 0 ..< 3 {
                    for (number, edit) in TenEditsTests.all.enumerated() {
                        let name = round * TenEditsTests.all.count + number
                        try TenEditsTests.write(edit.picture(folder: folder), name, to: folder)
                        sizes.append(try TenEditsTests.resident())
                    }
                }
                let list = sizes.map(String.init).joined(separator: " ")
                try list.write(toFile: folder + "/sizes", atomically: true, encoding: .utf8)
            }
            let list = try String(contentsOfFile: folders[0] + "/sizes", encoding: .utf8)
            Attachment.record(list, named: "memory after each edit.txt")
            let sizes = list.split(separator: " ").compactMap { Int($0) }
            try #require(sizes.count == 30)
            #expect(sizes[9] * 100 <= sizes[2] * 105, "\(list)")
            // Limits made the end smaller than the third was: the same edits again and again stay there.
            #expect(sizes[29] * 100 <= sizes[19] * 105, "\(list)")
            for number in Self.all.indices {
                await #expect(processExitsWith: .success) {
                    [folder = folders[1] as String, number = number as Int] in
                    try TenEditsTests.write(TenEditsTests.all[number].picture(folder: folder), number, to: folder)
                }
            }
            var pictures: Set<Data> = []
            for number in Self.all.indices {
                let found = folders.map { FileManager.default.contents(atPath: "\($0)/\(number)") }
                #expect(found[0] != nil && found[0] == found[1], "edit \(number)")
                for round in 1 ..< 3 {
                    let name = round * Self.all.count + number
                    #expect(found[0] == FileManager.default.contents(atPath: "\(folders[0])/\(name)"), "edit \(name)")
                }
                pictures.insert(found[0] ?? Data())
            }
            // But for the last, which is the fourth again.
            #expect(pictures.count == Self.all.count - 1)
        }
    }
#endif
