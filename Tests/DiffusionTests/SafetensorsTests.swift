import Diffusion
import Tensors
import Testing

@Suite struct SafetensorsTests {
    /// The bytes of a file with that header and that much data, the data counting up from 0.
    static func file(_ header: String, data: Int, announcing length: Int? = nil) -> [UInt8] {
        let utf8 = Array(header.utf8)
        let announced = UInt64(length ?? utf8.count)
        return (0 ..< 8).map { UInt8(truncatingIfNeeded: announced >> (8 * UInt64($0))) } + utf8
            + (0 ..< data).map { UInt8(truncatingIfNeeded: $0) }
    }

    static func open(_ bytes: [UInt8]) throws(WeightError) -> SafetensorsFile {
        // The memory is never released: the opened file may outlive this call.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
        copy.copyBytes(from: bytes)
        return try SafetensorsFile(
            staticBytes: UnsafeRawBufferPointer(rebasing: copy[..<bytes.count]), name: "weights.safetensors")
    }

    static func failure(_ bytes: [UInt8]) -> WeightError? {
        do throws(WeightError) {
            _ = try open(bytes)
            return nil
        } catch {
            return error
        }
    }

    static let two = """
        {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},\
        "b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]},"n":{"dtype":"I64","shape":[],"data_offsets":[14,22]}}
        """

    @Test func readsTensorsInPlace() throws {
        let file = try Self.open(Self.file(Self.two, data: 22))
        #expect(file.names.sorted() == ["a", "b"])
        #expect(file.header.metadata == ["format": "pt"])
        let tensor = try #require(file.tensor("b"))
        #expect(tensor.shape == [3])
        #expect(tensor.elementType == .bfloat16)
        #expect(Array(tensor.bytes) == [8, 9, 10, 11, 12, 13])
        #expect(file.tensor("c")?.name == nil)
    }

    @Test func listsTensorsItCannotUse() throws {
        let file = try Self.open(Self.file(Self.two, data: 22))
        #expect(file.tensor("n")?.name == nil)
        #expect(file.unusableElementType("n") == "I64")
        #expect(throws: WeightError.unsupportedElementType(file: "weights.safetensors", tensor: "n", found: "I64")) {
            try file.tensor("n", shape: [])
        }
    }

    @Test func copiesWhatIsNotAligned() throws {
        for padding in 0 ..< 4 {
            let header =
                #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"# + String(repeating: " ", count: padding)
            let file = try Self.open(Self.file(header, data: 8))
            let tensor = try #require(file.tensor("a"))
            let address = try #require(tensor.bytes.baseAddress)
            #expect(Int(bitPattern: address) % 4 == 0)
            #expect(Array(tensor.bytes) == Array(0 ..< 8))
        }
    }

    /// Headers that lie, each with what must be said of it.
    @Test(arguments: [
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7, "truncated"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 9, "1 byte after its last tensor"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12, "4 bytes before tensor 'a'"),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
            12, "'a' and 'b' overlap"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            8, "'a' and 'b' overlap"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
            16, "'a' is there twice"
        ),
        (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "has 8 bytes where F32 [3] needs 12"),
        (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, "shape that is not a list of sizes"),
        (#"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#, 8, "shape that is not a list of sizes"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#, 8, "not a start and an end"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8, "not a start and an end"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, 8, "not a start and an end"),
        (#"{"a":{"dtype":"F32","shape":[1152921504606846976,8],"data_offsets":[0,8]}}"#, 8, "too large to address"),
        (#"{"a":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,8]}}"#, 8, "too large to address"),
        (#"{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}"#, 8, "too large"),
        (
            #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}"#, 0,
            "beyond what"
        ),
        (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, 8, "not a list of sizes"),
        (#"{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}"#, 8, "unknown dtype 'F31'"),
        (#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, 8, "has no dtype"),
        (#"{"a":[1]}"#, 0, "is an array, expected an object"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, 8, "expected ',' or '}'"),
        (#"{"__metadata__":{"a":1}}"#, 0, "expected strings"),
        (#"[]"#, 0, "expected a JSON object"),
        ("", 0, "expected a JSON object"),
    ])
    func refusesAHeaderThatLies(header: String, data: Int, says: String) throws {
        let failure = try #require(Self.failure(Self.file(header, data: data)))
        #expect(failure.description.contains(says), "\(failure)")
        #expect(failure.description.contains("weights.safetensors"))
    }

    @Test func refusesNestingWithoutEnd() throws {
        let header = #"{"a":"# + String(repeating: "[", count: 100_000)
        let failure = try #require(Self.failure(Self.file(header, data: 0)))
        #expect(failure.description.contains("nesting deeper"))
    }

    @Test func refusesTextThatIsNotUnicode() throws {
        var bytes = Self.file(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, data: 8)
        bytes[8 + 2] = 0xFF
        let failure = try #require(Self.failure(bytes))
        #expect(failure.description.contains("invalid UTF-8"))
    }

    @Test(
        arguments: [
            (Array("PK\u{3}\u{4}".utf8) + [0, 0, 8, 8, 0], "ZIP archive"),
            ([0x80, 2, 0x8A, 0x0A, 1, 2, 3, 4, 5], "pickle"),
            (Array("version https://git-lfs.github.com/spec/v1\n".utf8), "Git LFS"),
            (Array("GGUF\u{3}\0\0\0{".utf8), "GGUF"),
            (Array("<!DOCTYPE html><html>".utf8), "web page"),
        ] as [([UInt8], String)])
    func namesOtherKindsOfFile(bytes: [UInt8], says: String) throws {
        let failure = try #require(Self.failure(bytes))
        #expect(failure.description.contains(says), "\(failure)")
    }

    @Test func refusesLengthsBeyondTheFile() throws {
        for length in [23, 1 << 20, 99_999_999, 100_000_001, 1 << 40, Int.max] {
            #expect(Self.failure(Self.file("{}", data: 20, announcing: length)) != nil)
        }
        let all = [UInt8](repeating: 0xFF, count: 8) + Array("{}".utf8)
        #expect(Self.failure(all)?.description.contains("18446744073709551615") == true)
    }

    /// A file cut anywhere is refused, whatever was cut.
    @Test func refusesATruncatedFile() throws {
        let whole = try MappedFile(path: "\(Fixtures.root)/parity/sampling/random.safetensors")
        let bytes = Array(whole.bytes)
        for count in stride(from: 0, to: bytes.count, by: 50) {
            #expect(Self.failure(Array(bytes[..<count])) != nil, "cut to \(count) bytes")
        }
    }

    /// Headers with one byte changed either open or throw; none traps.
    @Test func survivesChangedBytes() throws {
        let bytes = Self.file(Self.two, data: 22)
        for index in 0 ..< bytes.count - 22 {
            for change in [0x00, 0x01, 0x10, 0x2D, 0x30, 0x39, 0x5D, 0x7D, 0xFF] as [UInt8] {
                var changed = bytes
                changed[index] ^= change
                if let file = try? Self.open(changed) { for name in file.names { _ = file.tensor(name) } }
            }
        }
    }

    @Test func saysThatAFileIsMissing() throws {
        #expect(throws: WeightError.unreadable(file: "/no/such.safetensors", reason: "there is no such file")) {
            try SafetensorsFile(path: "/no/such.safetensors")
        }
        #expect(throws: WeightError.unreadable(file: "/", reason: "it is not a regular file")) {
            try SafetensorsFile(path: "/")
        }
    }
}
