internal import ArgumentParser
internal import Editing
internal import PlainText

/// Settings as the command line spells them: the key of `guidanceRescale` is the option `--guidance-rescale`.
struct OptionNaming: SettingNaming {
    /// Where the option is not the key with hyphens.
    private static let exceptions: [SettingKey: String] = [
        .mode: "the command", .picture: "<image>", .prompt: "<prompt>", .masks: "--mask", .protected: "--protect",
        .negativePrompt: "--negative", .output: "-o",
    ]

    func name(of key: SettingKey) -> String {
        Self.exceptions[key]
            ?? "--" + key.rawValue.reduce(into: "") { $0 += $1.isUppercase ? "-" + $1.lowercased() : String($1) }
    }

    func choice(of key: SettingKey, _ value: String) -> String { "\(name(of: key)) \(value)" }

    func command(_ verb: String, _ words: [CommandWord]) -> String {
        let words = words.map { word in
            switch word {
            case .plain(let text): text
            case .choice(let key, let value): choice(of: key, value)
            }
        }
        return "'\((["editor", verb] + words).joined(separator: " "))'"
    }
}

extension SettingNaming where Self == OptionNaming {
    static var options: OptionNaming { OptionNaming() }
}

/// Settings as `editor edit` has them: its own options, and the keys of the request for all else.
struct RequestNaming: SettingNaming {
    private static let options: Set<SettingKey> = [
        .output, .force, .livePreview, .livePreviewInterval, .maxMemory, .model, .vae, .previewVae, .precision,
        .threads,
        .lora, .embedding,
    ]

    private func naming(of key: SettingKey) -> any SettingNaming {
        Self.options.contains(key) ? OptionNaming() : SettingKeys()
    }

    func name(of key: SettingKey) -> String { naming(of: key).name(of: key) }
    func choice(of key: SettingKey, _ value: String) -> String { naming(of: key).choice(of: key, value) }
    /// Of another command, whose options are its own.
    func command(_ verb: String, _ words: [CommandWord]) -> String { OptionNaming().command(verb, words) }
}

/// What went wrong with an edit that was asked for in JSON.
struct RequestFailure: Failing, CustomStringConvertible {
    let kind: FailureKind
    let description: String

    /// `nil` for what names no settings.
    init?(_ error: any Error) {
        guard let kind = FailureKind(error), let error = error as? any Worded else { return nil }
        self.kind = kind
        description = error.described(by: RequestNaming())
    }
}

extension ArgumentHelp {
    /// What the table of settings says of it.
    init(_ setting: any AnySetting, valueName: String? = nil) {
        self.init(setting.help.worded(by: .options), valueName: valueName)
    }
}
