public import PlainText

/// What can be wrong with the models on this machine and with getting others, apart from what their files hold.
public enum ModelStoreError: Failing, Equatable {
    case noHome
    case badConfiguration(path: String, reason: String)
    case notWritten(path: String, reason: String)
    /// No model is called so; `near` are some that resemble it.
    case unknownModel(name: String, near: [String])
    /// The model that was made the default is gone.
    case unknownDefault(name: String)
    case ambiguousModel(name: String, models: [String])
    /// A folder of the program's own that is no model, but holds some.
    case noModel(path: String, models: [String])
    /// `link` leads there from the program's own folder.
    case notOwn(name: String, place: String, folder: String, link: String? = nil)
    case needsConfirmation(name: String)
    case exists(path: String, instead: Sentence)
    /// OWNER/NAME[@REVISION] is not that.
    case badReference(String)
    case badSetting(name: String, reason: String)
    case noLibcurl
    /// The address, without what stands behind its path.
    case transferFailed(address: String, reason: String)
    case notAuthorized(what: String, endpoint: String, hasToken: Bool)
    case notFound(what: String, endpoint: String)
    /// What a hub answered cannot be.
    case badAnswer(address: String, reason: String)
    case unsafePath(String, hub: String)
    case noModelThere(what: String, files: [String])
    case noSuchFile(String, what: String, files: [String])
    case noVariant(String, what: String)
    case wrongSize(file: String, expected: Int, found: Int)
    case wrongHash(file: String, expected: String, found: String)
    case diskTooSmall(folder: String, needed: Int, free: Int)
    case inUse(name: String)
    case damaged(name: String, problems: [String])
}

extension ModelStoreError: Worded {
    public var sentence: Sentence {
        switch self {
        case .noHome: "there is no home folder to keep models in; set HOME, or XDG_DATA_HOME and XDG_CONFIG_HOME"
        case .badConfiguration(let path, let reason): "'\(path)' cannot be used: \(reason)"
        case .notWritten(let path, let reason): "'\(path)' cannot be written: \(reason)"
        case .unknownModel(let name, let near):
            "there is no model '\(name)': no file or folder of that path, and none of that name in 'editor models list'"
                + (near.isEmpty ? "" : "; there is \(Self.list(near))")
        case .unknownDefault(let name):
            "the default model '\(name)' is not there any more; choose another with 'editor models default', or name one with \(.model)"
        case .ambiguousModel(let name, let models):
            "'\(name)' is the name of \(models.count.of("model")), expected one: \(Self.list(models))"
        case .noModel(let path, let models):
            "'\(path)' is no model, so nothing was removed"
                + (models.isEmpty ? "" : "; it holds \(Self.list(models)): name one")
        case .notOwn(let name, let place, let folder, let link):
            "'\(name)' lies in \(place), where nothing is removed; only what lies in '\(folder)' is"
                + (link.map { ", such as the link \($0.quotedIfUnclear) that leads there" } ?? "")
        case .needsConfirmation(let name):
            "'\(name)' is not removed without a yes: there is no terminal to ask, so add \(.force)"
        case .exists(let path, let instead): "'\(path)' exists already; \(instead)"
        case .badReference(let text):
            "'\(text)' names no model of a hub, expected OWNER/NAME or OWNER/NAME@REVISION"
        case .badSetting(let name, let reason): "\(name) cannot be used: \(reason)"
        case .noLibcurl:
            "models cannot be fetched: libcurl is not installed on this machine (Debian and Ubuntu: libcurl4)"
        case .transferFailed(let address, let reason): "\(address) could not be fetched: \(reason)"
        case .notAuthorized(let what, let endpoint, let hasToken):
            hasToken
                ? "\(what) at \(endpoint) is not open to the token in HF_TOKEN; its terms may have to be accepted there first"
                : "\(what) at \(endpoint) is not there, or not open to everybody; set HF_TOKEN to a token that may read it"
        case .notFound(let what, let endpoint): "there is no \(what) at \(endpoint)"
        case .badAnswer(let address, let reason): "\(address) answered what no hub does: \(reason)"
        case .unsafePath(let path, let hub):
            "\(hub) names a file '\(path.unicodeScalars.map { $0.value < 0x20 ? "\u{FFFD}" : String($0) }.joined().prefix(120))', which could lie outside the model's folder; nothing was fetched"
        case .noModelThere(let what, let files):
            "\(what) has no model_index.json, so it is no model in the diffusers layout"
                + (files.isEmpty
                    ? ", and holds no single-file model"
                    : "; name a single file with \(.file): \(files.joined(separator: ", "))")
        case .noSuchFile(let file, let what, let files):
            "\(what) has no file '\(file)'" + (files.isEmpty ? "" : "; it has \(files.joined(separator: ", "))")
        case .noVariant(let variant, let what): "\(what) has no weights of the variant '\(variant)'"
        case .wrongSize(let file, let expected, let found):
            "'\(file)' has \(found.of("byte")), expected \(expected)"
        case .wrongHash(let file, let expected, let found):
            "'\(file)' has the SHA-256 \(found), expected \(expected)"
        case .diskTooSmall(let folder, let needed, let free):
            "'\(folder)' has \(Figures.bytes(free)) of free space, expected \(Figures.bytes(needed))"
        case .inUse(let name): "'\(name)' is being fetched by another run of this program"
        case .damaged(let name, let problems):
            "'\(name)' is not as it should be: \(problems.joined(separator: "; "))"
        }
    }

    private static func list(_ names: [String]) -> String { names.map(\.quotedIfUnclear).joined(separator: ", ") }

    public var kind: FailureKind {
        switch self {
        case .badReference, .badSetting, .ambiguousModel, .noModel, .notOwn, .needsConfirmation: .usage
        case .badConfiguration, .badAnswer, .unsafePath, .wrongSize, .wrongHash, .damaged: .badData
        case .unknownModel, .unknownDefault, .notAuthorized, .notFound, .noModelThere, .noSuchFile, .noVariant:
            .modelUnusable
        case .noHome, .exists, .diskTooSmall, .inUse: .cannotCreate
        case .notWritten, .noLibcurl, .transferFailed: .inputOutput
        }
    }
}
