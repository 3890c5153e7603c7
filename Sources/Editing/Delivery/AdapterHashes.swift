internal import Diffusion
internal import PlainText

/// What AUTOMATIC1111's web UI names LoRAs and embeddings by in its record, as `name: hash` with the first twelve digits of a
/// SHA-256: of a LoRA's tensors, which is what comes after a safetensors file's header, and of other files as a whole
/// (`extensions-builtin/Lora/network.py`, `extra_networks_lora.py`, `modules/hashes.py`, `modules/sd_hijack_clip.py`, f2844bd).
struct AdapterHashes {
    private(set) var loras: [String] = []
    /// Of those whose words are in a prompt.
    private(set) var embeddings: [String] = []

    /// A file that cannot be read any more is left out.
    init(_ facts: ModelFacts, prompts: [String]) {
        for adapter in facts.adapters {
            // Metadata that state it are taken at their word, as there.
            let stated = adapter.statedHash.flatMap { Self.isHash($0) ? $0 : nil }
            guard let hash = stated ?? (try? FileHash.of(file: adapter.path, from: adapter.dataStart ?? 0)) else {
                continue
            }
            loras.append(Self.entry(adapter.name, hash))
        }
        for facts in facts.embeddings {
            let used = facts.words.map(\.word).filter { word in
                prompts.contains { $0.lowercased().contains(word.lowercased()) }
            }
            guard !used.isEmpty, let hash = try? FileHash.of(file: facts.file) else { continue }
            embeddings += used.map { Self.entry($0, hash) }
        }
    }

    private static let digits = 12

    private static func isHash(_ text: String) -> Bool {
        text.utf8.count >= digits && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    private static func entry(_ name: String, _ hash: String) -> String {
        "\(name.printable.filter { $0 != ":" && $0 != "," }): \(hash.prefix(digits))"
    }
}
