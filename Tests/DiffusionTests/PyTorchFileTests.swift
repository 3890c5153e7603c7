import Foundation
import Tensors
import Testing

@testable import Diffusion

/// Files that `torch.save` wrote (fixtures/pickles), hostile ones among them.
@Suite struct PyTorchFileTests {
    private static let folder = "\(Fixtures.root)/pickles"

    @Test(arguments: ["zip.pth", "legacy.pth"])
    func `Tensors are those that torch reads`(name: String) throws {
        let file = try PyTorchFile(path: "\(Self.folder)/\(name)")
        let expected = try SafetensorsFile(path: "\(Self.folder)/expected.safetensors")
        #expect(Set(file.names) == Set(expected.names).union(["double"]))
        #expect(expected.names.count == 8)
        for tensor in expected.names {
            let (found, wanted) = (try #require(file.tensor(tensor)), try #require(expected.tensor(tensor)))
            #expect(found.shape == wanted.shape)
            #expect(found.elementType == wanted.elementType)
            #expect(Array(found.bytes) == Array(wanted.bytes), "\(tensor)")
        }
        #expect(file.unusableElementType("whole") == "I64")
        #expect(file.tensor("double")?.elementType == .float64 && file.tensor("double")?.isFinite == true)
        #expect(file.numbers["global_step"] == "875000")
        #expect(file.numbers["epoch"] == "3")
    }

    @Test func `What lies row by row is read in place`() throws {
        let file = try PyTorchFile(path: "\(Self.folder)/zip.pth")
        #expect(try #require(file.tensor("single")).isMapped)
        #expect(try #require(file.tensor("part")).isMapped)
        // Two of one storage share its bytes: `part` begins with the second row of six.
        let whole = try #require(file.tensor("transposed"))
        #expect(!whole.isMapped)
        let part = try #require(file.tensor("part"))
        #expect(part.floats()[0] == whole.floats()[1])
    }

    @Test func `A bare dictionary and parameters are read`() throws {
        let plain = try PyTorchFile(path: "\(Self.folder)/plain.bin")
        #expect(plain.names.sorted() == ["a", "b"])
        let parameter = try PyTorchFile(path: "\(Self.folder)/parameter.bin")
        #expect(try #require(parameter.tensor("a")).floats() == plain.tensor("a")?.floats())
    }

    @Test(arguments: ["evil-zip.pth", "evil-legacy.pth", "evil-plain.ckpt"])
    func `A pickle that would run a command is refused by its name`(name: String) throws {
        let path = "\(Self.folder)/\(name)"
        #expect(throws: WeightError.forbiddenGlobal(file: path, name: "posix.system")) { try PyTorchFile(path: path) }
    }

    @Test func `A file is what its bytes say, not what it is called`() throws {
        let scratch = try ScratchFolder()
        try FileManager.default.copyItem(
            atPath: "\(Self.folder)/zip.pth", toPath: scratch.path + "/a.safetensors")
        try FileManager.default.copyItem(
            atPath: "\(Self.folder)/expected.safetensors", toPath: scratch.path + "/b.ckpt")
        #expect(try WeightFile.open(scratch.path + "/a.safetensors").weights is PyTorchFile)
        #expect(try WeightFile.open(scratch.path + "/b.ckpt").weights is SafetensorsFile)
        let path = scratch.path + "/c.safetensors"
        try FileManager.default.copyItem(atPath: "\(Self.folder)/evil-zip.pth", toPath: path)
        #expect(throws: WeightError.forbiddenGlobal(file: path, name: "posix.system")) { try WeightFile.open(path) }
    }

    @Test func `An archive that PyTorch did not write is named for what it is`() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/a.ckpt"
        // Far larger than the file, as what deflates well is.
        for name in ["model/data.pkl", "model/data/0"] {
            try CheckpointTable.writeZip(path, [(name, Data([1, 2, 3]))], deflatedFrom: 1 << 30)
            #expect(throws: WeightError.compressed(file: path, entry: name)) { try PyTorchFile(path: path) }
        }
        #expect(
            WeightError.compressed(file: path, entry: "model/data.pkl").description
                .contains("its entry 'model/data.pkl' is compressed, and PyTorch stores entries as they are"))
        let clause = "it is a ZIP archive without data.pkl, so none that PyTorch wrote; unpack it first"
        for size in [nil, 1 << 30] {
            try CheckpointTable.writeZip(path, [("model.safetensors", Data([1, 2, 3]))], deflatedFrom: size)
            #expect(throws: WeightError.otherFormat(file: path, clause: clause)) { try PyTorchFile(path: path) }
        }
        // Without any entry.
        try Data(Array("PK\u{5}\u{6}".utf8) + [UInt8](repeating: 0, count: 18)).write(to: URL(fileURLWithPath: path))
        #expect(throws: WeightError.otherFormat(file: path, clause: clause)) { try WeightFile.open(path) }
    }

    @Test func `A folder with .bin files alone is read`() throws {
        let scratch = try ScratchFolder()
        try FileManager.default.copyItem(
            atPath: "\(Self.folder)/plain.bin", toPath: scratch.path + "/pytorch_model.bin")
        #expect(try WeightFolder(path: scratch.path).names.sorted() == ["a", "b"])
        try FileManager.default.copyItem(
            atPath: "\(Self.folder)/expected.safetensors", toPath: scratch.path + "/model.safetensors")
        #expect(try WeightFolder(path: scratch.path).names.contains("single"))
    }

    /// Runs the bytes of a pickle alone.
    private static func failure(_ pickle: [UInt8]) -> String {
        do throws(WeightError) {
            var reader = pickle.withUnsafeBytes { bytes in
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 8)
                copy.copyMemory(from: bytes)
                return Unpickler(UnsafeRawBufferPointer(rebasing: copy[..<bytes.count]), file: "x")
            }
            _ = try reader.load()
            return "no error"
        } catch { return error.description }
    }

    private static func long(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

    /// `_rebuild_tensor_v2` of a storage of four floats, with the given offset, size and stride.
    private static func tensor(offset: Int32, size: Int32, stride: Int32) -> [UInt8] {
        func number(_ value: Int32) -> [UInt8] { Array("J".utf8) + long(UInt32(bitPattern: value)) }
        func text(_ value: String) -> [UInt8] { Array("X".utf8) + long(UInt32(value.utf8.count)) + Array(value.utf8) }
        var program = Array("ctorch._utils\n_rebuild_tensor_v2\n((".utf8) + text("storage")
        program += Array("ctorch\nFloatStorage\n".utf8) + text("key") + text("cpu") + number(4) + Array("tQ".utf8)
        program += number(offset) + number(size) + [0x85] + number(stride) + [0x85] + Array("tR.".utf8)
        return program
    }

    @Test func `Views beyond a storage are refused`() {
        #expect(Self.failure(Self.tensor(offset: 0, size: 4, stride: 1)) == "no error")
        #expect(Self.failure(Self.tensor(offset: 1, size: 2, stride: 2)) == "no error")
        #expect(Self.failure(Self.tensor(offset: 1, size: 4, stride: 1)).contains("reaches beyond its storage of 4"))
        #expect(Self.failure(Self.tensor(offset: 0, size: 3, stride: 2)).contains("reaches beyond"))
        #expect(Self.failure(Self.tensor(offset: 0, size: 9, stride: 0)).contains("reaches beyond"))
        #expect(Self.failure(Self.tensor(offset: -1, size: 1, stride: 1)).contains("do not fit"))
        #expect(Self.failure(Self.tensor(offset: 0, size: -1, stride: 1)).contains("a size below 0"))
        #expect(Self.failure(Self.tensor(offset: .max, size: 0, stride: .max)) == "no error")
    }

    @Test func `A tensor without elements may have any other sizes`() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/x.pth"
        try CheckpointTable.writePickle(path, [("empty", [0, 4, 1 << 61], []), ("one", [2], [1, 2])])
        let file = try PyTorchFile(path: path)
        #expect(try #require(file.tensor("empty")).bytes.isEmpty)
        #expect(try #require(file.tensor("one")).floats() == [1, 2])
    }

    @Test func `Hostile programs end in a sentence`() {
        #expect(Self.failure([]).contains("truncated"))
        #expect(Self.failure(Array("0.".utf8)).contains("stack is empty"))
        #expect(Self.failure(Array("t.".utf8)).contains("no mark"))
        #expect(Self.failure(Array("h\u{1}.".utf8)).contains("never remembered"))
        #expect(Self.failure([0x80, 9]).contains("protocol 9"))
        #expect(Self.failure(Array("NNR.".utf8)).contains("cannot be called"))
        #expect(Self.failure(Array("cos\nsystem\n.".utf8)).contains("asks for 'os.system'"))
        #expect(Self.failure(Array("c__builtin__\neval\n.".utf8)).contains("'__builtin__.eval'"))
        #expect(Self.failure(Array("X".utf8) + Self.long(0xFFFF_FFFF)).contains("too long"))
        #expect(Self.failure(Array("X".utf8) + Self.long(100)).contains("truncated"))
        #expect(Self.failure(Array("i".utf8)).contains("opcode 105"))
        #expect(
            Self.failure([UInt8](repeating: UInt8(ascii: "N"), count: 5_000_000)).contains("more than 4000000 values"))
        // A list within a list, a million deep, and one that holds itself.
        #expect(
            Self.failure(
                [UInt8](repeating: UInt8(ascii: "]"), count: 1_000_000)
                    + [UInt8](repeating: UInt8(ascii: "a"), count: 999_999) + Array(".".utf8)) == "no error")
        #expect(Self.failure(Array("]q\u{0}h\u{0}a.".utf8)) == "no error")
    }

    @Test(arguments: ["zip.pth", "legacy.pth"])
    func `Cut and changed files are read or refused, and nothing worse`(name: String) throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/x.pth"
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(name)")))
        var refused = 0
        func attempt(_ bytes: [UInt8]) throws {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            do throws(WeightError) {
                let file = try PyTorchFile(path: path)
                for name in file.names { #expect(file.tensor(name)?.floats().count == file.tensor(name)?.count) }
            } catch {
                #expect(!error.description.isEmpty)
                refused += 1
            }
        }
        let cuts = stride(from: 0, to: whole.count, by: 7)
        for count in cuts { try attempt(Array(whole.prefix(count))) }
        #expect(refused == Array(cuts).count)
        var generator = SplitMix(state: 5)
        for _ in 0 ..< 3000 {
            var bytes = whole
            for _ in 0 ..< Int.random(in: 1 ... 4, using: &generator) {
                bytes[Int.random(in: 0 ..< bytes.count, using: &generator)] = UInt8.random(
                    in: 0 ... 255, using: &generator)
            }
            try attempt(bytes)
        }
        #expect(refused > Array(cuts).count + 500)
    }

    private static let corpus: String? = {
        let beside = URL(fileURLWithPath: Fixtures.root).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "shared/corpora").path()
        let root = ProcessInfo.processInfo.environment["EDITOR_CORPORA"] ?? beside
        return FileManager.default.fileExists(atPath: root + "/weights/taef2_decoder.pth") ? root + "/weights" : nil
    }()

    @Test(
        .enabled(if: corpus != nil, "skipped: no corpora (set EDITOR_CORPORA)"),
        arguments: ["taef2_decoder.pth", "taef2_encoder.pth"])
    func `Real files hold what torch reads of them`(name: String) throws {
        let file = try PyTorchFile(path: try #require(Self.corpus) + "/" + name)
        guard case .object(let probes)? = try Fixtures.json("pickles/probes.json")[name] else {
            throw WeightError.badHeader(file: name, reason: "no probes")
        }
        #expect(Set(file.names) == Set(probes.keys))
        #expect(probes.count == 79)
        for (tensor, probe) in probes {
            let found = try #require(file.tensor(tensor))
            let values = found.floats()
            #expect(found.isMapped)
            #expect(found.shape == probe["shape"]?.list?.compactMap(\.integer))
            #expect(values.prefix(4).map(Double.init) == probe["first"]?.list?.compactMap(\.double))
            #expect(values.last.map(Double.init) == probe["last"]?.double)
            let sum = try #require(probe["sum"]?.double)
            #expect(abs(values.reduce(0) { $0 + Double($1) } - sum) <= 1e-9 * Double(values.count))
        }
    }
}

/// A small generator, for tests that must be the same every time (SplitMix64, Steele et al. 2014).
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
