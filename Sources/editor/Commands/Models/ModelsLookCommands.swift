internal import ArgumentParser
internal import Editing
internal import PlainText

struct ModelsListCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the models on this machine and what they are.",
        usage: "editor models list [<options>]",
        discussion: "A star marks the default. A model that cannot be used is listed with the reason.")

    @Flag(help: "One JSON object instead of text.")
    var json = false

    var reportsAsJSON: Bool { json }

    func run() throws {
        let listing = try ModelListing(observe: { try Interruption.check() })
        try Console.writeOutput(json ? listing.json.line(namedBy: .options) : listing.text)
    }
}

struct ModelsInfoCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Tell all there is to know of a model.",
        usage: "editor models info <model> [<options>]",
        discussion: """
            Family, prediction, native size, how weights are stored, size, licence as far as it is stated, and memory. A single file is read through for its hash; "model hash" is what AUTOMATIC1111 writes into pictures and Civitai calls AutoV2, the first ten digits of its SHA-256.
            """)

    @Argument(help: "A name of 'editor models list', or a path.", completion: .file())
    var model: String

    @Flag(help: "One JSON object instead of text.")
    var json = false

    var reportsAsJSON: Bool { json }

    func run() throws {
        let model = try ModelLibrary().model(model)
        let details = try ModelDetails(of: model, observe: { try Interruption.check() })
        try Console.writeOutput(json ? details.json.line(namedBy: .options) : details.text(namedBy: .options))
    }
}

struct ModelsVerifyCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a model's files and weights.",
        usage: "editor models verify <model> [<options>]",
        discussion: """
            Files that 'pull' fetched, or huggingface_hub, are held against the sizes and SHA-256 that the hub stated. All tensors must be there in their shapes, and hold finite numbers. Exits with 65 where something is wrong.
            """)

    @Argument(help: "A name of 'editor models list', or a path.", completion: .file())
    var model: String

    @Flag(help: "One JSON object instead of text.")
    var json = false

    var reportsAsJSON: Bool { json }

    func run() throws {
        let model = try ModelLibrary().model(model)
        let printer = TransferPrinter(json: false, quiet: json)
        defer { printer.closeLine() }
        var read = 0
        let verification = try ModelVerification(of: model) { bytes in
            try Interruption.check()
            read += bytes
            printer.show("checked \(Figures.bytes(read))")
        }
        printer.closeLine()
        if json {
            try Console.writeOutput(verification.json.line(namedBy: .options))
        } else {
            for check in verification.checks { try Console.writeOutput(check.withControlsShown) }
        }
        try verification.check()
    }
}
