internal import ArgumentParser
internal import Editing

/// Runs a request that is written in JSON.
struct RequestCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "edit",
        abstract: "Run an edit that is written as JSON.",
        usage: "editor edit [<options>] <request>",
        discussion: """
            The request says what is edited and how; the options here say where the result goes and which model makes it. Any other command of this group prints its own request with --print-request, which is the easiest way to write one. docs/request.md describes the form.
            """)

    @Argument(help: "A file with the request; - for standard input.", completion: .file())
    var request: String

    @OptionGroup var running: RunOptions

    var reportsAsJSON: Bool { running.output.json }

    func run() throws {
        do { try runRequest() } catch { throw RequestFailure(error) ?? error }
    }

    private func runRequest() throws {
        var edit = try EditRequest(json: bytes(), name: request == "-" ? "standard input" : request)
        if let limit = running.machine.maxMemory { edit.settings.memoryLimit = limit.bytes }
        if let interval = running.output.previewInterval {
            let isAsked = running.output.livePreviewInterval != nil || edit.settings.previewInterval == 0
            if isAsked { edit.settings.previewInterval = interval }
        } else if !running.output.printRequest {
            // Nobody would see them.
            edit.settings.previewInterval = 0
        }
        let read = request == "-" ? ReadFile(redirected: .request) : ReadFile(request, .request)
        try EditRun(running, reads: [read].compactMap(\.self), naming: RequestNaming()).run(edit)
    }

    private func bytes() throws -> [UInt8] {
        guard request != "-" else {
            return try Console.readInput(limit: EditRequest.maximumJSONBytes, expected: "a request")
        }
        return try EditRequest.bytes(ofFile: request)
    }
}
