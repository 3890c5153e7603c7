import Editing
import Testing

@Suite struct FileHashTests {
    private static func hash(_ bytes: [UInt8], isPlain: Bool, pieces: Int = 1) -> String {
        var hash = FileHash(isPlain: isPlain)
        bytes.withUnsafeBytes { all in
            for piece in 0 ..< pieces {
                let range = all.count * piece / pieces ..< all.count * (piece + 1) / pieces
                hash.add(UnsafeRawBufferPointer(rebasing: all[range]))
            }
        }
        return hash.hexadecimal()
    }

    /// FIPS 180-4's examples, as NIST lists them, and a million of one letter.
    @Test(arguments: [true, false])
    func `Known hashes come out`(isPlain: Bool) {
        for (text, expected) in [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ] {
            #expect(Self.hash(Array(text.utf8), isPlain: isPlain) == expected)
            #expect(Self.hash(Array(text.utf8), isPlain: isPlain, pieces: 7) == expected)
        }
    }

    @Test func `The processor's own instructions give what the definition gives, at every length`() {
        for length in 0 ..< 300 {
            let bytes = (0 ..< length).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ length) }
            let expected = Self.hash(bytes, isPlain: true)
            for pieces in [1, 2, 5] { #expect(Self.hash(bytes, isPlain: false, pieces: pieces) == expected) }
        }
    }
}
