import Glibc

@testable import Diffusion

private let path = "/dev/shm/editor-fuzz-\(getpid())"
private let embedded = try! ModelFiles(.embedded).tokenizer(of: "text_encoder")

/// The first byte chooses what follows: a prompt for the embedded model's tokenizer; `vocab.json`, `merges.txt`,
/// `tokenizer_config.json` and a prompt with a byte 0 between them; CLIP's list of merges; or `tokenizer.json` and a prompt.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = unsafe UnsafeRawBufferPointer(start: data + 1, count: count - 1)
    switch unsafe data[0] % 4 {
    case 0: unsafe encode(String(decoding: bytes, as: UTF8.self), embedded)
    case 1:
        let files = unsafe bytes.split(separator: 0, maxSplits: 3, omittingEmptySubsequences: false)
        guard files.count == 4 else { return 0 }
        let parts = unsafe files.map { unsafe UnsafeRawBufferPointer(rebasing: $0) }
        let json = unsafe try? JSONConfiguration(parsing: parts[2], file: "tokenizer_config.json")
        guard let configuration = try? json.map({ try TokenizerConfiguration($0) }) ?? TokenizerConfiguration(),
            let tokenizer = unsafe try? CLIPTokenizer(
                vocabulary: parts[0], merges: parts[1], configuration: configuration, name: "input")
        else { return 0 }
        unsafe encode(String(decoding: parts[3], as: UTF8.self), tokenizer)
    case 3:
        let files = unsafe bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard let file = unsafe files.first.map({ unsafe UnsafeRawBufferPointer(rebasing: $0) }),
            let tokenizer = unsafe try? CLIPTokenizer(parsing: file, configuration: .init(), file: "tokenizer.json")
        else { return 0 }
        encode("a (red:1.2) door", tokenizer)
        if let prompt = unsafe files.dropFirst().first {
            unsafe encode(String(decoding: prompt, as: UTF8.self), tokenizer)
        }
    default:
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0, unsafe write(descriptor, bytes.baseAddress, bytes.count) == bytes.count else {
            fatalError("cannot write \(path)")
        }
        close(descriptor)
        defer { unlink(path) }
        let size = unsafe 514 + Int(bytes[0]) % 8
        guard let tokenizer = try? CLIPTokenizer(clipVocabulary: path, size: size, padToken: "!") else { return 0 }
        encode("a (red:1.2) door", tokenizer)
    }
    return 0
}

private func encode(_ text: String, _ tokenizer: CLIPTokenizer) {
    let length = tokenizer.configuration.windowLength
    guard length < 10_000 else { return }
    let prompt = TokenizedPrompt(Prompt(text), tokenizer: tokenizer)
    precondition(!prompt.windows.isEmpty)
    for window in prompt.windows { precondition(window.tokens.count == length && window.weights.count == length) }
}
