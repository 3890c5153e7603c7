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

extension ArgumentHelp {
    /// What the table of settings says of it.
    init(_ setting: any AnySetting, valueName: String? = nil) {
        self.init(setting.help.worded(by: .options), valueName: valueName)
    }
}
